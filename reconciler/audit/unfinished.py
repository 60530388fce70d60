"""What earlier runs may have done without recording how it ended. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.writes import instant_of
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import OperationKind
from reconciler.domain.state import Actual, Principal
from reconciler.planning.compare import token_precondition

_Held = tuple[str, frozenset[tuple[str, str]]] | None
"""Level and pairs of scope id and role id; None when nobody is there."""

_Whom = tuple[str, str, str]
"""The console, kind of a principal, and its id; of somebody who has none yet, the name."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An intent that no outcome answers, or whose outcome is unknown."""

    sequence: int
    """Number of the intent's record."""
    time: str
    run: str
    data: dict[str, Any]
    """The intent, as `audit.events` wrote it."""

    @property
    def principal(self) -> str:
        """Label of the principal."""
        return _principal(self.data)


def unfinished(records: Iterable[Record], origin: str | None = None) -> tuple[Unfinished, ...]:
    """Return every intent that is still open, in the order of the record.

    With an origin, only what was intended on that console, and what does not say where. A foreign
    record's form is not trusted: what has no principal is left out.
    """
    origins: dict[str, str] = {}
    opened: dict[_Whom, Unfinished] = {}
    owners: dict[int, _Whom] = {}
    for record in records:
        home = origins.get(record.run, "")
        whom = _whom(home, record.data)
        match record.kind:
            case "run-started":
                origins[record.run] = str(record.data.get("origin") or "")
            case "intent" if _principal(record.data) and (not home or origin in (None, home)):
                opened[whom] = Unfinished(record.sequence, record.time, record.run, record.data)
                owners[record.sequence] = whom
            case "outcome" if record.data.get("result") != "unknown":
                opened.pop(whom, None)
            case "resolved":
                # By number: it is written before its run says where.
                answered = record.data.get("intent")
                owner = owners.get(answered) if isinstance(answered, int) else None
                # A later intent about the same one stays open.
                if owner in opened and opened[owner].sequence == answered:
                    del opened[owner]
    return tuple(sorted(opened.values(), key=lambda each: each.sequence))


def last_sign(records: Sequence[Record], origin: str | None = None) -> datetime | None:
    """Return the newest instant of the runs that left an intent open; None when none did.

    With an origin, only of runs on that console. A record whose time is none tells nothing.
    """
    runs = {each.run for each in unfinished(records, origin)}
    instants = [instant_of(record.time) for record in records if record.run in runs]
    return max((instant for instant in instants if instant is not None), default=None)


def _whom(origin: str, data: dict[str, Any]) -> _Whom:
    """Tell principals apart: names of service users are not unique, ids are."""
    principal = data.get("principal")
    told = principal if isinstance(principal, dict) else {}
    return origin, str(told.get("kind")), str(told.get("id") or told.get("name"))


def _principal(data: dict[str, Any]) -> str:
    principal = data.get("principal")
    return str(principal.get("name") or "") if isinstance(principal, dict) else ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the console shows of an unfinished intent."""

    intent: Unfinished
    result: str
    """`applied`, `not applied`, or `changed since` when it shows neither before nor after."""
    detail: str


def resolve(intent: Unfinished, actual: Actual) -> Resolution | None:
    """Compare what was intended with what a later reading shows (T55, P7).

    None when the reading cannot tell: a token below the tenant may not see somebody who is there.
    """
    found = _found(intent, actual)
    if found is None and actual.identity.level is not Level.TENANT:
        return None
    if intent.data.get("operation") == OperationKind.ROTATE.value:
        return _renewed(intent, found)
    if intent.data.get("operation") == OperationKind.REVOKE_TOKEN.value:
        is_gone = found is None or found.token_created is None
        told = "a later reading shows no API token" if is_gone else "the API token is still there"
        return Resolution(intent, "applied" if is_gone else "not applied", told)
    shown = _held(found)
    result, told = "changed since", "a later reading shows neither before nor after"
    if shown == _intended(intent.data.get("after")):
        result, told = "applied", "a later reading shows what was intended"
        if intent.data.get("operation") == OperationKind.CREATE.value:
            told = "a later reading shows it; if nobody was given its token, rotate it"
    elif shown == _intended(intent.data.get("before")):
        result, told = "not applied", "a later reading shows what was there before"
    return Resolution(intent, result, told + _token(intent, found))


RESULTS = ("applied", "not applied", "changed since")
"""Every `result` of a resolution."""


def _token(intent: Unfinished, found: Principal | None) -> str:
    """Say what became of an API token that was to go first: it may be gone and nothing else."""
    if found is None or intent.data.get("revokes_token") is not True:
        return ""
    is_gone = found.token_created is None
    return ", and no API token" if is_gone else ", and an API token that was to be revoked"


def _renewed(intent: Unfinished, found: Principal | None) -> Resolution:
    """Tell whether a token was renewed: its grants say nothing of it."""
    if found is None:
        return Resolution(intent, "changed since", "the service user is not there any more")
    if token_precondition(found) == intent.data.get("precondition"):
        return Resolution(intent, "not applied", "a later reading shows the token from before")
    told = "a later reading shows a newer token; if nobody was given it, rotate it again"
    return Resolution(intent, "applied", told)


def _found(intent: Unfinished, actual: Actual) -> Principal | None:
    """Find the principal by id; somebody who was to be invited, by address."""
    identity = intent.data.get("principal", {}).get("id")
    name = PrincipalName.parse(intent.principal)
    for principal in actual.principals:
        if principal.kind is name.kind and (
            principal.id == identity if identity else principal.name == name
        ):
            return principal
    return None


def _held(principal: Principal | None) -> _Held:
    if principal is None:
        return None
    return principal.level.value, frozenset((g.scope.id, g.role.id) for g in principal.grants)


def _intended(holding: Any) -> _Held:
    """Read a holding as `audit.events` wrote it; what has another form matches nothing."""
    if holding is None:
        return None
    try:
        pairs = frozenset((each["scope_id"], each["role_id"]) for each in holding["grants"])
        return str(holding["level"]), pairs
    except (TypeError, KeyError):
        return "", frozenset()
