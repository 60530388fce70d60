"""What the journal says was asked of the console: each intent with its end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Write:
    """One intent and what became of it."""

    sequence: int
    """Number of the intent's record."""
    origin: str
    """The console of its run; empty when the run does not say."""
    name: str
    """Label of the principal."""
    id: str
    """Empty for an invitation whose answer never came."""
    operation: str
    began: datetime
    ended: datetime
    """Of the outcome; of the intent itself when there is none."""
    result: str
    """As the outcome or a later run says; `open` when neither does."""
    gains: dict[str, str]
    """Scope id -> name of the role that is granted there."""
    holds: frozenset[str]
    """Ids of all scopes held afterwards; none when the principal is deleted."""


def writes(records: Iterable[Record]) -> tuple[Write, ...]:
    """Return every intent with its end, in the order of the record.

    A foreign record's form is not trusted: what has no principal or no instant is left out.
    """
    origins: dict[str, str] = {}
    found: dict[int, Write] = {}
    last: dict[tuple[str, str], int] = {}
    for record in records:
        data = record.data
        match record.kind:
            case "run-started":
                origins[record.run] = str(data.get("origin") or "")
            case "intent" if write := _opened(record, origins.get(record.run, "")):
                found[record.sequence] = write
                last[record.run, write.name] = record.sequence
            case "outcome":
                number = last.get((record.run, _word(data.get("principal"), "name")))
                _close(found, number, record)
            case "resolved":
                _close(found, data.get("intent"), record)
    return tuple(found.values())


def instant_of(text: str) -> datetime | None:
    """Return an aware instant, or None for a text that is none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def actors(records: Iterable[Record], origin: str) -> frozenset[str]:
    """Return the labels of the tokens with which runs wrote to one console."""
    started = (each.data for each in records if each.kind == "run-started")
    return frozenset(str(data["actor"]) for data in started if _is_run_on(data, origin))


def _is_run_on(data: Data, origin: str) -> bool:
    return data.get("origin") == origin and bool(data.get("actor"))


def _opened(record: Record, origin: str) -> Write | None:
    data, began = record.data, instant_of(record.time)
    name = _word(data.get("principal"), "name")
    if began is None or not name:
        return None
    return Write(
        sequence=record.sequence,
        origin=origin,
        name=name,
        id=_word(data.get("principal"), "id"),
        operation=_word(data, "operation"),
        began=began,
        ended=began,
        result="open",
        gains={
            _word(change, "scope_id"): _word(change, "role")
            for change in _listed(data.get("changes"))
            if _word(change, "action") == "grant"
        },
        holds=frozenset(_word(grant, "scope_id") for grant in _grants(data.get("after"))),
    )


def _close(found: dict[int, Write], number: Any, record: Record) -> None:
    """Note how a write ended; a later record overrules an earlier one."""
    if isinstance(number, int) and number in found:
        write = found[number]
        # Who finds out later ends nothing: the write itself was over long before.
        ended = instant_of(record.time) if record.kind == "outcome" else None
        found[number] = replace(
            write,
            id=write.id or _word(record.data, "created_id"),
            ended=ended or write.ended,
            result=_word(record.data, "result"),
        )


def _grants(holding: Any) -> list[Any]:
    return _listed(holding.get("grants")) if isinstance(holding, dict) else []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(tree: Any, key: str) -> str:
    return str(tree.get(key) or "") if isinstance(tree, dict) else ""
