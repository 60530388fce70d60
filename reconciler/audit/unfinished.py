"""What earlier runs may have done without recording how it ended. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.audit.chain import Record
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.state import Actual, Principal

_Held = tuple[str, frozenset[tuple[str, str]]] | None
"""Level and pairs of scope id and role id; None when nobody is there."""


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


def unfinished(records: Iterable[Record]) -> tuple[Unfinished, ...]:
    """Return every intent that is still open, in the order of the record.

    A foreign record's form is not trusted: what has no principal is left out.
    """
    opened: dict[str, Unfinished] = {}
    for record in records:
        name = _principal(record.data)
        match record.kind:
            case "intent" if name:
                opened[name] = Unfinished(record.sequence, record.time, record.run, record.data)
            case "outcome" if record.data.get("result") != "unknown":
                opened.pop(name, None)
            case "resolved":
                opened.pop(name, None)
    return tuple(sorted(opened.values(), key=lambda each: each.sequence))


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
    shown = _held(found)
    if shown == _intended(intent.data.get("after")):
        return Resolution(intent, "applied", "a later reading shows what was intended")
    if shown == _intended(intent.data.get("before")):
        return Resolution(intent, "not applied", "a later reading shows what was there before")
    return Resolution(intent, "changed since", "a later reading shows neither before nor after")


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
