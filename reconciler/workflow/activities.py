"""The console's activity log, read for an audit and for the names on drift. Nothing here writes.

A large console's log counts no further than 50,000 entries (API reference, section 3.2); a
listing that does not add up is an error, and a narrower question is the remedy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.audit.reconcile import TOLERANCE, Activity, Log
from reconciler.audit.writes import instant_of
from reconciler.console.answers import ForbiddenError
from reconciler.console.client import ReadClient, Record
from reconciler.console.wire import read_identity
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.errors import IncompleteReadError, MissingError

_TYPES = "23,24,25,37,102,107,108,109,110,111,140,141,142,1023"
"""Users, service users, their roles, and what roles permit (API reference, section 8)."""

_TOKENS = "112,113,114"
"""API tokens generated and revoked: who steals a token may make another."""

_ALL_ROLES = {"includeParents": "true", "includeChildren": "true"}

_ABOUT_ROLES = (107, 108, 109)
"""In these the top-level `userId` is the actor, not the target."""


def read_log(client: ReadClient, since: datetime, labels: Iterable[str] = ()) -> Log:
    """Return the log from `since` on, a little more for clocks that differ.

    With what helps to read it: who is called by these labels now, and what the roles are called.
    Raises ConsoleError; DeniedError and MissingError when the console does not show its log.
    """
    first = client.get("/activities", {"limit": "1", "sortBy": "createdAt", "sortOrder": "asc"})
    told = _first(first.get("data")).get("createdAt")
    activities = read_activities(client, since - TOLERANCE)
    return Log(activities, instant_of(_word(told)), _ids(client, labels), _roles(client))


def read_activities(client: ReadClient, since: datetime) -> tuple[Activity, ...]:
    """Return what was done to users, service users, tokens and roles since an instant.

    Raises ConsoleError; IncompleteReadError names the narrower question as the remedy.
    """
    bound = {"activityTypes": f"{_TYPES},{_TOKENS}", "createdAt__gte": _stamp(since)}
    try:
        records = client.list_all("/activities", params=bound)
    except IncompleteReadError as error:
        raise IncompleteReadError(
            f"The activity log since {_stamp(since)} did not come whole: {error.message}",
            "It counts no further than 50,000 entries; ask about less with a later --since.",
        ) from error
    return tuple(_activity(record) for record in records)


def newest_by_target(client: ReadClient) -> dict[str, Activity]:
    """Return the newest activity about each user and service user, from one page of the log.

    What is older than that page is left out; one request must do. Raises ConsoleError.
    """
    query = {
        "activityTypes": _TYPES,
        "limit": "1000",
        "sortBy": "createdAt",
        "sortOrder": "desc",
    }
    records = client.get("/activities", query).get("data")
    found: dict[str, Activity] = {}
    for record in records if isinstance(records, list) else ():
        activity = _activity(record) if isinstance(record, dict) else None
        if activity and activity.target:
            found.setdefault(activity.target, activity)
    return found


def full_names(client: ReadClient, labels: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Return the names under which the log shows these tokens' owners, and who is not found.

    A label is `service:NAME`, whose name is the one in the log, or an address. Raises
    ConsoleError.
    """
    names, unknown = set(), []
    for label in sorted(labels):
        if label.startswith("service:"):
            names.add(label.removeprefix("service:"))
            continue
        found = client.list_all("/users", params={"email": label})
        names.update(str(user["fullName"]) for user in found if user.get("fullName"))
        unknown += [] if found else [label]
    return frozenset(names), unknown


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose token it is, and where that one stands."""

    full_name: str
    level: Level
    places: tuple[str, ...]
    """Names of the accounts or sites, as the console tells them; empty for the tenant."""


def owner(client: ReadClient) -> Owner:
    """Return who owns this token; raises ConsoleError."""
    record = client.get("/user").get("data")
    told = record if isinstance(record, dict) else {}
    identity = read_identity(told)
    entries = [] if identity.level is Level.TENANT else told["scopeRoles"]
    places = tuple(sorted(_word(each.get("name") or each.get("id")) for each in entries))
    return Owner(identity.full_name, identity.level, places)


def _first(records: Any) -> Record:
    """Return the first record of an answer; nothing where it has another form."""
    first = records[0] if isinstance(records, list) and records else None
    return first if isinstance(first, dict) else {}


def _ids(client: ReadClient, labels: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the ids behind labels that lead to exactly one principal, as anybody may copy a name.

    Addresses are unique; the console has no filter for the names of service users.
    """
    found: dict[str, frozenset[str]] = {}
    for label in sorted(labels):
        name = PrincipalName.parse(label)
        if name.kind is PrincipalKind.SERVICE:
            records = client.list_all("/service-users")
            names = [PrincipalName.service(_word(record.get("name"))) for record in records]
        else:
            records = client.list_all("/users", params={"email": name.text})
            names = [PrincipalName.user(_word(record.get("email"))) for record in records]
        ids = [
            _word(record.get("id"))
            for record, one in zip(records, names, strict=True)
            if one == name
        ]
        if len(ids) == 1:
            found[label] = frozenset(ids)
    return found


def _roles(client: ReadClient) -> dict[str, str]:
    """Return what the roles are called; nothing when this token may not see them."""
    try:
        records = client.list_all("/rbac/roles", params=_ALL_ROLES)
    except (ForbiddenError, MissingError):
        return {}
    return {_word(record.get("id")): _word(record.get("name")) for record in records}


def _activity(record: Record) -> Activity:
    told = record.get("data")
    data: Record = told if isinstance(told, dict) else {}
    number = record.get("activityType")
    kind = number if isinstance(number, int) else 0
    return Activity(
        id=_word(record.get("id")),
        type=kind,
        time=_word(record.get("createdAt")),
        actor=_word(data.get("byUser")),
        target="" if kind in _ABOUT_ROLES else _word(record.get("userId")),
        target_name=_word(data.get("username") or data.get("roleName")),
        scope_id=_word(record.get("siteId") or record.get("accountId")),
        role=_word(data.get("role") or data.get("roleName")),
        text=_word(record.get("primaryDescription")),
    )


def _stamp(instant: datetime) -> str:
    """Write an instant as the console does."""
    whole = instant.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    return f"{whole.isoformat()}.000000Z"


def _word(value: Any) -> str:
    return "" if value is None else str(value)
