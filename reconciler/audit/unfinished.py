"""What earlier runs may have done without recording how it ended. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.audit.chain import Record


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An intent that no outcome answers, or whose outcome is unknown."""

    sequence: int
    """Number of the intent's record."""
    time: str
    run: str
    data: dict[str, Any]
    """The intent, as `audit.events` wrote it."""

    @property
    def principal(self) -> str:
        """Label of the principal."""
        return _principal(self.data)


def unfinished(records: Iterable[Record]) -> tuple[Unfinished, ...]:
    """Return every intent that is still open, in the order of the record.

    A foreign record's form is not trusted: what has no principal is left out.
    """
    opened: dict[str, Unfinished] = {}
    for record in records:
        name = _principal(record.data)
        match record.kind:
            case "intent" if name:
                opened[name] = Unfinished(record.sequence, record.time, record.run, record.data)
            case "outcome" if record.data.get("result") != "unknown":
                opened.pop(name, None)
            case "resolved":
                opened.pop(name, None)
    return tuple(sorted(opened.values(), key=lambda each: each.sequence))


def _principal(data: dict[str, Any]) -> str:
    principal = data.get("principal")
    return str(principal.get("name") or "") if isinstance(principal, dict) else ""
