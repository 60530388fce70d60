"""The journal against the log, as values: when an activity is explained, and when a write shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.audit.chain import Record
from reconciler.audit.reconcile import (
    TOLERANCE,
    Activity,
    Asked,
    Compared,
    Log,
    nameless,
    reconcile,
)
from reconciler.audit.writes import Write, actors, writes

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOME = "https://acme.sentinelone.net"
ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
NEW = {"kind": "user", "name": "new@acme.example", "id": ""}
GRANT = {"action": "grant", "scope_id": "101", "role": "SOC", "role_id": "3"}
KEPT = {"scope_id": "103", "role_id": "2"}
BEFORE = {"level": "site", "grants": [KEPT, {"scope_id": "102", "role_id": "3"}]}
AFTER = {"level": "site", "grants": [KEPT, {"scope_id": "101", "role_id": "3"}]}
ASKED = Asked(HOME, frozenset({"reconciler"}), NOW + timedelta(hours=1))
GAIN = Activity("1", 37, NOW.isoformat(), "reconciler", "10", "Ana", "101", "SOC", "gave")


def journal(
    result: str | None = "applied",
    principal: Any = ANA,
    operation: str = "update",
    created: str = "",
    origin: str = HOME,
    after: Any = AFTER,
    **more: Any,
) -> tuple[Record, ...]:
    told = [
        ("run-started", {"origin": origin, "actor": "service:reconciler"}),
        (
            "intent",
            {
                "operation": operation,
                "principal": principal,
                "changes": [GRANT],
                "before": BEFORE,
                "after": after,
                **more,
            },
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
        ({"scope_id": "103", "role": "Viewer"}, False),
        ({"scope_id": "103", "role": "Admin"}, True),
        ({"scope_id": "103", "role": ""}, True),
        ({"type": 110}, True),
        ({"type": 112}, True),
        ({"type": 113}, True),
        ({"type": 142}, True),
        ({"type": 142, "scope_id": "102"}, False),
        ({"type": 142, "scope_id": "103"}, True),
        ({"type": 142, "scope_id": "104"}, True),
    ],
)
def test_what_does_not_fit_the_write_is_a_ghost(change: Any, is_ghost: bool) -> None:
    log = Log((replace(GAIN, **change),), None, roles={"2": "Viewer"})

    found = reconcile(journal(), log, ASKED)

    assert bool(found.ghosts) is is_ghost
    assert bool(found.missing) is is_ghost


@pytest.mark.parametrize("result", ["conflict", "failed", "not attempted"])
def test_what_wrote_nothing_explains_nothing(result: str) -> None:
    assert compared(journal(result), GAIN).ghosts == (GAIN,)


@pytest.mark.parametrize("result", [None, "unknown", "changed since"])
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


@pytest.mark.parametrize(("target", "is_ghost"), [("77", False), ("78", True)])
def test_an_invitation_without_an_answer_explains_who_has_the_address_now(
    target: str, is_ghost: bool
) -> None:
    records = journal("unknown", principal=NEW, operation="invite", before=None)
    invited = replace(GAIN, type=23, target=target)
    log = Log((invited, replace(invited, type=37)), None, {NEW["name"]: frozenset({"77"})})

    assert bool(reconcile(records, log, ASKED).ghosts) is is_ghost


def test_an_invitation_without_an_answer_explains_nobody_when_nobody_has_the_address() -> None:
    records = journal("unknown", principal=NEW, operation="invite", before=None)

    assert compared(records, replace(GAIN, type=23, target="77")).ghosts


def test_an_invitation_without_an_answer_explains_whom_a_later_write_names() -> None:
    records = journal("unknown", principal=NEW, operation="invite", before=None)
    gone = {"operation": "delete", "principal": NEW | {"id": "77"}}
    later = Record(4, (NOW + timedelta(hours=1)).isoformat(), "run", "intent", gone, "sha256:4")

    assert compared((*records, later), replace(GAIN, type=23, target="77")).explained == 1


@pytest.mark.parametrize(
    ("result", "created", "expected"),
    [
        ("unknown", "", {NEW["name"]}),
        (None, "", {NEW["name"]}),
        ("failed", "", set()),
        ("applied", "77", set()),
    ],
)
def test_whose_id_nobody_told_is_known(result: Any, created: str, expected: set[str]) -> None:
    records = journal(result, principal=NEW, operation="invite", created=created)

    assert nameless(records, HOME) == expected
    assert nameless(records, "https://other.sentinelone.net") == frozenset()


def test_what_failed_and_yet_made_somebody_explains_it() -> None:
    records = journal("failed", principal=NEW, operation="create", created="77")

    assert compared(records, replace(GAIN, type=140, target="77")).explained == 1


def test_a_deletion_is_known() -> None:
    records = journal(operation="delete", after=None)

    assert compared(records, replace(GAIN, type=25, scope_id="", role="")).missing == ()


def test_an_operation_of_a_later_version_explains_what_it_did_to_its_principal() -> None:
    assert compared(journal(operation="rename"), replace(GAIN, type=1023)).explained == 1


@pytest.mark.parametrize(
    ("operation", "type_", "is_ghost"),
    [
        ("rotate", 112, False),
        ("rotate", 113, False),
        ("rotate", 37, True),
        ("create", 112, False),
        ("delete", 114, False),
        ("revoke token", 113, False),
        ("revoke token", 112, True),
        ("update", 113, True),
    ],
)
def test_a_token_that_nobody_meant_to_make_or_end_is_a_ghost(
    operation: str, type_: int, is_ghost: bool
) -> None:
    token = replace(GAIN, type=type_, role="Viewer", scope_id="103")

    assert bool(compared(journal(operation=operation), token).ghosts) is is_ghost


def test_a_token_that_goes_first_is_explained_by_the_update() -> None:
    revoked = replace(GAIN, type=113)
    step = Record(4, NOW.isoformat(), "run", "token-revocation", {"principal": ANA}, "sha256:4")

    assert compared(journal(revokes_token=True), revoked).explained == 1
    assert compared((*journal(), step), revoked).explained == 1


@pytest.mark.parametrize("result", ["failed", "not attempted", "unknown", None])
@pytest.mark.parametrize(
    ("step", "is_ghost"), [("applied", False), ("unknown", False), ("failed", True), ([], True)]
)
def test_a_token_that_went_first_is_explained_whatever_became_of_the_rest(
    result: str | None, step: Any, is_ghost: bool
) -> None:
    start, intent, *outcome = journal(result, revokes_token=True)
    data = {"principal": ANA, "result": step}
    taken = Record(3, NOW.isoformat(), "run", "token-revocation", data, "sha256:t")
    records = start, intent, taken, *(replace(one, sequence=4) for one in outcome)
    is_surely_not = result in {"failed", "not attempted"}

    for type_ in (113, 114):
        found = compared(records, replace(GAIN, type=type_))
        assert bool(found.ghosts) is (is_ghost and is_surely_not)
    assert bool(compared(records, GAIN).ghosts) is is_surely_not


def test_what_may_have_been_somebody_elses_work_need_not_show() -> None:
    """A later run finds it done; whose work it was, its own outcome cannot tell."""
    records = journal("unknown", principal=NEW, operation="invite")
    found = {"principal": NEW, "intent": 2, "result": "applied"}
    later = Record(4, NOW.isoformat(), "next", "resolved", found, "sha256:4")
    again = Record(5, NOW.isoformat(), "next", "resolved", found, "sha256:5")

    assert compared((*records, later)).missing == ()
    assert compared((*records, later, again)).missing == ()


def test_writes_that_do_not_show_are_not_compared_with_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compare, asked, some = Write.__eq__, [0], 60

    def counting(one: Write, two: object) -> bool:
        asked[0] += 1
        return compare(one, two)

    monkeypatch.setattr(Write, "__eq__", counting)
    records = [journal()[0]]
    for number in range(some):
        for one in journal(principal={**ANA, "id": str(number)})[1:]:
            records.append(replace(one, sequence=len(records) + 1))

    assert compared(records, now=NOW + timedelta(minutes=4)).recent == some
    assert len(compared(records).missing) == some
    assert asked[0] <= some


def test_what_names_nobody_and_fits_a_write_is_not_by_others() -> None:
    by_the_console = replace(GAIN, type=114, actor="")

    found = compared(journal(operation="delete"), by_the_console)

    assert (found.others, found.elsewhere, found.ghosts) == ((), 0, ())
    assert compared(journal(), by_the_console).others == (by_the_console,)


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


def test_service_users_of_one_name_are_told_apart() -> None:
    one, two = ({"kind": "service", "name": "service:siem", "id": n} for n in "12")
    told: list[tuple[str, Any]] = [
        ("run-started", {"origin": HOME}),
        ("intent", {"operation": "update", "principal": one}),
        ("intent", {"operation": "update", "principal": two}),
        ("outcome", {"principal": one, "result": "applied"}),
        ("outcome", {"principal": two, "result": "failed"}),
    ]
    records = [
        Record(n, NOW.isoformat(), "run", kind, data, "") for n, (kind, data) in enumerate(told, 1)
    ]

    assert [(write.id, write.result) for write in writes(records)] == [
        ("1", "applied"),
        ("2", "failed"),
    ]
