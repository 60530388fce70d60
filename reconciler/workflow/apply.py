"""Apply: for each operation read again, compare, record the intent, write, read back, record.

The console has no version on a user and replaces the whole list, so the last read before the
write is what protects somebody else's change. What remains is the moment between that read and
the write; `witness` reports what fell into it (T51).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from reconciler.audit import events
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation, OperationKind
from reconciler.domain.state import Principal
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    JournalError,
    LostAnswerError,
    ReconcilerError,
    RefusedError,
)
from reconciler.planning.compare import precondition

STOP_AFTER = 3
"""Failures in a row that stop the run (T56)."""

ATTEMPTS = 3
"""How often a write is tried that reading shows not to have happened."""

SETTLING = (0.5, 1.0, 2.0)
"""Seconds between reads while the console may still show the state before a write."""


class Console(Protocol):
    """What apply needs of the console, for one operation at a time."""

    def reread(self, operation: Operation) -> Principal | None:
        """Return the operation's principal as the console has it now, None when absent."""

    def write(self, operation: Operation) -> Principal | None:
        """Do the operation with one call; return the console's answer."""


class Record(Protocol):
    """What apply needs of the journal."""

    def append(self, kind: str, data: dict[str, object]) -> None:
        """Add one record, on disk when this returns."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around a run: where it writes, how it waits, when it must stop."""

    console: Console
    journal: Record
    sleep: Callable[[float], None]
    is_stopping: Callable[[], bool]
    """True once the run was asked to end; the operation in flight is still finished."""


def run(operations: tuple[Operation, ...], around: Surroundings) -> Iterator[Outcome]:
    """Execute operations in order and yield an outcome for every one of them.

    Raises JournalError when the record cannot be kept; nothing is written after that.
    """
    failures = 0
    stopped = ""
    for operation in operations:
        if not stopped and around.is_stopping():
            stopped = "the run was interrupted"
        if stopped:
            yield Outcome(operation, Result.NOT_ATTEMPTED, stopped)
            continue
        try:
            outcome = _execute(operation, around)
        except DeniedError as error:
            outcome = Outcome(operation, Result.FAILED, error.message)
            stopped = "the console refuses the token"
        try:
            around.journal.append("outcome", events.outcome(outcome))
        except JournalError:
            # What may have been written is told all the same; then the run ends.
            yield outcome
            raise
        # A conflict ends its principal only; it says nothing about the console's health.
        if outcome.result is not Result.CONFLICT:
            failures = 0 if outcome.result is Result.APPLIED else failures + 1
        if failures == STOP_AFTER:
            stopped = stopped or f"{STOP_AFTER} operations in a row failed"
        yield outcome


def _execute(operation: Operation, around: Surroundings) -> Outcome:
    try:
        seen = around.console.reread(operation)
    except DeniedError:
        raise
    except ConsoleError as error:
        return Outcome(operation, Result.FAILED, f"not read again: {error.message}")
    conflict = _conflict(operation, seen)
    if conflict:
        return Outcome(operation, Result.CONFLICT, conflict)
    around.journal.append("intent", events.intent(operation))
    return _write(operation, around)


def _write(operation: Operation, around: Surroundings) -> Outcome:
    """Write until the console says yes, no, or shows that it happened.

    After a lost answer nothing is repeated blindly (T54, T55): reading decides whether the write
    happened, did not happen, or somebody else came in between.
    """
    lost: LostAnswerError | None = None
    for _ in range(ATTEMPTS):
        try:
            answer = around.console.write(operation)
        except LostAnswerError as error:
            lost = error
            outcome = _look(operation, around, error)
            if outcome is not None:
                return outcome
        except DeniedError:
            raise
        except (ConsoleError, RefusedError) as error:
            refused = Outcome(operation, Result.FAILED, error.message)
            # "Exists already" and "not found" may be the first attempt, arrived late.
            return (_look(operation, around, error) if lost else None) or refused
        else:
            return _confirm(operation, around, answer)
    detail = f"{lost.message if lost else ''} It does not show after {ATTEMPTS} attempts."
    return Outcome(operation, Result.UNKNOWN, detail)


def _conflict(operation: Operation, seen: Principal | None) -> str:
    """Return why the write must not happen, or nothing."""
    if operation.kind is OperationKind.INVITE:
        return "somebody with this address exists by now" if seen else ""
    if seen is None:
        return "the principal is gone from the console"
    if seen.name != operation.name:
        return "the principal has another name by now, so it may be somebody else"
    if seen.is_system or seen.is_partial:
        return "the principal is no longer manageable with this token"
    if precondition(seen) != operation.precondition:
        return "somebody changed this principal since the plan"
    return ""


def _confirm(operation: Operation, around: Surroundings, answer: Principal | None) -> Outcome:
    """Read back until the console shows what was written, or say what it shows instead."""
    created = answer.id if answer and operation.kind is OperationKind.INVITE else None
    try:
        for pause in (0.0, *SETTLING):
            if pause:
                around.sleep(pause)
            if _is_done(operation, around.console.reread(operation)):
                return Outcome(operation, Result.APPLIED, "confirmed by reading back", created)
    except ConsoleError as error:
        detail = f"written, but not read back: {error.message}"
        return Outcome(operation, Result.UNKNOWN, detail, created)
    detail = "the console shows something else than was written"
    if _is_done(operation, answer):
        detail = "written, and then changed by somebody else: the console shows something else"
    return Outcome(operation, Result.FAILED, detail, created)


def _look(operation: Operation, around: Surroundings, lost: ReconcilerError) -> Outcome | None:
    """Read what became of a write whose answer was lost; None means it has not happened."""
    seen: Principal | None = None
    try:
        for pause in SETTLING:
            around.sleep(pause)
            seen = around.console.reread(operation)
            if _is_done(operation, seen):
                detail = "the answer was lost; confirmed by reading"
                created = seen.id if seen and operation.kind is OperationKind.INVITE else None
                return Outcome(operation, Result.APPLIED, detail, created)
    except ConsoleError as error:
        return Outcome(operation, Result.UNKNOWN, f"{lost.message} Then: {error.message}")
    conflict = _conflict(operation, seen)
    return Outcome(operation, Result.CONFLICT, conflict) if conflict else None


def _is_done(operation: Operation, seen: Principal | None) -> bool:
    if operation.after is None:
        return seen is None
    return (
        seen is not None
        and seen.level is operation.after.level
        and frozenset(seen.grants) == frozenset(operation.after.grants)
    )
