"""How much earlier runs took away, read from the journal they left."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import BERLIN, LYON, SOC, assign, gone, grant, plan, user, world

from reconciler.audit import events
from reconciler.audit.chain import Record
from reconciler.audit.history import (
    applied_policies,
    judged_ends,
    past_revokes,
    read_history,
)
from reconciler.audit.journal import Journal
from reconciler.domain.ends import End
from reconciler.domain.names import PrincipalName
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation
from reconciler.errors import JournalError

HERE, THERE = "https://acme.sentinelone.net", "https://other.sentinelone.net"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def leaving() -> Operation:
    """Ana loses two scopes."""
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    return plan(world(ana), former=(gone("ana@acme.example"),)).operations[0]


class Runs:
    """Writes runs into a journal, as apply does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0

    def run(self, *results: Result | None, origin: str | None = HERE) -> str:
        """One operation for each result; without a result, the run died after the intent."""
        self.count += 1
        run_id = f"{self.count:016x}"
        with Journal(self.path, now=lambda: AT.replace(hour=self.count), run_id=run_id) as journal:
            if origin is not None:
                journal.append("run-started", {"origin": origin})
            for result in results:
                journal.append("intent", events.intent(leaving()))
                if result is not None:
                    outcome = events.outcome(Outcome(leaving(), result))
                    journal.append("outcome", outcome)
        return run_id

    def hours(self, origin: str | None = HERE) -> list[int]:
        return [instant.hour for instant in past_revokes(read_history(self.path), origin)]


@pytest.fixture
def runs(path: Path) -> Runs:
    return Runs(path)


@pytest.mark.parametrize(
    ("result", "counts"),
    [
        (Result.APPLIED, True),
        (Result.UNKNOWN, True),
        (None, True),
        (Result.FAILED, False),
        (Result.CONFLICT, False),
        (Result.NOT_ATTEMPTED, False),
    ],
)
def test_what_happened_or_may_have_happened_counts(
    runs: Runs, result: Result | None, counts: bool
) -> None:
    runs.run(result)

    assert runs.hours() == ([1, 1] if counts else [])


def test_every_run_counts_at_its_own_time(runs: Runs) -> None:
    runs.run(Result.APPLIED)
    runs.run(Result.FAILED, Result.APPLIED)
    runs.run(None)

    assert runs.hours() == [1, 1, 2, 2, 3, 3]


def test_an_outcome_answers_the_intent_of_its_own_run(runs: Runs) -> None:
    runs.run(None)
    runs.run(Result.FAILED)

    assert runs.hours() == [1, 1]


def test_another_console_has_a_budget_of_its_own(runs: Runs) -> None:
    runs.run(Result.APPLIED, origin=THERE)
    runs.run(Result.APPLIED, origin=HERE)
    runs.run(Result.APPLIED, origin=None)

    assert runs.hours(HERE) == [2, 2, 3, 3]
    assert runs.hours(THERE) == [1, 1, 3, 3]
    assert runs.hours(None) == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("result", "counts"), [("applied", True), ("changed since", True), ("not applied", False)]
)
def test_what_a_later_reading_shows_not_to_have_happened_is_taken_back(
    runs: Runs, path: Path, result: str, counts: bool
) -> None:
    runs.run(None)
    with Journal(path, now=lambda: AT, run_id="f" * 16) as journal:
        principal = events.intent(leaving())["principal"]
        resolved = {"principal": principal, "intent": 2, "result": result, "detail": ""}
        journal.append("resolved", resolved)

    assert runs.hours() == ([1, 1] if counts else [])


def test_a_torn_last_line_is_passed_over_and_the_file_left_alone(runs: Runs, path: Path) -> None:
    runs.run(Result.APPLIED)
    with path.open("ab") as file:
        file.write(b'{"data":{"oper')
    content = path.read_bytes()

    assert runs.hours() == [1, 1]
    assert path.read_bytes() == content


