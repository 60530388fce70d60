"""The journal against the log, as values: when an activity is explained, and when a write shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.audit.chain import Record
from reconciler.audit.reconcile import TOLERANCE, Activity, Asked, Compared, Log, reconcile
from reconciler.audit.writes import actors, writes

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOME = "https://acme.sentinelone.net"
ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
NEW = {"kind": "user", "name": "new@acme.example", "id": ""}
GRANT = {"action": "grant", "scope_id": "101", "role": "SOC"}
AFTER = {"level": "site", "grants": [{"scope_id": "101", "role_id": "3"}]}
ASKED = Asked(HOME, frozenset({"reconciler"}), NOW + timedelta(hours=1))
GAIN = Activity("1", 37, NOW.isoformat(), "reconciler", "10", "Ana", "101", "SOC", "gave")


def journal(
    result: str | None = "applied",
    principal: Any = ANA,
    operation: str = "update",
    created: str = "",
    origin: str = HOME,
    after: Any = AFTER,
) -> tuple[Record, ...]:
    told = [
        ("run-started", {"origin": origin, "actor": "service:reconciler"}),
        (
            "intent",
            {"operation": operation, "principal": principal, "changes": [GRANT], "after": after},
        ),
        ("outcome", {"principal": principal, "result": result, "created_id": created}),
    ][: 3 if result else 2]
    return tuple(
        Record(number, NOW.isoformat(), "run", kind, data, f"sha256:{number}")
        for number, (kind, data) in enumerate(told, start=1)
    )


def compared(records: Any, *activities: Activity, **asked: Any) -> Compared:
    return reconcile(records, Log(activities, None), replace(ASKED, **asked))


def test_an_activity_of_a_write_is_explained_and_shows_it() -> None:
    found = compared(journal(), GAIN)

    assert (found.explained, found.ghosts, found.missing) == (1, (), ())


@pytest.mark.parametrize(
    ("change", "is_ghost"),
    [
        ({}, False),
        ({"time": (NOW + TOLERANCE).isoformat()}, False),
        ({"time": (NOW - TOLERANCE).isoformat()}, False),
        ({"time": (NOW + TOLERANCE + timedelta(seconds=1)).isoformat()}, True),
        ({"time": (NOW - TOLERANCE - timedelta(seconds=1)).isoformat()}, True),
        ({"time": "yesterday"}, True),
        ({"time": "2026-11-23T09:00:00"}, True),
        ({"target": "11"}, True),
        ({"target": ""}, True),
        ({"type": 24}, False),
        ({"type": 25}, True),
        ({"type": 108}, True),
        ({"role": "Admin"}, True),
        ({"role": ""}, False),
        ({"scope_id": "102"}, True),
        ({"type": 142}, True),
        ({"type": 142, "scope_id": "102"}, False),
    ],
)
def test_what_does_not_fit_the_write_is_a_ghost(change: Any, is_ghost: bool) -> None:
    found = compared(journal(), replace(GAIN, **change))

    assert bool(found.ghosts) is is_ghost
    assert bool(found.missing) is is_ghost


@pytest.mark.parametrize("result", ["conflict", "not attempted"])
def test_what_wrote_nothing_explains_nothing(result: str) -> None:
    assert compared(journal(result), GAIN).ghosts == (GAIN,)


@pytest.mark.parametrize("result", [None, "unknown", "failed"])
def test_what_may_have_been_written_explains_and_needs_nothing(result: str | None) -> None:
    assert compared(journal(result), GAIN).explained == 1
    assert compared(journal(result)).missing == ()


def test_what_a_later_run_finds_applied_must_show() -> None:
    later = (NOW + timedelta(minutes=30)).isoformat()
    data = {"principal": ANA, "intent": 2, "result": "applied"}
    records = (*journal(None), Record(3, later, "next", "resolved", data, "sha256:3"))

    assert [write.sequence for write in compared(records).missing] == [2]
    assert compared(records, GAIN).missing == ()


def test_an_invitation_is_known_by_the_id_that_the_answer_told() -> None:
    invited = replace(GAIN, type=23, target="77")
    records = journal(principal=NEW, operation="invite", created="77")

    assert compared(records, invited).explained == 1
    assert compared(records, replace(invited, target="78")).ghosts


def test_an_invitation_without_an_answer_explains_somebody_unknown() -> None:
    records = journal("unknown", principal=NEW, operation="invite")

    assert compared(records, replace(GAIN, type=23, target="77")).explained == 1


def test_a_deletion_is_known() -> None:
    records = journal(operation="delete", after=None)

    assert compared(records, replace(GAIN, type=25, scope_id="", role="")).missing == ()


def test_an_operation_of_a_later_version_explains_what_it_did_to_its_principal() -> None:
    records = journal(operation="rotate")

    assert compared(records, replace(GAIN, type=112)).explained == 1


def test_the_journal_of_another_console_explains_nothing() -> None:
    found = compared(journal(origin="https://other.sentinelone.net"), GAIN)

    assert (found.ghosts, found.missing) == ((GAIN,), ())


def test_others_are_told_where_the_journal_names_their_target() -> None:
    by_ada = replace(GAIN, actor="Ada")

    found = compared(journal(), GAIN, by_ada, replace(by_ada, target="12"))

    assert (found.others, found.elsewhere) == ((by_ada,), 1)


def test_young_and_old_writes_are_not_blamed() -> None:
    assert compared(journal(), now=NOW + timedelta(minutes=4)).recent == 1
    begun = reconcile(journal(), Log((), NOW + timedelta(minutes=6)), ASKED)
    assert (begun.untold, begun.missing) == (1, ())


def test_only_what_is_asked_about_is_judged() -> None:
    since = NOW + timedelta(minutes=10)

    found = compared(journal(), replace(GAIN, target="11"), since=since)

    assert (found.ghosts, found.missing) == ((), ())


def test_a_foreign_record_is_read_without_an_error() -> None:
    odd: list[tuple[str, Any]] = [
        ("intent", {}),
        ("intent", {"principal": ANA, "changes": [1], "after": 3}),
        ("intent", {"principal": ANA, "changes": 1, "after": {"grants": [1]}}),
        ("outcome", {"principal": 4}),
        ("resolved", {"intent": "x"}),
        ("run-started", {}),
    ]
    records = [Record(n, NOW.isoformat(), "r", k, d, "sha256:0") for n, (k, d) in enumerate(odd)]

    assert [write.id for write in writes(records)] == ["10", "10"]
    assert writes([replace(records[1], time="soon")]) == ()
    assert actors(records, HOME) == frozenset()
