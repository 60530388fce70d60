"""One operation: read again, compare, record the intent, write, compare the answer.

The console has no version on a user and replaces the whole list, so the last read before the
write is what protects somebody else's change. What remains is the moment between that read and
the write; `witness` reports what fell into it (T51).

An outcome never claims less than may have happened. Once a request may have arrived it is
`applied` or `unknown`, unless the console's own "no" is the only answer there was; the next run
resolves what is unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from reconciler.audit import events
from reconciler.console.answers import RejectedError
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation, OperationKind
from reconciler.domain.state import Principal
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    LostAnswerError,
    MissingError,
    ReconcilerError,
    RefusedError,
)
from reconciler.planning.compare import precondition
from reconciler.workflow.tokens import Step, end_token

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

    def revoke_token(self, operation: Operation) -> None:
        """Revoke the API token of the operation's principal."""

    def check_before_writes(self, check: Callable[[], None]) -> None:
        """Call `check` right before every request that writes; what it raises, the call raises."""


class Record(Protocol):
    """What apply needs of the journal."""

    def append(self, kind: str, data: dict[str, object]) -> None:
        """Add one record, on disk when this returns, and wherever else an intent has to be."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The world around a run: where it writes, how it waits, when it must stop."""

    console: Console
    journal: Record
    sleep: Callable[[float], None]
    is_stopping: Callable[[], bool]
    """True once the run was asked to end; the operations in flight are still finished."""
    check: Callable[[], None]
    """Raises a ReconcilerError when nothing more may be written: a lock was lost, or a record."""
    concurrency: int = 1
    """How many operations may be in flight at the same time."""
    intends_first: bool = False
    """True when the record is kept elsewhere too, which may take its time: the intent then comes
    before the reading, so that the reading is as fresh as ever when the write leaves."""


class StoppedError(ReconcilerError):
    """The run has stopped by now, so this request was not sent."""


