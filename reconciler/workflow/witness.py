"""Who else wrote during a run: the console's activity log, asked before it and after it.

A user has no version on the console, so a change that falls between our last read and our write
is overwritten, and reading back shows only what we wrote. The log still knows of it (T51). It
names the actor by full name alone (API reference, section 8), so somebody of the same name as
the token's owner is not told apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.console.client import ReadClient, Record
from reconciler.domain.outcome import Outcome, Result
from reconciler.errors import NotUnderstoodError

_TYPES = "23,24,25,37,140,141,142"
"""Users and service users added, changed and removed (API reference, section 8)."""

_WRITTEN = (Result.APPLIED, Result.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the log stood: its newest instant, and the activities of that instant."""

    instant: str | None
    """As the console wrote it, so that no clock of ours is compared; None for an empty log."""
    seen: frozenset[str]


def mark(client: ReadClient) -> Mark:
    """Note where the log stands; raises ConsoleError."""
    newest = client.get("/activities", {"limit": "1", "sortBy": "createdAt", "sortOrder": "desc"})
    instant = _instant(newest.get("data"))
    return Mark(instant, frozenset(str(record["id"]) for record in _since(client, instant)))


def others(
    client: ReadClient, since: Mark, outcomes: Iterable[Outcome], own_name: str
) -> dict[str, str]:
    """Return who of those we wrote was changed by somebody else since, with that one's name.

    Raises ConsoleError when the log cannot be read whole.
    """
    written = {
        outcome.created_id or outcome.operation.principal_id: outcome.operation.name.label
        for outcome in outcomes
        if outcome.result in _WRITTEN
    }
    found: dict[str, str] = {}
    for record in _since(client, since.instant):
        target, actor = written.get(str(record.get("userId"))), _actor(record)
        if target and actor != own_name and str(record["id"]) not in since.seen:
            found[target] = actor
    return found


def _instant(records: Any) -> str | None:
    """Return when the first of some records is from, None without any."""
    if records == []:
        return None
    first = records[0] if isinstance(records, list) else None
    instant = first.get("createdAt") if isinstance(first, dict) else None
    if not isinstance(instant, str):
        raise NotUnderstoodError(
            "GET /activities: the newest entry of the log has no time",
            "Nothing may be concluded from it. Try again later.",
        )
    return instant


def _since(client: ReadClient, instant: str | None) -> list[Record]:
    bound = {"createdAt__gte": instant} if instant else {}
    return client.list_all("/activities", params={"activityTypes": _TYPES, **bound})


def _actor(record: Record) -> str:
    data = record.get("data")
    return str(data.get("byUser") or "") if isinstance(data, dict) else ""
