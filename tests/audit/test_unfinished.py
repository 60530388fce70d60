"""What a run that died may have done is known to the next one, until something answers it."""

from dataclasses import replace
from typing import Any

import pytest
from builders import ADMIN, BERLIN, LYON, OWN, SOC, VIEWER, grant, user, world

from reconciler.audit.chain import Record
from reconciler.audit.unfinished import Unfinished, resolve, unfinished
from reconciler.domain.access import Level
from reconciler.domain.state import Actual

ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
SIEM = {"kind": "service", "name": "service:siem"}
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
    records = record(1, "intent"), record(2, "outcome", result="unknown")

    assert open_intents(*records, record(3, "resolved", intent=1)) == []
    assert open_intents(*records, record(3, "resolved", intent=2)) == [(1, "ana@acme.example")]


def test_an_outcome_of_somebody_else_finishes_nothing() -> None:
    records = record(1, "intent"), record(2, "outcome", BO, result="applied")

    assert open_intents(*records) == [(1, "ana@acme.example")]


def test_a_later_intent_takes_the_place_of_an_earlier_one() -> None:
    assert open_intents(record(1, "intent"), record(5, "intent")) == [(5, "ana@acme.example")]


def test_a_resolution_of_an_earlier_intent_leaves_the_later_one_open() -> None:
    records = record(1, "intent"), record(5, "intent"), record(6, "resolved", intent=1)

    assert open_intents(*records) == [(5, "ana@acme.example")]


@pytest.mark.parametrize("number", [None, "1", [1], {}, 1.5])
def test_a_resolution_of_a_foreign_form_finishes_nothing(number: Any) -> None:
    records = record(1, "intent"), record(2, "resolved", intent=number)

    assert open_intents(*records) == [(1, "ana@acme.example")]


def test_a_resolution_looks_at_its_own_intent_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    some = 60
    intents = [record(n, "intent", {**ANA, "id": str(n)}) for n in range(1, some + 1)]
    answers = [
        record(some + n, "resolved", {**ANA, "id": str(n)}, intent=n) for n in range(1, some + 1)
    ]
    real = Unfinished.__getattribute__

    def counting(one: Unfinished, name: str) -> Any:
        asked.append(name)
        return real(one, name)

    monkeypatch.setattr(Unfinished, "__getattribute__", counting)

    assert unfinished([*intents, *answers]) == ()
    assert len(asked) <= some


@pytest.mark.parametrize("principal", [None, "ana", [], {}, {"name": None}])
def test_a_record_of_a_foreign_form_is_left_out(principal: Any) -> None:
    assert open_intents(record(1, "intent", principal)) == []


HELD = {"level": "site", "grants": [{"scope_id": "101", "role_id": "3"}]}
MORE = {"level": "site", "grants": [*HELD["grants"], {"scope_id": "102", "role_id": "3"}]}
TENANT_WIDE = {"level": "tenant", "grants": [{"scope_id": "", "role_id": "2"}]}
NARROW = replace(OWN, level=Level.ACCOUNT, scope_ids=("100",))


def resolved(actual: Actual, before: Any, after: Any, **principal: str) -> str | None:
    intent = record(1, "intent", ANA | principal, before=before, after=after)
    found = resolve(unfinished([intent])[0], actual)
    return found.result if found else None


@pytest.mark.parametrize(
    ("grants", "result"),
    [
        ([grant(SOC, BERLIN), grant(SOC, LYON)], "applied"),
        ([grant(SOC, BERLIN)], "not applied"),
        ([grant(SOC, LYON)], "changed since"),
        ([grant(ADMIN, BERLIN), grant(SOC, LYON)], "changed since"),
    ],
)
def test_what_the_console_shows_tells_how_an_update_ended(grants: Any, result: str) -> None:
    ana = user("10", "renamed@acme.example", *grants)

    assert resolved(world(ana), HELD, MORE) == result


def test_a_grant_on_the_tenant_is_recognised() -> None:
    ana = user("10", "ana@acme.example", grant(VIEWER))

    assert resolved(world(ana), HELD, TENANT_WIDE) == "applied"


def test_somebody_who_is_gone_was_deleted_as_intended() -> None:
    assert resolved(world(), HELD, None) == "applied"
    assert resolved(world(), HELD, MORE) == "changed since"


def test_somebody_invited_is_found_by_address() -> None:
    invited = user("77", "Ana@acme.example", grant(SOC, BERLIN))

    assert resolved(world(invited), None, HELD, id="") == "applied"
    assert resolved(world(), None, HELD, id="") == "not applied"


def test_a_token_that_may_not_see_everybody_does_not_tell_who_is_gone() -> None:
    assert resolved(world(identity=NARROW), HELD, None) is None


@pytest.mark.parametrize("holding", ["x", {}, {"level": 1, "grants": [1]}])
def test_a_holding_of_a_foreign_form_is_nobodys(holding: Any) -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN))

    assert resolved(world(ana), holding, holding) == "changed since"


def test_two_service_users_of_one_name_are_two() -> None:
    one, two = SIEM | {"id": "1"}, SIEM | {"id": "2"}
    records = record(1, "intent", one), record(2, "intent", two)

    assert open_intents(*records, record(3, "outcome", two, result="applied")) == [
        (1, "service:siem")
    ]


def test_what_was_intended_on_another_console_is_not_this_one_s() -> None:
    elsewhere = Record(1, "", "run", "run-started", {"origin": "https://staging.example"}, "")
    records = elsewhere, record(2, "intent")

    assert unfinished(records, "https://acme.example") == ()
    assert len(unfinished(records, "https://staging.example")) == 1
    assert len(unfinished(records)) == 1


def test_the_outcome_of_another_console_finishes_nothing() -> None:
    acme, staging = "https://acme.example", "https://staging.example"
    records = [
        Record(1, "", "a", "run-started", {"origin": acme}, ""),
        Record(2, "", "a", "intent", {"principal": ANA}, ""),
        Record(3, "", "a", "outcome", {"principal": ANA, "result": "unknown"}, ""),
        Record(4, "", "b", "run-started", {"origin": staging}, ""),
        Record(5, "", "b", "intent", {"principal": ANA}, ""),
        Record(6, "", "b", "outcome", {"principal": ANA, "result": "applied"}, ""),
    ]

    assert [each.sequence for each in unfinished(records, acme)] == [2]
    assert unfinished(records, staging) == ()
    assert [each.sequence for each in unfinished(records)] == [2]


LEAVING = {"before": HELD, "after": None, "revokes_token": True}
ALONE = {"operation": "revoke token", "before": HELD, "after": HELD, "revokes_token": True}


@pytest.mark.parametrize(
    ("intended", "made", "result", "told"),
    [
        (LEAVING, None, "not applied", "what was there before, and no API token"),
        (LEAVING, "2026", "not applied", "and an API token that was to be revoked"),
        (LEAVING | {"revokes_token": False}, "2026", "not applied", "what was there before"),
        (ALONE, None, "applied", "shows no API token"),
        (ALONE, "2026", "not applied", "the API token is still there"),
    ],
)
def test_what_became_of_a_token_is_told_apart_from_the_access(
    intended: Any, made: str | None, result: str, told: str
) -> None:
    ana = replace(user("10", "ana@acme.example", grant(SOC, BERLIN)), token_created=made)
    found = resolve(unfinished([record(1, "intent", **intended)])[0], world(ana))

    assert found is not None
    assert found.result == result
    assert found.detail.endswith(told)


def test_who_is_gone_has_no_token() -> None:
    found = resolve(unfinished([record(1, "intent", **ALONE)])[0], world())

    assert found is not None
    assert found.result == "applied"
