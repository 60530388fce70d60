"""Whose access ends loses the API token first, as a step of its own.

An API token bypasses the second factor and outlives a parking (API reference, sections 1.1 and
7.5). That deleting a user ends the token is obvious and nowhere stated, so nobody relies on it.
Revoking twice does no harm, so a lost answer is simply asked again; and a token that cannot be
revoked does not stop what takes the access away. Planning decides whose token ends; where only
the token is left, the step is the whole operation. Once it was taken, the operation's outcome
tells of it, whatever becomes of the rest.
"""

from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Step:
    """What became of a token."""

    result: Result
    detail: str = ""
    """Why it may be left; empty when it was revoked."""
    stop: ReconcilerError | None = None
    """Why nothing more may be asked: the console refuses our own token, or the run stops."""

    def told_in(self, outcome: Outcome) -> Outcome:
        """Return the outcome of what came after the step, with the step told in it."""
        is_done = outcome.result is Result.APPLIED
        outcome = replace(outcome, token=self.result)
        if self.result is Result.APPLIED:
            told = f"its API token was revoked; then: {outcome.detail}"
            return outcome if is_done else replace(outcome, detail=told)
        # Who is deleted leaves no token behind that could be used.
        is_gone = is_done and outcome.operation.after is None
        return outcome if is_gone else replace(outcome, remains=self.detail)


def end_token(
    operation: Operation, seen: Principal | None, console: Console, to: Record
) -> Step | None:
    """Revoke the token of somebody whose access ends and record it; None when there is none.

    Raises DeniedError when the console refuses our own token (401), what stopped the run before
    the request was sent, UnrecordedStepError when the step was taken and cannot be recorded.
    """
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
    return step


def _alone(operation: Operation, step: Step) -> Outcome:
    """Tell what happened when nothing but the step did."""
    told = {
        Result.APPLIED: "its API token was revoked",
        Result.UNKNOWN: f"its API token may have been revoked: {step.detail}",
    }.get(step.result, f"its API token was not revoked: {step.detail}")
    if not operation.changes:
        return Outcome(operation, step.result, told)
    return Outcome(operation, Result.FAILED, f"{told}; the access itself is as it was")


def _revoked(operation: Operation, console: Console) -> Step:
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
                return Step(Result.UNKNOWN, f"{lost}. Then: {error.message}", stop)
            return Step(Result.FAILED, error.message, stop)
        else:
            return Step(Result.APPLIED)
    return Step(Result.UNKNOWN, lost)


def _stops(error: ReconcilerError) -> bool:
    """Tell whether an error ends the run, rather than this one request."""
    if isinstance(error, DeniedError):
        return not isinstance(error, ForbiddenError)
    return not isinstance(error, ConsoleError | RefusedError)
