"""What the journal says was asked of the console: each intent with its end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record

Data = dict[str, Any]

_MAY_HAVE_HAPPENED = frozenset({"applied", "unknown"})


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
    """Empty for an invitation and a creation whose answer never came."""
    operation: str
    began: datetime
    ended: datetime
    """Of the outcome; of the intent itself when there is none."""
    result: str
    """As the outcome or a later run says; `open` when neither does."""
    before: dict[str, str]
    """Scope id -> id of the role held there before; empty for whoever was not there."""
    after: dict[str, str]
    """The same afterwards; empty when the principal is deleted."""
    roles: dict[str, str]
    """Role id -> its name at the time, of the roles that are granted or taken away."""
    ends_token: bool
    """True when the principal's own API token is revoked on the way."""
    took_token: bool = False
    """True when that was asked for and may have happened, whatever became of the rest."""
    is_anyones: bool = False
    """True when our own outcome cannot tell whether it was us, even if it is done by now."""


def writes(records: Iterable[Record]) -> tuple[Write, ...]:
    """Return every intent with its end, in the order of the record.

    A foreign record's form is not trusted: what has no principal or no instant is left out.
    """
    origins: dict[str, str] = {}
    found: dict[int, Write] = {}
    last: dict[tuple[str, str, str], int] = {}
    for record in records:
        data = record.data
        match record.kind:
            case "run-started":
                origins[record.run] = str(data.get("origin") or "")
            case "intent" if write := _opened(record, origins.get(record.run, "")):
                found[record.sequence] = write
                last[_key(record)] = record.sequence
            case "token-revocation" if write := found.get(last.get(_key(record), 0)):
                took = write.took_token or _word(data, "result") in _MAY_HAVE_HAPPENED
                found[write.sequence] = replace(write, ends_token=True, took_token=took)
            case "outcome":
                _close(found, last.get(_key(record)), record)
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


def _key(record: Record) -> tuple[str, str, str]:
    """Tell the operations of a run apart: names of service users are not unique, ids are."""
    principal = record.data.get("principal")
    return record.run, _word(principal, "name"), _word(principal, "id")


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
        before=_held(data.get("before")),
        after=_held(data.get("after")),
        roles={
            _word(change, "role_id"): _word(change, "role")
            for change in _listed(data.get("changes"))
        },
        ends_token=data.get("revokes_token") is True,
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
            is_anyones=write.is_anyones or write.result == "unknown",
        )


def _held(holding: Any) -> dict[str, str]:
    grants = _listed(holding.get("grants")) if isinstance(holding, dict) else []
    return {_word(grant, "scope_id"): _word(grant, "role_id") for grant in grants}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _word(tree: Any, key: str) -> str:
    return str(tree.get(key) or "") if isinstance(tree, dict) else ""
