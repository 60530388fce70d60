"""Which records somebody asks for. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.writes import instant_of
from reconciler.domain.names import PrincipalName

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """Conditions that all must hold; None asks for nothing."""

    principal: PrincipalName | None = None
    role: str | None = None
    """Name or id of a role that is granted or taken away; letter case does not matter."""
    run: str | None = None
    """How the id of a run begins."""
    kind: str | None = None
    result: str | None = None
    """The result of an outcome, or of a resolution."""
    since: datetime | None = None
    """In UTC; included."""
    until: datetime | None = None
    """In UTC; not included."""

    def select(self, records: Iterable[Record]) -> list[Record]:
        """Return what is asked for, and how each run began that has a part in it.

        Who asks for one kind of record gets no other. A foreign record's form is not trusted.
        """
        found: list[Record] = []
        starts: dict[str, Record] = {}
        intents: dict[object, Data] = {}
        for record in records:
            if record.kind == "intent":
                intents[record.sequence] = record.data
            is_start = record.kind == "run-started" and self.kind is None
            if self._matches(record, intents):
                begun = starts.pop(record.run, None)
                found += [begun, record] if begun and begun is not record else [record]
            elif is_start:
                starts[record.run] = record
        return found

    def _matches(self, record: Record, intents: dict[object, Data]) -> bool:
        return (
            (self.run is None or record.run.startswith(self.run))
            and self.kind in {None, record.kind}
            and (self.result is None or self.result == record.data.get("result"))
            and (self.principal is None or self.principal == _principal(record.data))
            and (self.role is None or self.role.casefold() in _roles(record, intents))
            and self._is_between(record.time)
        )

    def _is_between(self, time: str) -> bool:
        instant = instant_of(time)
        if instant is None:
            return True  # what cannot be read is shown rather than hidden
        is_late = self.since is None or self.since <= instant
        return is_late and (self.until is None or instant < self.until)


def principals(records: Iterable[Record]) -> set[PrincipalName]:
    """Return everybody whom some record is about."""
    found = (_principal(record.data) for record in records)
    return {name for name in found if name is not None}


def _principal(data: Data) -> PrincipalName | None:
    principal = data.get("principal")
    name = principal.get("name") if isinstance(principal, dict) else None
    return PrincipalName.parse(name) if isinstance(name, str) else None


def _roles(record: Record, intents: dict[object, Data]) -> set[str]:
    """Return names and ids of the roles that a record is about, or the intent that it resolves."""
    number = record.data.get("intent")
    resolved = intents.get(number, {}) if isinstance(number, int) else {}
    return {*_changed(record.data), *_changed(resolved)}


def _changed(data: Data) -> Iterator[str]:
    changes = data.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict):
            yield from (str(change.get(key)).casefold() for key in ("role", "role_id"))
