"""`reconciler drift`."""

from pathlib import Path

import click

from reconciler.cli.drifted import drift_code, drifted
from reconciler.cli.files import Files
from reconciler.cli.formats import DRIFT, Output, Report
from reconciler.cli.options import journal_read, plan_options, shaping
from reconciler.cli.planned import Inputs
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import chosen, snapshot_options


@click.command("drift")
@shaping
@snapshot_options
@DRIFT.option
@journal_read
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    base: str | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    snapshot: Path | None,
    snapshot_max_age: int,
    form: str,
    reports: tuple[Report, ...],
    journal: Path,
) -> int:
    """Report where the console differs from the policies. Cannot write.

    Exits with 2 on any difference; a principal that no policy names is a difference here,
    although a plan leaves it alone, and so is a role that permits something else than when it
    was pinned. With --target only the principals it names count. Exits with 3 when a guardrail
    would refuse to mend it, as `plan` would.
    """
    options = plan_options(targets, no_revokes=no_revokes)
    files = Files(policies, guardrails, base)
    inputs = Inputs(files, journal, chosen(snapshot, snapshot_max_age))
    found = drifted(session, inputs, options)
    DRIFT.deliver(session, found.tree, Output(form, reports))
    return drift_code(found.plan)
