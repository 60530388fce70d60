"""Lists: paging, counting, sorting and filtering (API reference, section 3).

Cursors are keyset cursors on (sort value, id), so paging is stable against inserts. A cursor is
URL-safe base64 of JSON whose `=` padding is already percent-encoded; it is accepted as sent and
encoded once more. A cursor used with another `sortBy` or `sortOrder` is invalid.
"""

import base64
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from reconciler.simulator.envelopes import invalid

Item = TypeVar("Item")
Predicate = Callable[[Any], bool]
Filter = Callable[[str, Any], Predicate]
"""Takes the parameter's name and raw value, gives a test of one item; raises ApiError 400.

The value is text, or a list of texts where a body gives one instead of comma-joined text."""

_PAGING = ("limit", "skip", "cursor", "countOnly", "skipCount", "sortBy", "sortOrder")
_MAX = 1000
_SHORTEST = 2
_INTEGER = re.compile("[+-]?[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """How one kind of item is listed."""

    column: str
    """Id column as written into cursors, e.g. `ManagementUser.id`."""
    filters: Mapping[str, Filter]
    sort_keys: Mapping[str, Callable[[Item], Any]]
    maximum: int = _MAX
    """The greatest `limit`."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of items and its `pagination` object."""

    items: Sequence[Item]
    pagination: dict[str, Any]


def paginate(
    listing: Listing[Item], items: Sequence[Item], parameters: Mapping[str, str]
) -> Page[Item]:
    """Filter, sort and cut; raises ApiError 400 for every parameter that is not documented."""
    wanted = {name: raw for name, raw in parameters.items() if name not in _PAGING}
    limit = whole("limit", parameters.get("limit", "10"), 1, listing.maximum)
    skip = whole("skip", parameters.get("skip", "0"), 0, _MAX)
    by, order = _sorting(listing, parameters)
    found = matching(listing.filters, items, wanted)
    count_only = boolean("countOnly", parameters.get("countOnly", "false"))
    total = 0 if boolean("skipCount", parameters.get("skipCount", "false")) else len(found)
    if count_only:
        return Page((), {"totalItems": len(found), "nextCursor": None})

    def key(item: Item) -> tuple[Any, ...]:
        return _key(listing.sort_keys[by](item), item.id)  # type: ignore[attr-defined]

    # By id, which is the default, a cheap key: large lists are sorted again for each page.
    found.sort(key=_number if by == "id" else key, reverse=order == "desc")
    if parameters.get("cursor"):
        last = _read_cursor(parameters["cursor"], listing.column, by, order)
        found = _beyond(found, key, last, order)
    rest = found[skip:]
    page = rest[:limit]
    following = None
    if len(rest) > limit:
        value = listing.sort_keys[by](page[-1])
        following = _write_cursor(listing.column, page[-1].id, by, value, order)  # type: ignore[attr-defined]
    return Page(page, {"totalItems": total, "nextCursor": following})


def matching(
    filters: Mapping[str, Filter], items: Sequence[Item], wanted: Mapping[str, Any]
) -> list[Item]:
    """Return the items that pass every filter; raises ApiError 400 for an unknown filter."""
    for name in wanted:
        if name not in filters:
            raise invalid(f"{name}: Unknown field")
    tests = [filters[name](name, raw) for name, raw in wanted.items()]
    return [item for item in items if all(test(item) for test in tests)] if tests else list(items)


def text(get: Callable[[Any], str | None], *, caseless: bool = False) -> Filter:
    """Exact text, letter case included unless told otherwise."""
    if caseless:
        return lambda _name, raw: lambda item: (get(item) or "").casefold() == raw.casefold()
    return lambda _name, raw: lambda item: get(item) == raw


def flag(get: Callable[[Any], bool]) -> Filter:
    """Compare with `true` or `false`."""

    def build(name: str, raw: str) -> Predicate:
        wanted = boolean(name, raw)
        return lambda item: get(item) is wanted

    return build


def any_of(
    get: Callable[[Any], Sequence[str]], maximum: int = 5000, choices: Sequence[str] = ()
) -> Filter:
    """Comma-joined values, any of which may match."""

    def build(name: str, raw: Any) -> Predicate:
        wanted = set(split(name, raw, maximum))
        for value in sorted(wanted.difference(choices) if choices else ()):
            raise invalid(f'{name}: "{value}" is not a valid choice.')
        return lambda item: not wanted.isdisjoint(get(item))

    return build


def contains(get: Callable[[Any], Sequence[str | None]], maximum: int = 1) -> Filter:
    """Comma-joined parts, any of which may be contained in any of the texts, in any case.

    Where several are allowed, each has at least two letters.
    """

    def build(name: str, raw: Any) -> Predicate:
        parts = [raw] if maximum == 1 else split(name, raw, maximum)
        if maximum > 1 and min(map(len, parts), default=0) < _SHORTEST:
            raise invalid(f"{name}: Shorter than minimum length {_SHORTEST}.")
        wanted = [part.casefold() for part in parts]
        return lambda item: any(
            part in (value or "").casefold() for part in wanted for value in get(item)
        )

    return build


def identifiers(get: Callable[[Any], Sequence[str]], maximum: int = 5000) -> Filter:
    """Comma-joined ids; raises ApiError 400 for what is not a decimal number."""
    inner = any_of(get, maximum)

    def build(name: str, raw: Any) -> Predicate:
        for value in split(name, raw, maximum):
            if not (value.isascii() and value.isdigit()):
                raise invalid(f"{name}: Not a valid Identifier.")
        return inner(name, raw)

    return build


def instants(name: str, get: Callable[[Any], str | None]) -> dict[str, Filter]:
    """Compare in the five ways `__gt __gte __lt __lte __between` of one time field."""
    tests: dict[str, Callable[[datetime, datetime], bool]] = {
        "gt": lambda one, two: one > two, "gte": lambda one, two: one >= two,
        "lt": lambda one, two: one < two, "lte": lambda one, two: one <= two,
    }  # fmt: skip

    def single(test: Callable[[datetime, datetime], bool]) -> Filter:
        def build(field: str, raw: str) -> Predicate:
            wanted = instant(field, raw)
            return lambda item: (
                bool(value := get(item)) and test(instant(field, str(value)), wanted)
            )

        return build

    def between(field: str, raw: str) -> Predicate:
        try:
            first, last = (int(bound) / 1000 for bound in raw.split("-"))
        except (ValueError, OverflowError):
            raise invalid(f"{field}: Not a valid range.") from None
        return lambda item: (
            bool(value := get(item)) and (first <= instant(field, str(value)).timestamp() <= last)
        )

    return {f"{name}__{word}": single(test) for word, test in tests.items()} | {
        f"{name}__between": between
    }


def moment(get: Callable[[Any], str | None]) -> Filter:
    """Exactly this time."""

    def build(name: str, raw: str) -> Predicate:
        wanted = instant(name, raw)
        return lambda item: bool(value := get(item)) and instant(name, str(value)) == wanted

    return build


def number(get: Callable[[Any], int | None]) -> Filter:
    """Exactly this whole number of 32 bits."""

    def build(name: str, raw: str) -> Predicate:
        if not _INTEGER.fullmatch(raw) or not -(2**31) <= int(raw) < 2**31:
            raise invalid(f"{name}: Not a valid integer.")
        wanted = int(raw)
        return lambda item: get(item) == wanted

    return build


def boolean(name: str, raw: str) -> bool:
    """Read `true` or `false`; raises ApiError 400."""
    if raw.lower() not in {"true", "false"}:
        raise invalid(f"{name}: Not a valid boolean.")
    return raw.lower() == "true"


def instant(name: str, raw: str) -> datetime:
    """Read an ISO 8601 time, naive meaning UTC; raises ApiError 400."""
    try:
        value = datetime.fromisoformat(raw)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{name}: Not a valid datetime.") from None


def split(name: str, raw: str | list[str], maximum: int) -> list[str]:
    """Split a comma-joined parameter; raises ApiError 400 above the documented length."""
    values = raw if isinstance(raw, list) else raw.split(",")
    if len(values) > maximum:
        raise invalid(f"{name}: Longer than maximum length {maximum}.")
    return values


def whole(name: str, raw: str, minimum: int, maximum: int) -> int:
    """Read a whole number within bounds; raises ApiError 400."""
    digits = raw.isascii() and raw.isdigit() and len(raw) <= len(str(maximum))
    if not (digits and minimum <= int(raw) <= maximum):
        raise invalid(f"{name}: Must be between {minimum} and {maximum}.")
    return int(raw)


def _sorting(listing: Listing[Any], parameters: Mapping[str, str]) -> tuple[str, str]:
    by = parameters.get("sortBy", "id")
    order = parameters.get("sortOrder", "asc")
    if by not in listing.sort_keys:
        raise invalid(f'sortBy: "{by}" is not a valid choice.')
    if order not in {"asc", "desc"}:
        raise invalid(f'sortOrder: "{order}" is not a valid choice.')
    return by, order


def _key(value: Any, item_id: str) -> tuple[Any, ...]:
    if value is None:
        return (0, "", int(item_id))
    return (1, int(value) if isinstance(value, bool) else value, int(item_id))


def _number(item: Any) -> int:
    return int(item.id)


def _beyond(
    items: list[Item], key: Callable[[Item], Any], last: tuple[Any, ...], order: str
) -> list[Item]:
    """Return what comes after a cursor in a sorted list."""
    try:
        if order == "desc":
            return items[len(items) - bisect_left(items[::-1], last, key=key) :]
        return items[bisect_right(items, last, key=key) :]
    except TypeError:  # a forged cursor with a value of another type
        raise invalid("Invalid cursor value received") from None


def _write_cursor(column: str, item_id: str, by: str, value: Any, order: str) -> str:
    tree = {
        "id_column": column, "id_value": item_id, "id_sort_order": order,
        "sort_by_column": by, "sort_by_value": value, "sort_order": order,
    }  # fmt: skip
    return quote(base64.urlsafe_b64encode(json.dumps(tree).encode()).decode(), safe="")


def _read_cursor(raw: str, column: str, by: str, order: str) -> tuple[Any, ...]:
    try:
        tree = json.loads(base64.b64decode(unquote(raw), altchars=b"-_", validate=True))
        if [tree["id_column"], tree["sort_by_column"], tree["sort_order"]] != [column, by, order]:
            raise ValueError(tree)  # noqa: TRY301  one way out for every bad cursor
        return _key(tree["sort_by_value"], tree["id_value"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise invalid("Invalid cursor value received") from None
