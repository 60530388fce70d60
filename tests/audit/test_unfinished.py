"""What a run that died may have done is known to the next one, until something answers it."""

from typing import Any

import pytest

from reconciler.audit.chain import Record
from reconciler.audit.unfinished import unfinished

ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
BO = {"kind": "user", "name": "bo@acme.example", "id": "11"}


def record(sequence: int, kind: str, principal: Any = ANA, **data: Any) -> Record:
    return Record(
        sequence, "2026-11-22T09:00:00Z", "run", kind, {"principal": principal} | data, ""
    )


def open_intents(*records: Record) -> list[tuple[int, str]]:
    return [(each.sequence, each.principal) for each in unfinished(records)]


def test_an_intent_without_an_outcome_is_unfinished() -> None:
    intents = record(1, "intent"), record(2, "intent", BO)

    assert open_intents(*intents) == [(1, "ana@acme.example"), (2, "bo@acme.example")]


@pytest.mark.parametrize("result", ["applied", "conflict", "failed", "not attempted"])
def test_a_known_outcome_finishes_it(result: str) -> None:
    assert open_intents(record(1, "intent"), record(2, "outcome", result=result)) == []


def test_an_unknown_outcome_leaves_it_unfinished() -> None:
    records = record(1, "intent"), record(2, "outcome", result="unknown")

    assert open_intents(*records) == [(1, "ana@acme.example")]


def test_a_resolution_finishes_it() -> None:
    records = record(1, "intent"), record(2, "outcome", result="unknown"), record(3, "resolved")

    assert open_intents(*records) == []


def test_an_outcome_of_somebody_else_finishes_nothing() -> None:
    records = record(1, "intent"), record(2, "outcome", BO, result="applied")

    assert open_intents(*records) == [(1, "ana@acme.example")]


def test_a_later_intent_takes_the_place_of_an_earlier_one() -> None:
    assert open_intents(record(1, "intent"), record(5, "intent")) == [(5, "ana@acme.example")]


@pytest.mark.parametrize("principal", [None, "ana", [], {}, {"name": None}])
def test_a_record_of_a_foreign_form_is_left_out(principal: Any) -> None:
    assert open_intents(record(1, "intent", principal)) == []