def test_a_plan_reads_while_an_apply_holds_the_journal(runs: Runs, path: Path) -> None:
    runs.run(Result.APPLIED)
    with Journal(path, now=lambda: AT, run_id="f" * 16):
        assert runs.hours() == [1, 1]


def test_where_there_is_no_journal_nothing_was_taken(path: Path) -> None:
    assert read_history(path) == ()


def test_a_journal_that_was_changed_is_an_error(runs: Runs, path: Path) -> None:
    runs.run(Result.APPLIED)
    path.write_bytes(path.read_bytes().replace(b'"taken":2', b'"taken":0'))

    with pytest.raises(JournalError) as caught:
        read_history(path)
    assert caught.value.message.startswith(f"The journal {path} is broken at record 3: it ")
    assert "--journal" in caught.value.remedy


@pytest.mark.usefixtures("impatient")
def test_a_file_that_is_none_is_an_error_and_nobody_waits(path: Path) -> None:
    os.mkfifo(path)

    with pytest.raises(JournalError) as caught:
        read_history(path)
    assert caught.value.message == f"The journal {path} cannot be read: it is not a regular file."


def test_a_folder_on_the_way_that_is_a_file_is_an_error(path: Path) -> None:
    path.write_text("")

    with pytest.raises(JournalError) as caught:
        read_history(path / "journal.jsonl")
    assert caught.value.message.endswith("cannot be read: Not a directory.")


WHO: dict[str, Any] = {"kind": "user", "name": "ana", "id": "10"}


def record(kind: str, data: dict[str, Any], time: str = "2026-11-22T09:00:00Z") -> Record:
    return Record(7, time, "0" * 16, kind, data, "sha256:" + "0" * 64)


@pytest.mark.parametrize(
    "odd",
    [
        record("run-started", {}),
        record("intent", {"principal": WHO}),
        record("intent", {"principal": WHO, "taken": -1}),
        record("intent", {"principal": WHO, "taken": True}),
        record("intent", {"principal": WHO, "taken": 10**7}),
        record("intent", {"principal": WHO, "taken": 1}, time="now"),
        record("intent", {"principal": WHO, "taken": 1}, time="2026-11-22T09:00:00"),
        record("intent", {"principal": None, "taken": 1}),
        record("intent", {"principal": {"name": "ana"}, "taken": 1}),
        record("intent", {"principal": WHO | {"id": []}, "taken": 1}),
        record("outcome", {"principal": WHO}),
        record("resolved", {}),
    ],
)
def test_a_record_of_another_form_is_an_error_and_never_nothing(odd: Record) -> None:
    with pytest.raises(JournalError) as caught:
        past_revokes([odd], HERE)

    assert caught.value.message.startswith(f"Record 7 of the journal ({odd.kind}) has a form")


def test_service_users_of_one_name_have_outcomes_of_their_own() -> None:
    one, two = ({"kind": "service", "name": "service:siem", "id": n} for n in "12")
    told: list[tuple[str, dict[str, Any]]] = [
        ("run-started", {"origin": HERE}),
        ("intent", {"principal": one, "taken": 1}),
        ("intent", {"principal": two, "taken": 4}),
        ("outcome", {"principal": one, "result": "failed"}),
        ("outcome", {"principal": two, "result": "applied"}),
    ]
    records = [replace(record(*each), sequence=n) for n, each in enumerate(told, start=1)]

    assert len(past_revokes(records, HERE)) == 4


def test_records_that_do_not_say_count_every_scope_that_is_lost() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    lowered = plan(world(ana), assign("ana@acme.example", "Viewer", "EMEA/Lyon")).operations[0]
    earlier = [events.intent(each) for each in (leaving(), lowered)]
    for data in earlier:
        del data["taken"]

    assert [len(past_revokes([record("intent", data)], HERE)) for data in earlier] == [2, 1]


ANA = PrincipalName.user("ana@acme.example")