class DeniedHalfwayError(Exception):
    """The console refuses the token after something was asked that may have had an effect."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


def execute(operation: Operation, around: Surroundings) -> Outcome:
    """Do one operation and return what became of it.

    Raises DeniedError when the console refuses the token, JournalError when the intent cannot
    be recorded, RefusedError when it is not recorded everywhere it has to be, StoppedError when
    the run stops before the write; nothing was written then. Raises DeniedHalfwayError when the
    console refuses the token only after a write, or a revocation, that may have happened.
    """
    if around.intends_first:
        around.journal.append("intent", events.intent(operation))
    try:
        seen = around.console.reread(operation)
    except DeniedError:
        raise
    except ConsoleError as error:
        return Outcome(operation, Result.FAILED, f"not read again: {error.message}")
    conflict = _conflict(operation, seen)
    if conflict:
        return Outcome(operation, Result.CONFLICT, conflict)
    if around.is_stopping():
        return Outcome(operation, Result.NOT_ATTEMPTED, "the run stopped before the write")
    if not around.intends_first:
        around.journal.append("intent", events.intent(operation))
    step = end_token(operation, seen, around.console, around.journal)
    if operation.kind is OperationKind.REVOKE_TOKEN:
        return _only_token(operation, step)
    return _write_after(step, operation, around) if step else _write(operation, around)


def _only_token(operation: Operation, step: Step | None) -> Outcome:
    """Tell what became of a token where that was the whole operation."""
    if step is None:
        return Outcome(operation, Result.APPLIED, "no API token is left")
    outcome = Outcome(operation, step.result, step.detail or "the console said so")
    if isinstance(step.stop, DeniedError):
        raise DeniedHalfwayError(outcome) from step.stop
    return outcome


def _write_after(step: Step, operation: Operation, around: Surroundings) -> Outcome:
    """Write after a token was revoked or not; however that ends, it tells of the token too."""
    try:
        if step.stop:
            raise step.stop
        return step.told_in(_write(operation, around))
    except DeniedHalfwayError as error:
        raise DeniedHalfwayError(step.told_in(error.outcome)) from error
    except DeniedError as error:
        told = f"{error.message}. {error.remedy}"
        outcome = step.told_in(Outcome(operation, Result.FAILED, told))
        raise DeniedHalfwayError(outcome) from error
    except StoppedError as error:
        told = f"the rest was not asked: {error.message}"
        return step.told_in(Outcome(operation, Result.FAILED, told))


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
        except (DeniedError, StoppedError) as error:
            if lost is None:
                raise
            return _unknown(_doubtful(operation, lost, error), error)
        except (ConsoleError, RefusedError) as error:
            return _refused(operation, around, lost, error)
        else:
            return _confirm(operation, around, answer)
    detail = f"{lost.message if lost else ''}. It does not show after {ATTEMPTS} attempts."
    return Outcome(operation, Result.UNKNOWN, detail)


def _refused(
    operation: Operation, around: Surroundings, lost: LostAnswerError | None, error: ReconcilerError
) -> Outcome:
    """Return what became of a write that was not taken, perhaps because it had been before."""
    found = _look(operation, around, lost or error) if lost or _is_echo(operation, error) else None
    if found is not None:
        return found
    # That the console did nothing now says nothing of an earlier attempt that may arrive late.
    return _doubtful(operation, lost, error) if lost else _failed(operation, error)


def _is_echo(operation: Operation, error: ReconcilerError) -> bool:
    """Tell whether a "no" may be about our own write: a gateway may have sent it twice (T54)."""
    if isinstance(error, RejectedError):
        return operation.kind is OperationKind.INVITE or error.status == HTTPStatus.CONFLICT
    return operation.kind is OperationKind.DELETE and isinstance(error, MissingError)


def _doubtful(operation: Operation, lost: LostAnswerError, then: ReconcilerError) -> Outcome:
    return Outcome(operation, Result.UNKNOWN, f"{lost.message}. Then: {then.message}")


def _failed(operation: Operation, error: ReconcilerError) -> Outcome:
    return Outcome(operation, Result.FAILED, error.message)


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
    """Take the answer of the write as evidence; where it shows something else, read.

    Reading every principal back at once would double the requests; the whole console is read
    once more after the run.
    """
    created = answer.id if answer and operation.kind is OperationKind.INVITE else None
    if is_done(operation, answer):
        return Outcome(operation, Result.APPLIED, "the console's answer shows it", created)
    try:
        for pause in (0.0, *SETTLING):
            if pause:
                around.sleep(pause)
            if is_done(operation, around.console.reread(operation)):
                return Outcome(operation, Result.APPLIED, "confirmed by reading back", created)
    except ConsoleError as error:
        detail = f"written, but not read back: {error.message}"
        return _unknown(Outcome(operation, Result.UNKNOWN, detail, created), error)
    detail = "written, but the console shows something else than was asked for"
    return Outcome(operation, Result.UNKNOWN, detail, created)


def _look(operation: Operation, around: Surroundings, error: ReconcilerError) -> Outcome | None:
    """Read what became of a write that got no answer, or a "no" that may be about itself.

    None means that all is as it was before. Whoever was changed by somebody else may have been
    changed by us first.
    """
    is_lost = isinstance(error, LostAnswerError)
    seen: Principal | None = None
    try:
        for pause in SETTLING:
            around.sleep(pause)
            seen = around.console.reread(operation)
            if is_done(operation, seen):
                return _done(operation, seen) if is_lost else _done_by_whom(operation)
    except ConsoleError as unread:
        detail = f"{error.message}. Then: {unread.message}"
        return _unknown(Outcome(operation, Result.UNKNOWN, detail), unread)
    conflict = _conflict(operation, seen)
    if not conflict:
        return None
    if is_lost:
        told = f"{error.message}. A reading shows that {conflict}."
        return Outcome(operation, Result.UNKNOWN, told)
    return Outcome(operation, Result.CONFLICT, conflict)


def _done(operation: Operation, seen: Principal | None) -> Outcome:
    created = seen.id if seen and operation.kind is OperationKind.INVITE else None
    told = "the answer was lost; confirmed by reading"
    return Outcome(operation, Result.APPLIED, told, created)


def _done_by_whom(operation: Operation) -> Outcome:
    """Return what is known when the only answer is a "no", and yet it is done.

    Ours, sent twice by a gateway; or somebody else's, whom an undo of ours must not take away.
    Neither a deletion nor an invitation bears a mark of its author.
    """
    told = "done, though the console said no: by us or by somebody else"
    return Outcome(operation, Result.UNKNOWN, told)


def _unknown(outcome: Outcome, error: ReconcilerError) -> Outcome:
    """Return an unknown outcome; raise it when the console refuses the token by now."""
    if isinstance(error, DeniedError):
        raise DeniedHalfwayError(outcome) from error
    return outcome


def is_done(operation: Operation, seen: Principal | None) -> bool:
    """Tell whether what is seen of a principal is what the operation was to bring about."""
    if operation.after is None:
        return seen is None
    if operation.kind is OperationKind.REVOKE_TOKEN:
        return seen is None or seen.token_created is None
    return (
        seen is not None
        and seen.level is operation.after.level
        and frozenset(seen.grants) == frozenset(operation.after.grants)
    )
