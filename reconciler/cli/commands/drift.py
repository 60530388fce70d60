"""`reconciler drift`."""

from dataclasses import replace
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.history import read_history
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import Files
from reconciler.cli.formats import DRIFT, Output, Report
from reconciler.cli.history import with_history
from reconciler.cli.naming import with_names
from reconciler.cli.options import journal_read, plan_options, shaping
from reconciler.cli.session import Session, child_environment, pass_session
from reconciler.cli.source import chosen, observed, snapshot_options
from reconciler.documents.base import read_base
from reconciler.documents.load import load
from reconciler.domain.plan import Plan
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode
from reconciler.planning.causes import as_drift
from reconciler.rendering.tree import plan_tree
from reconciler.settings import named_origin


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
    loaded = load(policies, guardrails)
    wanted = Wanted(loaded.policy, loaded.guardrails, options, pins=loaded.pins)
    wanted = _judged_as_plan(session, Files(policies, guardrails, base), wanted, journal)
    plan, _ = observed(session, wanted, chosen(snapshot, snapshot_max_age))
    # Compared with the policies themselves, whatever no window explains is drift.
    files = Files(policies, guardrails, None)
    drift = as_drift(plan)
    if snapshot is None:
        drift = with_names(session, drift)
    tree = plan_tree(with_history(session, files, drift), __version__)
    DRIFT.deliver(session, tree, Output(form, reports))
    if plan.refusals:
        return ExitCode.REFUSED
    return ExitCode.DONE if _is_same(plan) else ExitCode.DIFFERENCES


def _is_same(plan: Plan) -> bool:
    """Tell whether nothing differs; with --target, nothing of whom it names."""
    targets = plan.options.targets
    # What a role permits is content too: nobody changed a grant, and yet people can do more.
    is_by_id = any(name.key.startswith("id:") for name in targets)
    role_changes = [
        change
        for change in plan.role_changes
        if not targets or is_by_id or set(targets) & set(change.holders)
    ]
    return plan.is_empty and not role_changes and (bool(targets) or not plan.unlisted)


def _judged_as_plan(session: Session, files: Files, wanted: Wanted, journal: Path) -> Wanted:
    """Add what guardrails judge by; who dropped out of management is the matter of `plan`."""
    base = read_base(files.policies, files.base, child_environment(session.runtime.environ))
    wanted = replace(wanted, base=base.policies[0] if base.policies else None)
    origin = named_origin(session.runtime.environ)
    return with_evidence(session, files, wanted, read_history(journal), origin)
