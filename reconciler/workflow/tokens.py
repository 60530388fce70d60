"""Whose access ends loses the API token first, as a step of its own.

An API token bypasses the second factor and outlives a parking (API reference, sections 1.1 and
7.5). That deleting a user ends the token is obvious and nowhere stated, so nobody relies on it.
Revoking twice does no harm, so a lost answer is simply asked again; and a token that cannot be
revoked does not stop what takes the access away. Planning decides whose token ends; where only
the token is left, the step is the whole operation.
"""

from dataclasses import dataclass
from typing import Protocol

from reconciler.audit import events
from reconciler.console.answers import ForbiddenError
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation
from reconciler.domain.state import Principal
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    JournalError,
    LostAnswerError,
    ReconcilerError,
    RefusedError,
)

ATTEMPTS = 3


class Console(Protocol):
    """What the step needs of the console."""

    def revoke_token(self, operation: Operation) -> None:
        """Revoke the API token of the operation's principal, with one call."""


class Record(Protocol):
    """What it needs of the journal."""

    def append(self, kind: str, data: dict[str, object]) -> None:
        """Add one record, on disk when this returns."""


class UnrecordedStepError(JournalError):
    """The token was asked to be revoked, and how that ended could not be recorded."""

    def __init__(self, outcome: Outcome, error: JournalError) -> None:
        super().__init__(error.message, error.remedy)
        self.outcome = outcome


def end_token(operation: Operation, seen: Principal | None, console: Console, to: Record) -> str:
    """Revoke the token of somebody whose access ends; return why one may remain, or nothing.

    Raises DeniedError when the console refuses our own token (401), what stopped the run before
    the request was sent, UnrecordedStepError when the step was taken and cannot be recorded.
    """
    step = _taken(operation, seen, console, to)
    # Who is deleted leaves no token behind that could be used.
    return step.detail if step and operation.after else ""


def end_only_token(
    operation: Operation, seen: Principal | None, console: Console, to: Record
) -> Outcome:
    """Revoke a token where that is the whole operation; raises as `end_token`."""
    step = _taken(operation, seen, console, to)
    if step is None:
        return Outcome(operation, Result.APPLIED, "no API token is left")
    return Outcome(operation, step.result, step.detail or "the console said so")


@dataclass(frozen=True, slots=True)
class _Step:
    """What became of a token."""

    result: Result
    detail: str = ""
    stop: ReconcilerError | None = None
    """Why nothing more may be asked: the console refuses our own token, or the run stops."""


def _taken(
    operation: Operation, seen: Principal | None, console: Console, to: Record
) -> _Step | None:
    """Take the step and record it; None when there is nothing to revoke."""
    if seen is None or seen.token_created is None or not operation.revokes_token:
        return None
    step = _revoked(operation, console)
    if step.stop and step.result is Result.FAILED:
        raise step.stop
    data = events.token_revocation(operation, step.result.value, step.detail)
    try:
        to.append("token-revocation", data)
    except JournalError as error:
        raise UnrecordedStepError(_alone(operation, step), error) from error
    if step.stop:
        raise step.stop
    return step


def _alone(operation: Operation, step: _Step) -> Outcome:
    """Tell what happened when nothing but the step did."""
    told = {
        Result.APPLIED: "its API token was revoked",
        Result.UNKNOWN: f"its API token may have been revoked: {step.detail}",
    }.get(step.result, f"its API token was not revoked: {step.detail}")
    if not operation.changes:
        return Outcome(operation, step.result, told)
    return Outcome(operation, Result.FAILED, f"{told}; the access itself is as it was")


def _revoked(operation: Operation, console: Console) -> _Step:
    lost = ""
    for _ in range(ATTEMPTS):
        try:
            console.revoke_token(operation)
        except LostAnswerError as error:
            lost = error.message
        except ReconcilerError as error:
            stop = error if _stops(error) else None
            # After a lost answer the "no" is about the second call; the first may have counted.
            if lost:
                return _Step(Result.UNKNOWN, f"{lost} Then: {error.message}", stop)
            return _Step(Result.FAILED, error.message, stop)
        else:
            return _Step(Result.APPLIED)
    return _Step(Result.UNKNOWN, lost)


def _stops(error: ReconcilerError) -> bool:
    """Tell whether an error ends the run, rather than this one request."""
    if isinstance(error, DeniedError):
        return not isinstance(error, ForbiddenError)
    return not isinstance(error, ConsoleError | RefusedError)
