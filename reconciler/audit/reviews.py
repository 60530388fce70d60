"""What reviewed runs in CI did: the commit that the clock may go on from, and since when.

The clock, which no reviewer stands behind, enforces windows of a policy that a reviewed run has
applied whole, and only those that opened or closed since somebody's access was last made right. So
it brings back nothing that somebody took away by hand, and nothing that nobody has reviewed.

Who can write to the journal's branch can add to it: what is taken from here is believed only of a
run that the code host knows (`ci.genuine`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.history import is_whole
from reconciler.domain.names import PrincipalName
from reconciler.domain.review import Trigger

_NEVER = datetime.min.replace(tzinfo=UTC)
_REVIEWED = frozenset({Trigger.PUSH, Trigger.DISPATCH})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as the journal has it: what to ask the code host about."""

    trigger: str
    commit: str
    """Whose policies were applied."""
    run: str
    """Address of the run on the code host."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Since when the record shows that people hold what the policies said."""

    instant: datetime
    """When the last run that ended read and decided."""
    last: Recorded
    """That run."""
    earlier: Mapping[PrincipalName, datetime | None] = field(default_factory=dict)
    """Those whom it left as they were -> the last instant at which they were right; None when none
    is known."""

    def of(self, name: PrincipalName) -> datetime | None:
        """Return the instant for one principal; None when no run has made it right."""
        return self.earlier.get(name, self.instant)


@dataclass(frozen=True, slots=True)
class _Run:
    decided: datetime
    operations: int
    left_out: int
    review: Mapping[str, Any]
    unsettled: Mapping[PrincipalName, datetime | None]
    is_undo: bool
    results: object = None
    failed: frozenset[PrincipalName] = frozenset()

    @property
    def is_told(self) -> bool:
        """Whether every operation has a result: one that stopped before the first has none."""
        results = self.results if isinstance(self.results, dict) else {}
        return sum(_count(each) for each in results.values()) == self.operations

    @property
    def recorded(self) -> Recorded:
        """What to ask the code host about."""
        texts = (self.review.get(key) for key in ("trigger", "commit", "run"))
        return Recorded(*(text if isinstance(text, str) else "" for text in texts))


def reviewed_run(records: Iterable[Record], origin: str) -> Recorded | None:
    """Return the push's or person's run that last applied whole policies; None without one.

    One that came after a commit which nobody has applied does not count: its plan was reviewed,
    and the rest of its policies was not.
    """
    found = None
    for run in _ended(records, origin):
        is_done = is_whole(run.results, run.operations) and not run.left_out
        is_gapless = not run.review.get("skipped")
        if run.recorded.trigger in _REVIEWED and is_done and is_gapless and run.recorded.commit:
            found = run.recorded
    return found


def settled(records: Iterable[Record], origin: str) -> Settled | None:
    """Return since when windows are waited for; None when no run has ended.

    Never earlier than an earlier run says, so that no old record that is added again brings back
    what was taken away since.
    """
    found: Settled | None = None
    for run in _ended(records, origin):
        # What came after a commit that nobody applied was judged by more than the clock goes by.
        if run.is_undo or not run.is_told or not run.review or run.review.get("skipped"):
            continue
        behind: dict[PrincipalName, datetime | None] = dict.fromkeys(run.failed)
        behind |= run.unsettled
        earlier = {
            name: _first(found.of(name) if found else None, since) for name, since in behind.items()
        }
        instant = max(run.decided, found.instant) if found else run.decided
        found = Settled(instant, run.recorded, earlier)
    return found


def began(record: Record) -> datetime:
    """Return when a record was written; long ago when it does not say so in our form."""
    return _instant(record.time) or _NEVER


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
                runs[record.run] = _started(record)
            case "outcome" if record.run in runs and data.get("result") != "applied":
                who = data.get("principal")
                label = str(who.get("name", "")) if isinstance(who, dict) else ""
                failed.setdefault(record.run, set()).add(PrincipalName.parse(label))
            case "run-finished" if record.run in runs:
                names = frozenset(failed.pop(record.run, ()))
                yield replace(runs.pop(record.run), results=data.get("results"), failed=names)


def _started(record: Record) -> _Run:
    data, review = record.data, record.data.get("review")
    entries = data.get("unsettled", ())
    return _Run(
        decided=_instant(data.get("decided")) or began(record),
        operations=_count(data.get("operations")),
        left_out=_count(data.get("left_out", 0)),
        review=review if isinstance(review, dict) else {},
        unsettled={
            PrincipalName.parse(str(entry.get("name", ""))): _instant(entry.get("since"))
            for entry in (entries if isinstance(entries, list) else ())
            if isinstance(entry, dict)
        },
        is_undo="undo_of" in data,
    )


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier instant; what is not known before stays unknown."""
    return min(one, other) if one and other else one


def _instant(value: object) -> datetime | None:
    """Return an instant as this product writes it, None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _count(value: object) -> int:
    """Return a count as this product writes it; another form counts as what stands in the way."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
