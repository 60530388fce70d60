"""From the files to what differs on the console: what `drift` shows and CI publishes."""

from dataclasses import replace
from pathlib import Path

from reconciler import __version__
from reconciler.audit.history import read_history
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import NO_OPTIONS, Files
from reconciler.cli.history import with_history
from reconciler.cli.naming import with_names
from reconciler.cli.planned import Inputs, Planned
from reconciler.cli.session import Session, child_environment
from reconciler.cli.source import observed
from reconciler.documents.base import read_base
from reconciler.documents.load import load
from reconciler.domain.plan import Options, Plan
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode
from reconciler.planning.causes import as_drift
from reconciler.rendering.tree import plan_tree
from reconciler.settings import named_origin


def drifted(session: Session, inputs: Inputs, options: Options = NO_OPTIONS) -> Planned:
    """Read files, journal and console (or snapshot), and compare. Cannot write.

    Raises as `planned` does, but for who dropped out of management: that is the matter of `plan`.
    """
    files = inputs.files
    loaded = load(files.policies, files.guardrails, files.shown)
    wanted = Wanted(loaded.policy, loaded.guardrails, options, pins=loaded.pins)
    wanted = _judged_as_plan(session, files, wanted, inputs.journal)
    plan, _ = observed(session, wanted, inputs.snapshot)
    drift = as_drift(plan)
    if inputs.snapshot is None:
        drift = with_names(session, drift)
    # Compared with the policies themselves, whatever no window explains is drift.
    traced = with_history(session, replace(files, base=None), drift)
    return Planned(plan, plan_tree(traced, __version__))


def drift_code(plan: Plan) -> int:
    """Return 3 when a guardrail would refuse to mend it, 2 for any difference, else 0."""
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
