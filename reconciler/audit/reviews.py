"""What reviewed runs in CI did: the commit that the clock may go on from, and since when.

The clock, which no reviewer stands behind, enforces windows of a policy that a reviewed run has
applied whole, and only those that opened or closed since somebody's access was last made right. So
it brings back nothing that somebody took away by hand, and nothing that nobody has reviewed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.history import is_whole
from reconciler.domain.names import PrincipalName

_REVIEWED = frozenset({"push", "dispatch"})


@dataclass(frozen=True, slots=True)
class Settled:
    """Since when the record shows that people hold what the policies said."""

    instant: datetime
    """Start of the last run that ended."""
    earlier: Mapping[PrincipalName, datetime | None] = field(default_factory=dict)
    """Those whom it could not make right -> the last run that could; None when none did."""

    def of(self, name: PrincipalName) -> datetime | None:
        """Return the instant for one principal; None when no run has made it right."""
        return self.earlier.get(name, self.instant)


@dataclass(frozen=True, slots=True)
class _Run:
    started: datetime
    operations: int
    left_out: int
    review: Mapping[str, Any]
    results: object = None
    failed: frozenset[PrincipalName] = frozenset()


def reviewed_commit(records: Iterable[Record], origin: str) -> str | None:
    """Return the commit that a push or a person's run applied last, whole; None without one."""
    found = None
    for run in _ended(records, origin):
        commit = run.review.get("commit")
        is_done = is_whole(run.results, run.operations) and not run.left_out
        if run.review.get("trigger") in _REVIEWED and is_done and isinstance(commit, str):
            found = commit
    return found


def settled(records: Iterable[Record], origin: str) -> Settled | None:
    """Return since when windows are waited for; None when no run has ended."""
    found: Settled | None = None
    for run in _ended(records, origin):
        if run.left_out:
            continue
        earlier = {name: found.of(name) if found else None for name in run.failed}
        found = Settled(run.started, earlier)
    return found


def begun(records: Iterable[Record], origin: str) -> Record | None:
    """Return the start of the last run on a console when the record does not show its end."""
    started: Record | None = None
    for record in records:
        if record.kind == "run-started" and record.data.get("origin") == origin:
            started = record
        elif record.kind == "run-finished" and started and record.run == started.run:
            started = None
    return started


def _ended(records: Iterable[Record], origin: str) -> Iterator[_Run]:
    """Yield every run on a console that ended; foreign forms are passed over."""
    runs: dict[str, _Run] = {}
    failed: dict[str, set[PrincipalName]] = {}
    for record in records:
        data = record.data
        match record.kind:
            case "run-started" if data.get("origin") == origin:
                review = data.get("review")
                runs[record.run] = _Run(
                    started=datetime.fromisoformat(record.time),
                    operations=_count(data.get("operations")),
                    left_out=_count(data.get("left_out", 0)),
                    review=review if isinstance(review, dict) else {},
                )
            case "outcome" if record.run in runs and data.get("result") != "applied":
                label = str(data.get("principal", {}).get("name", ""))
                failed.setdefault(record.run, set()).add(PrincipalName.parse(label))
            case "run-finished" if record.run in runs:
                names = frozenset(failed.pop(record.run, ()))
                yield replace(runs.pop(record.run), results=data.get("results"), failed=names)


def _count(value: object) -> int:
    """Return a count as this product writes it; another form counts as what stands in the way."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
