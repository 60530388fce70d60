"""What was meant, done or refused, one deed at a time: the part of the journal others are told.

An intent is a deed of its own and never a change of anybody's access, so that nobody counts as
granted what was only asked for (T72); it is told so that a sink can have it before the console.
"""

from dataclasses import dataclass
from typing import Any

from reconciler.audit.chain import Record

Data = dict[str, Any]

EXPORTED = ("run-started", "intent", "outcome", "resolved", "refused")

NOT_EXPORTED = {
    "run-finished": "a sum of the outcomes",
    "recovered": "about the file, not about anybody's access",
    "token-revocation": "a step of an operation, whose outcome tells of it",
    "lock-taken-over": "about a run that died, not about anybody's access",
}
"""Kind of record -> why nobody outside is told."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One start, intent, outcome, resolution or refusal, with what the reader needs beside it."""

    record: Record
    run: Data
    """The data of `run-started`, or of the refusal itself; empty in a part of a journal."""
    changes: tuple[Data, ...]
    """As `audit.events` writes changes; none for a refusal."""
    operation: str
    """The word of `domain.plan.OperationKind`; empty for a refusal and for the start of a run."""
    result: str
    """The word of an outcome or a resolution; `refused`, `intended`, or `started` for a run."""


class Deeds:
    """Reads a journal from its first record on, and remembers what later deeds need."""

    def __init__(self) -> None:
        self._runs: dict[str, Data] = {}
        self._intents: dict[int, Data] = {}

    def read(self, record: Record) -> Deed | None:
        """Return what the next record tells; None for one that nobody outside is told."""
        data, run = record.data, self._runs.get(record.run, {})
        match record.kind:
            case "run-started":
                self._runs[record.run] = data
                # One that only keeps a judgement on record never asks the console for anything.
                has_work = data.get("operations") != 0
                return _deed(record, data, {}, "started") if has_work else None
            case "intent":
                self._intents[record.sequence] = data
                return _deed(record, run, data, "intended")
            case "outcome":
                return _deed(record, run, data, str(data.get("result")))
            case "resolved":
                intent = self._intents.get(_number(data), {})
                return _deed(record, run, intent, str(data.get("result")))
            case "refused":
                return _deed(record, data, {}, "refused")
        return None


def _deed(record: Record, run: Data, asked: Data, result: str) -> Deed:
    changes = asked.get("changes")
    listed = changes if isinstance(changes, list) else []
    told = tuple(each for each in listed if isinstance(each, dict))
    return Deed(record, run, told, str(asked.get("operation") or ""), result)


def _number(data: Data) -> int:
    number = data.get("intent")
    return number if isinstance(number, int) else 0
