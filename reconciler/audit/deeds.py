"""What was done, or refused, one deed at a time: the part of the journal that others are told.

Never from an intent, so that nobody counts as granted what was only asked for (T72).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.audit.chain import Record

Data = dict[str, Any]

EXPORTED = ("run-started", "outcome", "resolved", "refused")

NOT_EXPORTED = {
    "intent": "what was only asked for; the outcome tells whether it happened",
    "run-finished": "a sum of the outcomes",
    "recovered": "about the file, not about anybody's access",
    "token-revocation": "a step of an operation, whose outcome is told",
    "lock-taken-over": "about a run that died, not about anybody's access",
}
"""Kind of record -> why nobody outside is told."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One start, outcome, resolution or refusal, with what the reader needs beside it."""

    record: Record
    run: Data
    """The data of `run-started`, or of the refusal itself; empty in a part of a journal."""
    changes: tuple[Data, ...]
    """As `audit.events` writes changes; none for a refusal."""
    operation: str
    """`invite`, `update` or `delete`; empty for a refusal."""
    result: str
    """The word of an outcome or a resolution, `refused`, or `started` for the start of a run."""


def deeds(records: Iterable[Record]) -> Iterator[Deed]:
    """Return every deed in the order of the record."""
    runs: dict[str, Data] = {}
    intents: dict[int, Data] = {}
    for record in records:
        data = record.data
        match record.kind:
            case "run-started":
                runs[record.run] = data
                yield _deed(record, data, {}, "started")
            case "intent":
                intents[record.sequence] = data
            case "outcome":
                run = runs.get(record.run, {})
                yield _deed(record, run, data, str(data.get("result")))
            case "resolved":
                run, intent = runs.get(record.run, {}), intents.get(_number(data), {})
                yield _deed(record, run, intent, str(data.get("result")))
            case "refused":
                yield _deed(record, data, {}, "refused")


def _deed(record: Record, run: Data, asked: Data, result: str) -> Deed:
    changes = asked.get("changes")
    listed = changes if isinstance(changes, list) else []
    told = tuple(each for each in listed if isinstance(each, dict))
    return Deed(record, run, told, str(asked.get("operation") or ""), result)


def _number(data: Data) -> int:
    number = data.get("intent")
    return number if isinstance(number, int) else 0
