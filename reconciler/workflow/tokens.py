"""Whose access ends loses the API token first, as a step of its own.

An API token bypasses the second factor and outlives a parking (API reference, sections 1.1 and
7.5). That deleting a user ends the token is obvious and nowhere stated, so nobody relies on it.
Revoking twice does no harm, so a lost answer is simply asked again; and a token that cannot be
revoked does not stop what takes the access away.
"""

from typing import Protocol

from reconciler.audit import events
from reconciler.console.answers import ForbiddenError
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Operation, OperationKind, Reason
from reconciler.domain.state import Principal
from reconciler.errors import ConsoleError, DeniedError, LostAnswerError, RefusedError

ATTEMPTS = 3


class Console(Protocol):
    """What the step needs of the console."""

    def revoke_token(self, operation: Operation) -> None:
        """Revoke the API token of the operation's principal, with one call."""


class Record(Protocol):
    """What it needs of the journal."""

    def append(self, kind: str, data: dict[str, object]) -> None:
        """Add one record, on disk when this returns."""


def end_token(operation: Operation, seen: Principal | None, console: Console, to: Record) -> str:
    """Revoke the token of somebody whose access ends; return why one may remain, or nothing.

    Raises DeniedError when the console refuses our own token (401), JournalError when the step
    cannot be recorded.
    """
    if seen is None or seen.token_created is None or not _ends_access(operation):
        return ""
    result, detail = _revoked(operation, console)
    to.append("token-revocation", events.token_revocation(operation, result, detail))
    # Who is deleted leaves no token behind that could be used.
    return detail if operation.after else ""


def _ends_access(operation: Operation) -> bool:
    """Tell whether a console user is deleted or parked; a service user's token ends with it."""
    is_parked = any(change.reason is Reason.PARKED for change in operation.changes)
    is_ending = operation.kind is OperationKind.DELETE or is_parked
    return is_ending and operation.name.kind is PrincipalKind.USER


def _revoked(operation: Operation, console: Console) -> tuple[str, str]:
    detail = ""
    for _ in range(ATTEMPTS):
        try:
            console.revoke_token(operation)
        except LostAnswerError as error:
            detail = error.message
        except (ConsoleError, RefusedError) as error:
            if isinstance(error, DeniedError) and not isinstance(error, ForbiddenError):
                raise
            return "failed", error.message
        else:
            return "applied", ""
    return "unknown", detail
