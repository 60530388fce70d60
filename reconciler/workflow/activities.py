"""The console's activity log, read for an audit and for the names on drift. Nothing here writes.

A large console's log counts no further than 50,000 entries (API reference, section 3.2); a
listing that does not add up is an error, and a narrower question is the remedy.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from reconciler.audit.reconcile import TOLERANCE, Activity, Log
from reconciler.audit.writes import instant_of
from reconciler.console.client import ReadClient, Record
from reconciler.errors import IncompleteReadError

_TYPES = "23,24,25,37,102,107,108,109,110,111,140,141,142,1023"
"""Users, service users, their roles, and what roles permit (API reference, section 8)."""

_ABOUT_ROLES = (107, 108, 109)
"""In these the top-level `userId` is the actor, not the target."""


def read_log(client: ReadClient, since: datetime) -> Log:
    """Return the log from `since` on, a little more for clocks that differ.

    Raises ConsoleError; DeniedError and MissingError when the console does not show its log.
    """
    first = client.get("/activities", {"limit": "1", "sortBy": "createdAt", "sortOrder": "asc"})
    records = first.get("data")
    oldest = records[0].get("createdAt") if isinstance(records, list) and records else None
    return Log(read_activities(client, since - TOLERANCE), instant_of(str(oldest)))


def read_activities(client: ReadClient, since: datetime) -> tuple[Activity, ...]:
    """Return what was done to users, service users and roles since an instant, oldest first.

    Raises ConsoleError; IncompleteReadError names the narrower question as the remedy.
    """
    bound = {"activityTypes": _TYPES, "createdAt__gte": _stamp(since)}
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


def own_name(client: ReadClient) -> str:
    """Return the full name of this token's owner; raises ConsoleError."""
    record = client.get("/user").get("data")
    return _word(record.get("fullName")) if isinstance(record, dict) else ""


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
