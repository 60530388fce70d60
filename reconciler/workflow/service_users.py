"""Create a service user, or renew its token: once, with the secret in one pair of hands.

The console makes two service users of one name without a word (API reference, quirk 14), so a
request whose answer was lost is never sent again: reading tells whether it happened (T54, T55).
The token is in the lost answer only, so what happened is then told with the way to a new one.
The intent comes before the reading, since whoever else has to have it may take their time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.audit import events
from reconciler.audit.writes import instant_of
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation, OperationKind
from reconciler.domain.secret import Secret
from reconciler.domain.state import Principal
from reconciler.errors import ConsoleError, LostAnswerError, ReconcilerError, RefusedError
from reconciler.planning.compare import token_precondition
from reconciler.workflow.execute import SETTLING, Record, StoppedError, is_done
from reconciler.workflow.hands import Hands

LOST = "its token is lost: make a new one with `reconciler service-user rotate`"

ROUNDING = timedelta(minutes=1)
"""How far the end of a token may be from what was asked for; a console may keep fewer digits."""


@dataclass(frozen=True, slots=True)
class Given:
    """What became of it, and the token if one came."""

    outcome: Outcome
    secret: Secret | None = None
    is_verified: bool = False
    """True when a reading after it showed all that was asked for."""


@dataclass(frozen=True, slots=True)
class Around:
    """The world around one operation."""

    hands: Hands
    journal: Record
    sleep: Callable[[float], None]
    check: Callable[[], None]
    """Raises StoppedError when nothing more may be written: a lock was lost, the run is to end."""


def create(operation: Operation, expires: datetime, around: Around) -> Given:
    """Create a service user whose token ends at `expires`, unless the name is taken by now.

    Raises JournalError when the intent cannot be recorded; nothing was asked then.
    """
    hands = around.hands
    told = "a service user of this name exists by now"
    obstacle = _obstacle(operation, around, lambda: bool(hands.service_users(operation)), told)
    if obstacle:
        return Given(obstacle)
    try:
        principal, secret = hands.create_service_user(operation, expires)
    except LostAnswerError as error:
        return Given(_look_for(operation, around, error))
    except StoppedError as error:
        return Given(Outcome(operation, Result.NOT_ATTEMPTED, error.message))
    except (ConsoleError, RefusedError) as error:
        return _failed(operation, error.message)
    if not is_done(operation, principal):
        told = "made, but the console's answer shows something else than was asked for"
        return Given(Outcome(operation, Result.UNKNOWN, told, principal.id), secret)
    told = "the console's answer shows it" if secret else f"the answer holds no token; {LOST}"
    return Given(Outcome(operation, Result.APPLIED, told, principal.id), secret)


def rotate(operation: Operation, expires: datetime, around: Around) -> Given:
    """Renew a service user's token, unless somebody else has renewed it by now; the old one stops.

    Raises as `create`.
    """
    hands = around.hands

    def is_moved() -> bool:
        seen = hands.reread(operation)
        return seen is None or seen.name != operation.name or _is_renewed(operation, seen)

    told = "somebody changed the service user or its token meanwhile"
    obstacle = _obstacle(operation, around, is_moved, told)
    if obstacle:
        return Given(obstacle)
    try:
        secret = hands.rotate_token(operation, expires)
    except LostAnswerError as error:
        return Given(_look_at(operation, around, error))
    except StoppedError as error:
        return Given(Outcome(operation, Result.NOT_ATTEMPTED, error.message))
    except (ConsoleError, RefusedError) as error:
        return _failed(operation, error.message)
    told = "the console's answer shows it" if secret else f"the answer holds no token; {LOST}"
    return Given(Outcome(operation, Result.APPLIED, told), secret)


def verify(given: Given, expires: datetime, around: Around) -> Given:
    """Read back what was created or renewed, and tell what the console shows of it.

    Put the token in safe hands first. What did not happen, or was told by a reading already
    because its answer was lost, is returned as it is. Raises nothing.
    """
    outcome = given.outcome
    operation = outcome.operation
    if outcome.result is not Result.APPLIED or given.secret is None:
        return given
    one = replace(operation, principal_id=operation.principal_id or outcome.created_id)
    seen: Principal | None = None

    def look() -> bool:
        nonlocal seen
        seen = around.hands.reread(one)
        return not _difference(operation, seen, expires)

    trouble = _waited_for(look, around.sleep, (0.0, *SETTLING))
    if trouble:
        told = f"{outcome.detail}, but it was not read back: {trouble}"
        return replace(given, outcome=replace(outcome, detail=told))
    different = _difference(operation, seen, expires)
    if different or seen is None:
        told = f"written, but a reading after it shows that {different}"
        return replace(given, outcome=replace(outcome, result=Result.UNKNOWN, detail=told))
    is_shown = _end(seen) is not None
    told = f"{outcome.detail}; a reading after it shows {_shown(seen)}"
    return replace(given, outcome=replace(outcome, detail=told), is_verified=is_shown)


def _obstacle(
    operation: Operation, around: Around, is_moved: Callable[[], bool], conflict: str
) -> Outcome | None:
    """Record the intent and look again; return why nothing may be asked, None when it may."""
    try:
        around.journal.append("intent", events.intent(operation))
        if is_moved():
            return Outcome(operation, Result.CONFLICT, conflict)
        around.check()
    except (StoppedError, RefusedError) as error:
        return Outcome(operation, Result.NOT_ATTEMPTED, error.message)
    except ConsoleError as error:
        return Outcome(operation, Result.FAILED, f"not read again: {error.message}")
    return None


def _difference(operation: Operation, seen: Principal | None, expires: datetime) -> str:
    """Return how what is seen is not what was asked for; empty when it is."""
    if seen is None:
        return "it is not there"
    if not is_done(operation, seen):
        return "it holds something else than was asked for"
    if operation.kind is OperationKind.ROTATE and not _is_renewed(operation, seen):
        return "it has the token from before"
    ends = _end(seen)
    if ends and abs(ends - expires) > ROUNDING:
        return f"its token ends at {seen.token_expires}"
    return ""


def _end(seen: Principal) -> datetime | None:
    """Return when the token ends; None where the console does not say so."""
    return instant_of(seen.token_expires or "")


def _shown(seen: Principal) -> str:
    held = ", ".join(f"{grant.role.name} on {grant.scope.name}" for grant in seen.grants)
    dates = f"made at {seen.token_created}, ends at {seen.token_expires}"
    return f"{held}; its token {dates if _end(seen) else 'without an end'}"


def _look_for(operation: Operation, around: Around, lost: ReconcilerError) -> Outcome:
    """Read whether a creation happened whose answer was lost."""
    found: list[Principal] = []

    def look() -> bool:
        nonlocal found
        seen = around.hands.service_users(operation)
        # Names are not unique: somebody else may have made another one just now.
        found = [one for one in seen if is_done(operation, one)]
        return bool(found)

    trouble = _waited_for(look, around.sleep)
    if len(found) == 1:
        # By id: another one of this name may be there.
        told = f"the answer was lost; confirmed by reading, and {_lost(found[0])}"
        return Outcome(operation, Result.APPLIED, told, found[0].id)
    if found:
        return Outcome(operation, Result.UNKNOWN, f"{lost.message}. Then: {_alike(found)}")
    told = trouble or "it does not show, and is not asked for again: that could make a second one"
    return Outcome(operation, Result.UNKNOWN, f"{lost.message}. Then: {told}")


def _lost(made: Principal) -> str:
    return f"its token is lost: make a new one with {_renewal(made.id)}"


def _renewal(id_: str) -> str:
    return f"`reconciler service-user rotate id:{id_}`"


def _alike(found: Iterable[Principal]) -> str:
    """Say which service users may be the one that was made, and what to do with each."""
    ids = sorted((one.id for one in found), key=int)
    which = ", ".join(f"id:{id_}" for id_ in ids)
    renew = " or ".join(map(_renewal, ids))
    return (
        f"{len(ids)} of this name hold what was asked for, made by us or by somebody else: {which}."
        f" The console's activities tell who made which; a new token for ours comes from {renew}"
    )


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


def _waited_for(
    look: Callable[[], bool],
    sleep: Callable[[float], None],
    pauses: tuple[float, ...] = SETTLING,
) -> str:
    """Look until it shows; return why that could not be read, or nothing."""
    for pause in pauses:
        if pause:
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
