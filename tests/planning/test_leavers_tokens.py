"""Whose access ends loses the API token: decided by what is left, whatever was held before."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    LYON,
    NOW,
    OWN,
    RELAXED,
    SOC,
    TRIAGE,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    newcomer,
    parked,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.access import Grant
from reconciler.domain.guardrails import Guardrails, Park
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.plan import Operation, OperationKind, Plan
from reconciler.domain.saved import SavedOperation
from reconciler.domain.state import Identity, Principal
from reconciler.errors import PolicyError
from reconciler.planning.intersection import ALREADY_SO, CHANGED, NOT_ASKED, left_out
from reconciler.planning.order import execution_order

EVE = "eve@acme.example"
MADE = "2026-11-01T08:00:00.000000Z"
PARKING = replace(RELAXED, nothing_left=parked())


def eve(*grants: Grant, made: str | None = MADE, ends: str | None = None) -> Principal:
    return replace(user("10", EVE, *grants), token_created=made, token_expires=ends)


def leaving(*people: Principal, guardrails: Guardrails = PARKING, no_revokes: bool = False) -> Plan:
    former = (gone(EVE),)
    return plan(world(*people), former=former, guardrails=guardrails, no_revokes=no_revokes)


def only(made: Plan) -> Operation:
    (operation,) = made.operations
    return operation


@pytest.mark.parametrize(
    "held",
    [
        (grant(SOC, BERLIN),),
        (grant(SOC, LYON),),
        (grant(VIEWER, LYON), grant(SOC, BERLIN)),
        (grant(ADMIN),),
        (grant(SOC, BERLIN), grant(SOC, WARSAW)),
    ],
)
@pytest.mark.parametrize("made", [MADE, None])
def test_who_is_parked_or_deleted_loses_a_token_whether_or_not_it_is_seen(
    held: tuple[Grant, ...], made: str | None
) -> None:
    for guardrails in (PARKING, RELAXED):
        operation = only(leaving(eve(*held, made=made), guardrails=guardrails))
        assert operation.revokes_token
        assert operation.changes


def test_who_is_parked_already_and_has_a_token_loses_that_alone() -> None:
    operation = only(leaving(eve(grant(VIEWER, LYON))))

    assert operation.kind is OperationKind.REVOKE_TOKEN
    assert operation.revokes_token
    assert operation.before == operation.after
    assert operation.changes == ()


@pytest.mark.parametrize(
    ("made", "ends", "is_left"),
    [
        (None, None, False),
        (MADE, None, True),
        (MADE, "2026-11-22T09:00:01Z", True),
        (MADE, "2026-11-22T09:00:00Z", False),
        (MADE, "2026-11-01T08:00:01Z", False),
        (MADE, "2026-11-01T08:00:01", True),
        (MADE, "some day", True),
    ],
)
def test_a_token_counts_until_it_is_over(made: str | None, ends: str | None, is_left: bool) -> None:
    assert bool(leaving(eve(grant(VIEWER, LYON), made=made, ends=ends)).operations) is is_left


def test_nothing_but_a_place_that_is_gone_and_a_token_is_still_a_token() -> None:
    assert only(leaving(eve(grant(SOC, WARSAW)))).kind is OperationKind.REVOKE_TOKEN


def test_who_has_something_left_keeps_the_token() -> None:
    one = eve(grant(SOC, BERLIN), grant(VIEWER, LYON))

    made = plan(world(one), assign(EVE, "Viewer", "EMEA/Lyon"), guardrails=PARKING)
    held = plan(world(eve(grant(VIEWER, LYON))), assign(EVE, "Viewer", "EMEA/Lyon"))

    assert not only(made).revokes_token
    assert held.is_empty


def test_an_invitation_revokes_no_token() -> None:
    made = plan(world(), assign(EVE, "SOC", "EMEA/Berlin"), users=(newcomer(EVE),))
    assert not only(made).revokes_token


def test_between_two_windows_the_token_is_gone_too() -> None:
    later = NOW + timedelta(days=1)
    asked = assign(EVE, "SOC", "EMEA/Berlin", start=later, end=later + timedelta(hours=1))

    made = plan(world(eve(grant(VIEWER, LYON))), asked, guardrails=PARKING)

    assert only(made).kind is OperationKind.REVOKE_TOKEN


def test_without_revokes_no_token_goes() -> None:
    for held in ((grant(VIEWER, LYON),), (grant(SOC, BERLIN),)):
        assert leaving(eve(*held), no_revokes=True).is_empty


def test_a_service_users_token_stays_and_the_plan_says_so() -> None:
    for held in (grant(SOC, BERLIN), grant(VIEWER, LYON)):
        one = replace(service("50", "siem", held), token_created=MADE)
        made = plan(world(one), former=(gone("service:siem"),), guardrails=PARKING)

        told = [note for each in made.operations for note in each.notes]
        told += [each.message for each in made.warnings]
        assert any("its API token stays valid" in each for each in told)
        assert not any(each.revokes_token for each in made.operations)


def test_our_own_token_is_never_revoked() -> None:
    own = Identity("10", EVE, "Eve", OWN.level, ())
    actual = replace(world(eve(grant(VIEWER, LYON))), identity=own)

    assert "own_identity" in rules(plan(actual, former=(gone(EVE),), guardrails=PARKING))


def test_a_token_counts_for_no_limit_on_scopes() -> None:
    strict = replace(PARKING, max_revokes=0, max_revoke_fraction=0.0)
    assert rules(leaving(eve(grant(VIEWER, LYON)), guardrails=strict)) == []


def test_a_token_alone_goes_with_the_revokes() -> None:
    left = only(leaving(eve(grant(VIEWER, LYON))))
    made = plan(
        world(user("11", "bo@acme.example", grant(SOC, BERLIN)), user("12", "a@acme.example")),
        assign("bo@acme.example", "Viewer", "EMEA/Berlin"),
        assign("a@acme.example", "Viewer", "EMEA/Berlin"),
    )

    ordered = execution_order([left, *made.operations], OWN)

    assert [each.name.text for each in ordered] == ["a@acme.example", "bo@acme.example", EVE]


@pytest.mark.parametrize(("text", "role"), [("id:1", ADMIN), ("EMEA/Triage", TRIAGE)])
def test_nobody_is_parked_with_a_role_that_gives_access(text: str, role: object) -> None:
    pages = (RolePermissions(TRIAGE.id, (Permission("Users", "Users.edit", "Edit"),)),)
    park = Park(text, "EMEA/Lyon", parked().place)
    actual = replace(world(eve(grant(SOC, BERLIN))), permissions=pages)

    with pytest.raises(PolicyError) as caught:
        plan(actual, former=(gone(EVE),), guardrails=replace(RELAXED, nothing_left=park))

    (problem,) = caught.value.problems
    assert problem.code == "parked-with-access"
    assert problem.place == park.place
    assert str(getattr(role, "name", "")) in problem.message


def saved(one: Principal) -> SavedOperation:
    operation = only(leaving(one))
    name = PrincipalName.user(EVE)
    return SavedOperation(name, "10", operation.after, operation.precondition, revokes_token=True)


def test_a_saved_revocation_is_done_when_the_token_is_gone() -> None:
    operation = saved(eve(grant(VIEWER, LYON)))

    def why(now: Principal) -> str:
        (found,) = left_out([operation], [], [], (), world(now))
        return found.why

    assert why(eve(grant(VIEWER, LYON), made=None)) == ALREADY_SO
    assert why(eve(grant(VIEWER, LYON))) == NOT_ASKED
    assert why(eve(grant(SOC, LYON), made=None)) == CHANGED