def ending(until: datetime | None, name: PrincipalName = ANA) -> End:
    return End.of(name, "10", grant(SOC, BERLIN), until)


def started(*ends: End, taken: int = 0, origin: str = HERE) -> dict[str, Any]:
    told = replace(plan(world()), origin=origin, ends=ends, taken=taken)
    return {"origin": origin, **events.ends(told)}


def told(*data: dict[str, Any]) -> tuple[Record, ...]:
    return tuple(
        Record(n, "2026-11-22T09:00:00Z", f"{n:016x}", "run-started", each, "")
        for n, each in enumerate(data, start=1)
    )


def test_the_last_end_judged_for_a_triple_counts() -> None:
    robot = PrincipalName.service("siem: export")
    records = told(
        started(ending(AT), ending(AT, robot)), started(), started(ending(None), origin=HERE)
    )

    assert judged_ends(records, HERE) == frozenset({ending(None), ending(AT, robot)})


def test_ends_are_those_of_this_console() -> None:
    records = told(started(ending(AT)), started(ending(None), origin=THERE))

    assert judged_ends(records, HERE) == frozenset({ending(AT)})
    assert judged_ends(records, THERE) == judged_ends(records, None) == frozenset({ending(None)})


def test_runs_that_judged_no_ends_do_not_begin_the_record() -> None:
    assert judged_ends(told({"origin": HERE}), HERE) is None
    assert judged_ends(told({"origin": HERE}, started()), HERE) == frozenset()
    assert judged_ends(told(started(origin=THERE)), HERE) is None


def test_giving_a_held_grant_an_end_counts_for_the_budget_once_for_each_scope() -> None:
    records = told(started(taken=2), started(taken=3, origin=THERE), started())

    assert past_revokes(records, HERE) == (AT, AT)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("until", "2026-11-22T09:00:00"),
        ("until", None),
        ("role_id", 7),
        ("scope_level", "galaxy"),
        ("principal", {"kind": "service", "name": "ana@acme.example", "id": ""}),
        ("principal", "ana@acme.example"),
    ],
)
def test_an_end_of_another_form_is_an_error(key: str, value: object) -> None:
    data = started(ending(AT))
    data["ends"][0][key] = value

    with pytest.raises(JournalError, match="what may end rests on it"):
        judged_ends(told(data), HERE)


@pytest.mark.parametrize("taken", [-1, True, "2", 10**9])
def test_a_number_of_another_form_is_an_error(taken: object) -> None:
    with pytest.raises(JournalError, match="the rolling budget rests on it"):
        past_revokes(told(started() | {"taken": taken}), HERE)


def test_a_policy_counts_as_applied_when_a_whole_run_did_it() -> None:
    def run(number: int, digest: str, origin: str, of: Any, **results: int) -> list[Record]:
        begun = {"origin": origin, "policy_digest": digest, "operations": of}
        return [
            Record(number, "", f"r{number}", "run-started", begun, ""),
            Record(number + 1, "", f"r{number}", "run-finished", {"results": results}, ""),
        ]

    records = [
        *run(1, "whole", HERE, 3, applied=3),
        *run(3, "partly", HERE, 2, applied=1, failed=1),
        *run(5, "elsewhere", THERE, 1, applied=1),
        *run(7, "stopped before the first", HERE, 3),
        *run(9, "stopped after the first", HERE, 3, applied=1),
        *run(11, "nothing to do", HERE, 0),
        *run(13, "does not say", HERE, None),
        Record(15, "", "r15", "run-started", {"origin": HERE, "policy_digest": "died"}, ""),
        Record(16, "", "r16", "run-finished", {"results": {}}, ""),
    ]

    assert applied_policies(records, HERE) == frozenset({"whole", "nothing to do"})
    assert applied_policies(records, None) == frozenset({"whole", "nothing to do", "elsewhere"})
    assert applied_policies([], HERE) is None
    assert applied_policies(records[4:6], HERE) is None
