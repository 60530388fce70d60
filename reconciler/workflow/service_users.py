"""Create a service user, or renew its token: once, with the secret in one pair of hands.

The console makes two service users of one name without a word (API reference, quirk 14), so a
request whose answer was lost is never sent again: reading tells whether it happened (T54, T55).
The token is in the lost answer only, so what happened is then told with the way to a new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from reconciler.audit import events
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation
from reconciler.domain.secret import Secret
from reconciler.domain.state import Principal
from reconciler.errors import ConsoleError, LostAnswerError, ReconcilerError, RefusedError
from reconciler.planning.compare import token_precondition
from reconciler.workflow.execute import SETTLING, Record, is_done
from reconciler.workflow.hands import Hands

LOST = "its token is lost: make a new one with `reconciler service-user rotate`"


@dataclass(frozen=True, slots=True)
class Given:
    """What became of it, and the token if one came."""

    outcome: Outcome
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """The world around one operation."""

    hands: Hands
    journal: Record
    sleep: Callable[[float], None]
    check_locks: Callable[[], None]
    """Raises RefusedError when a lock was lost."""


def create(operation: Operation, expires: datetime, around: Around) -> Given:
    """Create a service user whose token ends at `expires`, unless the name is taken by now.

    Raises JournalError when the intent cannot be recorded, RefusedError when a lock was lost;
    nothing was asked then.
    """
    hands = around.hands
    try:
        taken = hands.service_users(operation)
    except ConsoleError as error:
        return _failed(operation, f"not read again: {error.message}")
    if taken:
        told = "a service user of this name exists by now"
        return Given(Outcome(operation, Result.CONFLICT, told))
    around.check_locks()
    around.journal.append("intent", events.intent(operation))
    try:
        principal, secret = hands.create_service_user(operation, expires)
    except LostAnswerError as error:
        return Given(_look_for(operation, around, error))
    except (ConsoleError, RefusedError) as error:
        return _failed(operation, error.message)
    if not is_done(operation, principal):
        told = "the console's answer shows something else than was asked for"
        return Given(Outcome(operation, Result.FAILED, told, principal.id), secret)
    told = "the console's answer shows it" if secret else f"the answer holds no token; {LOST}"
    return Given(Outcome(operation, Result.APPLIED, told, principal.id), secret)


def rotate(operation: Operation, expires: datetime, around: Around) -> Given:
    """Renew a service user's token, unless somebody else has renewed it by now; the old one stops.

    Raises as `create`.
    """
    hands = around.hands
    try:
        seen = hands.reread(operation)
    except ConsoleError as error:
        return _failed(operation, f"not read again: {error.message}")
    if seen is None or seen.name != operation.name or _is_renewed(operation, seen):
        told = "somebody changed the service user or its token meanwhile"
        return Given(Outcome(operation, Result.CONFLICT, told))
    around.check_locks()
    around.journal.append("intent", events.intent(operation))
    try:
        secret = hands.rotate_token(operation, expires)
    except LostAnswerError as error:
        return Given(_look_at(operation, around, error))
    except (ConsoleError, RefusedError) as error:
        return _failed(operation, error.message)
    told = "the console's answer shows it" if secret else f"the answer holds no token; {LOST}"
    return Given(Outcome(operation, Result.APPLIED, told), secret)


def _look_for(operation: Operation, around: Around, lost: ReconcilerError) -> Outcome:
    """Read whether a creation happened whose answer was lost."""
    found: tuple[Principal, ...] = ()

    def look() -> bool:
        nonlocal found
        found = around.hands.service_users(operation)
        return bool(found)

    trouble = _waited_for(look, around.sleep)
    if any(is_done(operation, one) for one in found):
        told = f"the answer was lost; confirmed by reading, and {LOST}"
        return Outcome(operation, Result.APPLIED, told, found[0].id)
    told = trouble or "it does not show, and is not asked for again: that could make a second one"
    return Outcome(operation, Result.UNKNOWN, f"{lost.message}. Then: {told}")


def _look_at(operation: Operation, around: Around, lost: ReconcilerError) -> Outcome:
    """Read whether a token was renewed though the answer was lost."""
    is_renewed = False

    def look() -> bool:
        nonlocal is_renewed
        seen = around.hands.reread(operation)
        is_renewed = seen is not None and _is_renewed(operation, seen)
        return is_renewed

    trouble = _waited_for(look, around.sleep)
    if is_renewed:
        told = f"the answer was lost; a reading shows a newer token, so the old one stopped; {LOST}"
        return Outcome(operation, Result.APPLIED, told)
    told = trouble or "the console shows the old token; run it again"
    return Outcome(operation, Result.UNKNOWN, f"{lost.message}. Then: {told}")


def _waited_for(look: Callable[[], bool], sleep: Callable[[float], None]) -> str:
    """Look until it shows; return why that could not be read, or nothing."""
    for pause in SETTLING:
        sleep(pause)
        try:
            if look():
                return ""
        except ConsoleError as error:
            return error.message
    return ""


def _is_renewed(operation: Operation, seen: Principal) -> bool:
    return token_precondition(seen) != operation.precondition


def _failed(operation: Operation, told: str) -> Given:
    return Given(Outcome(operation, Result.FAILED, told))
