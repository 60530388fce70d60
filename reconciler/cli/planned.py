"""From the files to a plan and its machine form: what `plan` shows and CI publishes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.audit.chain import Record
from reconciler.audit.history import read_history
from reconciler.audit.unfinished import unfinished
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import NO_OPTIONS, Files, load_files
from reconciler.cli.history import with_history
from reconciler.cli.session import Session
from reconciler.cli.source import Snapshot, observed
from reconciler.cli.undoing import with_run, with_undo
from reconciler.domain.plan import Options, Plan
from reconciler.errors import ExitCode
from reconciler.rendering.safe import short
from reconciler.rendering.tree import plan_tree
from reconciler.settings import named_origin

_MOST = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is read to decide."""

    files: Files
    journal: Path
    snapshot: Snapshot | None = None
    """None for the console itself."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and its machine form with the commits that brought its changes."""

    plan: Plan
    tree: dict[str, Any]
    has_base: bool = True
    """False where nothing tells what is new with the change."""


def planned(
    session: Session, inputs: Inputs, options: Options = NO_OPTIONS, undo: str | None = None
) -> Planned:
    """Read files, journal and console (or snapshot), and plan. Cannot write.

    `undo` names a run of the journal whose inverse is planned in place of the policies.

    Raises PolicyError with every problem of the files, RefusedError, ConsoleError, JournalError
    and SettingsError as the parts do.
    """
    files, records = inputs.files, read_history(inputs.journal)
    origin = named_origin(session.runtime.environ)
    _tell_unfinished(records, origin)
    options = with_run(options, undo, records)
    wanted = load_files(session, files, options)
    wanted = with_evidence(session, files, wanted, records, origin)
    wanted = with_undo(wanted, records)
    plan, _ = observed(session, wanted, inputs.snapshot)
    tree = plan_tree(with_history(session, files, plan), __version__)
    return Planned(plan, tree, has_base=wanted.base is not None)


def _tell_unfinished(records: Sequence[Record], origin: str | None) -> None:
    """Say what an earlier run may have done, since the plan cannot count on either."""
    found = unfinished(records, origin)
    if found:
        names = ", ".join(short(each.principal) for each in found[:_MOST])
        more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
        click.echo(
            f"Unfinished: {names}{more}. The journal holds an intent and no outcome: a run died, "
            "or is not over yet. The next apply finds out what became of it.",
            err=True,
        )


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 3 when refused, 2 for differences if asked to, else 0."""
    if plan.refusals:
        return ExitCode.REFUSED
    # What a role permits is content too: nobody changed a grant, and yet people can do more.
    if detailed and (plan.operations or plan.role_changes):
        return ExitCode.DIFFERENCES
    return ExitCode.DONE
