"""`reconciler drift`."""

from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.files import Files
from reconciler.cli.formats import DRIFT, Output, Report
from reconciler.cli.history import with_history
from reconciler.cli.options import narrowed, plan_options
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import chosen, observed, snapshot_options
from reconciler.documents.load import load
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode
from reconciler.planning.causes import as_drift
from reconciler.rendering.tree import plan_tree


@click.command("drift")
@narrowed
@snapshot_options
@DRIFT.option
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    snapshot: Path | None,
    snapshot_max_age: int,
    form: str,
    reports: tuple[Report, ...],
) -> int:
    """Report where the console differs from the policies. Cannot write.

    Exits with 2 on any difference; a principal that no policy names is a difference here,
    although a plan leaves it alone, and so is a role that permits something else than when it
    was pinned. Exits with 3 when a guardrail would refuse to mend it.
    """
    options = plan_options(targets, no_revokes=no_revokes)
    loaded = load(policies, guardrails)
    wanted = Wanted(loaded.policy, loaded.guardrails, options, pins=loaded.pins)
    plan, _ = observed(session, wanted, chosen(snapshot, snapshot_max_age))
    # Compared with the policies themselves, whatever no window explains is drift.
    files = Files(policies, guardrails, None)
    tree = plan_tree(with_history(session, files, as_drift(plan)), __version__)
    DRIFT.deliver(session, tree, Output(form, reports))
    if plan.refusals:
        return ExitCode.REFUSED
    # What a role permits is content too: nobody changed a grant, and yet people can do more.
    is_same = plan.is_empty and not plan.unlisted and not plan.role_changes
    return ExitCode.DONE if is_same else ExitCode.DIFFERENCES
