"""A table: records by id, which knows what changed.

Listings are cached by `version`, storage writes what is in `changed`; both rest on every change
passing through here, so a table overrides every way in which a dictionary can change.
"""

import itertools
from collections.abc import Mapping
from typing import Any, TypeVar

Record = TypeVar("Record")
_VERSIONS = itertools.count(1)


class Table(dict[str, Record]):
    """A dictionary by id. Reading costs what it costs in a dictionary."""

    __slots__ = ("changed", "highest", "version")

    def __init__(self, records: Mapping[str, Record] | None = None) -> None:
        super().__init__()
        self.version = next(_VERSIONS)
        """Another number after every change, and no two tables ever have the same."""
        self.changed: set[str] = set()
        """Keys that were set or removed since somebody emptied this set."""
        self.highest = 0
        """The greatest number that ever was a key."""
        self.update(records or {})

    def __setitem__(self, key: str, record: Record) -> None:
        if key not in self:
            self.highest = max(self.highest, int(key) if key.isdecimal() else 0)
        super().__setitem__(key, record)
        self._note(key)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._note(key)

    def update(self, *others: Any, **more: Record) -> None:
        """Set many records."""
        for key, record in dict(*others, **more).items():
            self[key] = record

    def __ior__(self, other: Any) -> "Table[Record]":  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, key: str, default: Any = None) -> Record:
        """Return the record; set it first when there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a record and return it."""
        if key not in self and default:
            return default[0]
        record = self[key]
        del self[key]
        return record

    def popitem(self) -> tuple[str, Record]:
        """Remove the newest record and return it with its key; KeyError when there is none."""
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove every record."""
        for key in list(self):
            del self[key]

    def _note(self, key: str) -> None:
        self.version = next(_VERSIONS)
        self.changed.add(key)
