"""The runs of a journal, each as one value: who, led by what, with which end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.audit.chain import Record
from reconciler.audit.query import Query

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as far as the record tells. A foreign record's form is not trusted."""

    run: str
    time: str
    """Of its first record."""
    actor: str
    """Label of the token's owner; empty when the run neither began to write nor was refused."""
    origin: str
    review: Data
    """Who looked at it before, as `audit.events` writes it; empty for a run by hand."""
    undo_of: str
    """The run that it undoes; empty for a run of the policies."""
    results: Data
    """Result -> how many operations; counted from the outcomes when the run has no end."""
    end: str
    """`finished`, `refused`, `nothing to do`, or `no end on record`."""
    head: str
    """Hash of its last record."""


def runs_of(records: Iterable[Record], query: Query) -> list[Run]:
    """Return the runs of which something is asked for, in the order of the record."""
    told = tuple(records)
    asked = {record.run for record in query.select(told)}
    own: dict[str, list[Record]] = {}
    for record in told:
        if record.run in asked:
            own.setdefault(record.run, []).append(record)
    return [_run(each) for each in own.values()]


def _run(records: list[Record]) -> Run:
    kinds = {record.kind: record.data for record in records}
    began = kinds.get("run-started") or kinds.get("refused") or {}
    review = began.get("review")
    return Run(
        run=records[0].run,
        time=records[0].time,
        actor=str(began.get("actor") or ""),
        origin=str(began.get("origin") or ""),
        review=review if isinstance(review, dict) else {},
        undo_of=str(began.get("undo_of") or ""),
        results=_results(kinds, records),
        end=_end(kinds),
        head=records[-1].hash,
    )


def _results(kinds: dict[str, Data], records: list[Record]) -> Data:
    results = kinds.get("run-finished", {}).get("results")
    if isinstance(results, dict):
        return results
    # What a second reading did not show any more is recorded once more: the last word counts.
    last = {
        _whom(one.data): str(one.data.get("result")) for one in records if one.kind == "outcome"
    }
    return {word: [*last.values()].count(word) for word in sorted({*last.values()})}


def _whom(data: Data) -> str:
    return str(data.get("principal"))


def _end(kinds: dict[str, Data]) -> str:
    if "run-finished" in kinds:
        return "finished"
    if "refused" in kinds:
        return "refused"
    return "no end on record" if "run-started" in kinds else "nothing to do"
