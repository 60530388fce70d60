"""Undo: what a run applied, turned round, as a plan that is saved beside the journal.

`apply` recomputes it from the journal as it recomputes other plans from the policies, so a file
that somebody wrote or edited is refused like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.chain import Record
from reconciler.audit.history import past_revokes
from reconciler.audit.journal import Journal
from reconciler.audit.undone import undo_of, undone
from reconciler.cli.session import Session
from reconciler.cli.telling import tell
from reconciler.documents.plan_file import sealed, write_plan_file
from reconciler.domain.outcome import Outcome
from reconciler.domain.plan import Options, UndoOf
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ReconcilerError
from reconciler.planning.make import make_plan
from reconciler.planning.undo import after_run
from reconciler.rendering.as_json import to_json
from reconciler.rendering.outcomes import undo_text
from reconciler.rendering.tree import plan_tree

FOLDER = "undo"
"""Beside the journal."""


def with_run(options: Options, run: str | None, records: Sequence[Record]) -> Options:
    """Return the options of a plan that undoes a run of the journal; the same without a run.

    Raises RefusedError when the journal does not hold it.
    """
    return replace(options, undo_of=undo_of(records, run)) if run is not None else options


def with_undo(wanted: Wanted, records: Sequence[Record]) -> Wanted:
    """Add what the run did that the options name; the policies then ask for nothing.

    Raises RefusedError when the journal does not hold that run, JournalError for records of an
    unknown form.
    """
    of = wanted.options.undo_of
    return _undoing(wanted, of, records) if of else wanted


@dataclass(frozen=True, slots=True)
class Undoing:
    """Where a run leaves its inverse, and what judges it."""

    wanted: Wanted
    journal: Path
    run_id: str

    @property
    def path(self) -> Path:
        """The saved plan."""
        return self.journal.parent / FOLDER / f"{self.run_id}.plan.json"

    def save(
        self, session: Session, record: Journal, actual: Actual, outcomes: Sequence[Outcome]
    ) -> str:
        """Write the inverse of what was applied; return its place beside the journal.

        Empty when nothing was applied. By now things have been written, so a file that cannot be
        is told and stops nothing: `plan --undo` makes it anew.
        """
        try:
            of = undo_of(record.appended, self.run_id)
            wanted = replace(self.wanted, options=Options())
            wanted = _undoing(wanted, of, record.appended)
            if wanted.undo is None or not wanted.undo.done:
                return ""
            past = past_revokes((*record.records, *record.appended), actual.origin)
            wanted = replace(wanted, past_revokes=past)
            plan = make_plan(wanted, after_run(actual, outcomes), session.instant())
            left = [one.message for one in plan.warnings if one.code == "not-undone"]
            if plan.is_empty:
                tell(undo_text("", left))
                return ""
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_plan_file(self.path, to_json(sealed(plan_tree(plan, __version__))))
        except (ReconcilerError, OSError) as error:
            told = error.message if isinstance(error, ReconcilerError) else error.strerror or ""
            click.echo(
                f"The undo of this run was not saved: {told} Make it with `reconciler plan "
                f"--undo {self.run_id} --out FILE`.",
                err=True,
            )
            return ""
        tell(undo_text(str(self.path), left))
        return f"{FOLDER}/{self.path.name}"


def _undoing(wanted: Wanted, of: UndoOf, records: Sequence[Record]) -> Wanted:
    undo = undone(records, of)
    return replace(
        wanted,
        # Who must hold nothing gets nothing back, whatever else the policies say.
        policy=Policy(former=wanted.policy.former, digest=undo.digest),
        options=replace(wanted.options, undo_of=of),
        base=None,
        undo=undo,
    )
