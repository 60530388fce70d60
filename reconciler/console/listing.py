"""A paged listing, whole or not at all (T47)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from reconciler.console.fields import checked_id
from reconciler.errors import IncompleteReadError, NotUnderstoodError

READINGS = 3
_PAGE = {"limit": "1000", "sortBy": "id", "sortOrder": "asc"}
"""The largest page and a sort that both published specifications have (section 3.1, 3.3)."""

Record = Mapping[str, Any]
Get = Callable[[str, Mapping[str, str]], Record]


def read_listing(
    get: Get,
    path: str,
    params: Mapping[str, str],
    items: tuple[str, ...],
    on_page: Callable[[int, int], None],
) -> list[Record]:
    """Return all records; read up to three times when one reading does not add up.

    Raises IncompleteReadError after that, and NotUnderstoodError at once when a page does not
    have the documented form.
    """
    for reading in range(1, READINGS + 1):
        try:
            return _read_once(get, path, params, items, on_page)
        except IncompleteReadError as error:
            if reading == READINGS:
                raise IncompleteReadError(
                    f"GET {path}: incomplete read, {READINGS} times: {error.message}",
                    "Nothing may be concluded from half a listing. Try again when the console is"
                    " quiet.",
                ) from None
    raise AssertionError  # pragma: no cover - the loop returns or raises


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    total: int | None = None
    records: dict[str, Record] = field(default_factory=dict)
    cursors: set[str] = field(default_factory=set)

    def add(self, page: list[Record], total: int) -> None:
        """Take one page; IncompleteReadError when it contradicts the pages before."""
        if self.total is None:
            self.total = total
        if self.total != total:
            raise IncompleteReadError(f"the total went from {self.total} to {total} meanwhile")
        for record in page:
            identity = checked_id(record.get("id"), "a record")
            if identity in self.records:
                raise IncompleteReadError(f"id {identity} came twice")
            self.records[identity] = record
        if len(self.records) > total:
            raise IncompleteReadError(f"more records came than the total of {total}")

    def follow(self, page: list[Record], cursor: str) -> None:
        """Note the next cursor; IncompleteReadError when it leads nowhere."""
        if cursor in self.cursors:
            raise IncompleteReadError("a cursor was repeated")
        if not page:
            raise IncompleteReadError("a page was empty, but not the last")
        self.cursors.add(cursor)


def _read_once(
    get: Get,
    path: str,
    params: Mapping[str, str],
    items: tuple[str, ...],
    on_page: Callable[[int, int], None],
) -> list[Record]:
    reading = _Reading()
    query = {**params, **_PAGE}
    while True:
        body = get(path, query)
        page, total, cursor = _page(body, items, path)
        reading.add(page, total)
        on_page(len(reading.records), total)
        if cursor is None:
            break
        reading.follow(page, cursor)
        # The console's cursors end in an already encoded `%3D`; encoding them once more would
        # send `%253D`, which not every console may accept (section 3.1, UNVERIFIED).
        query["cursor"] = unquote(cursor)
    if len(reading.records) != reading.total:
        raise IncompleteReadError(f"{len(reading.records)} of {reading.total} records came")
    return list(reading.records.values())


def _page(body: Record, items: tuple[str, ...], path: str) -> tuple[list[Record], int, str | None]:
    """Return the records, the total and the next cursor of one page."""
    found: Any = body
    for key in items:
        found = found.get(key) if isinstance(found, dict) else None
    pagination = body.get("pagination")
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise _not_understood(path, f"`{'.'.join(items)}` is not a list of objects")
    if not isinstance(pagination, dict):
        raise _not_understood(path, "`pagination` is missing")
    total, cursor = pagination.get("totalItems"), pagination.get("nextCursor")
    if type(total) is not int or total < 0:
        raise _not_understood(path, "`pagination.totalItems` is not a count")
    if cursor is not None and not isinstance(cursor, str):
        raise _not_understood(path, "`pagination.nextCursor` is neither text nor null")
    # "" ends a listing for other clients too, and "null" was seen on a neighbouring product
    # (section 3.1); believing them is safe because the count must match.
    return found, total, None if cursor in {None, "", "null"} else cursor


def _not_understood(path: str, what: str) -> NotUnderstoodError:
    return NotUnderstoodError(
        f"GET {path}: the listing was not understood: {what}",
        "Run `reconciler doctor` against this console, or report its answer.",
    )
