"""What of a saved plan is left when the world has moved on, and why the rest is left out."""

from dataclasses import replace

import pytest
from builders import (
    ADMIN,
    BERLIN,
    EMEA,
    LYON,
    NOW,
    RELAXED,
    SOC,
    VIEWER,
    assign,
    grant,
    service,
    user,
    world,
)

from reconciler.domain.access import Grant
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Operation, OperationKind, Options
from reconciler.domain.policy import Policy
from reconciler.domain.saved import SavedOperation
from reconciler.domain.state import Actual, Principal
from reconciler.domain.wanted import Wanted
from reconciler.planning.compare import precondition
from reconciler.planning.intersection import (
    ALREADY_SO,
    ANOTHER,
    CHANGED,
    NAMESAKE,
    NOT_ASKED,
    OVER,
    LeftOut,
    left_out,
)
from reconciler.planning.make import make_plan

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
BO = user("11", "bo@acme.example", grant(SOC, BERLIN))
NEW = PrincipalName.user("new@acme.example")


def holding(*grants: Grant) -> Holding:
    return Holding(grants[0].scope.level, grants)


VIEWING = holding(grant(VIEWER, BERLIN))


def saved(before: Principal, after: Holding | None = VIEWING) -> SavedOperation:
    return SavedOperation(before.name, before.id, after, precondition(before))


def inviting(name: PrincipalName = NEW, after: Holding = VIEWING) -> SavedOperation:
    return SavedOperation(name, None, after, precondition(None))


def again(operation: SavedOperation) -> Operation:
    """The same operation, computed now."""
    return Operation(
        kind=OperationKind.UPDATE,
        name=operation.name,
        principal_id=operation.principal_id,
        full_name="",
        before=None,
        after=operation.after,
        changes=(),
        precondition=operation.precondition,
    )


def why(operation: SavedOperation, actual: Actual) -> str:
    """Why an operation is left out that today's plan has no more."""
    (found,) = left_out([operation], [], [], (), actual)
    assert found.name == operation.name
    return found.why


def test_what_is_still_planned_and_still_due_is_left_in() -> None:
    both = [saved(ANA), saved(BO)]
    now = [again(one) for one in both]

    assert left_out(both, now, now, (), world(ANA, BO)) == ()


def test_what_is_shown_differently_is_left_out_and_nothing_else() -> None:
    both = [saved(ANA), saved(BO)]
    now = [again(one) for one in both]

    assert left_out(both, now, now, {BO.name}, world(ANA, BO)) == (LeftOut(BO.name, ANOTHER),)


def test_what_is_not_due_any_more_is_over() -> None:
    both = [saved(ANA), saved(BO)]
    now = [again(one) for one in both]

    assert left_out(both, now, now[1:], (), world(ANA, BO)) == (LeftOut(ANA.name, OVER),)


def test_what_is_not_planned_any_more_was_asked_for_by_the_policies() -> None:
    assert why(saved(ANA), world(ANA, BO)) == NOT_ASKED
    assert why(inviting(), world(ANA)) == NOT_ASKED


def test_what_somebody_did_already_is_done() -> None:
    viewing = replace(ANA, grants=VIEWING.grants)
    gone = saved(ANA, None)

    assert why(saved(ANA), world(BO, viewing)) == ALREADY_SO
    assert why(gone, world(BO)) == ALREADY_SO
    assert why(inviting(), world(user("12", "New@acme.example", *VIEWING.grants))) == ALREADY_SO


@pytest.mark.parametrize(
    "now",
    [
        (grant(ADMIN, BERLIN),),
        (grant(VIEWER, LYON),),
        (grant(VIEWER, BERLIN), grant(VIEWER, LYON)),
        (),
    ],
)
def test_what_somebody_changed_otherwise_is_a_change(now: tuple[Grant, ...]) -> None:
    changed = replace(ANA, grants=now)

    assert why(saved(ANA), world(changed)) == CHANGED
    assert why(saved(ANA, None), world(changed)) == CHANGED


def test_the_same_grants_at_another_level_are_a_change() -> None:
    assert why(saved(ANA), world(replace(ANA, grants=VIEWING.grants, level=EMEA.scope.level))) == (
        CHANGED
    )


def test_whoever_is_gone_is_changed_unless_that_was_planned() -> None:
    assert why(saved(ANA), world(BO)) == CHANGED


def test_what_is_done_but_planned_once_more_is_a_change() -> None:
    viewing = replace(ANA, grants=VIEWING.grants)

    (found,) = left_out([saved(ANA)], [again(saved(viewing))], [], {ANA.name}, world(viewing))

    assert found.why == CHANGED


def test_a_principal_is_known_by_kind_and_id_and_somebody_new_by_name_alone() -> None:
    robot = service("10", "robot", grant(SOC, BERLIN))
    twin = replace(BO, name=ANA.name)

    # A service user with the id of a user is somebody else.
    assert why(saved(ANA), world(robot)) == CHANGED
    # Whoever bears the name now is not who was planned for.
    assert why(saved(ANA, None), world(twin)) == ALREADY_SO
    # Somebody who is invited has no id, and nobody else's counts.
    assert why(inviting(), world(ANA, BO)) == NOT_ASKED


def test_namesakes_stay_or_go_together() -> None:
    one, two = (
        service("50", "export", grant(SOC, BERLIN)),
        service("51", "export", grant(SOC, LYON)),
    )
    planned = [saved(one), saved(BO), saved(two)]
    now = [again(operation) for operation in planned]

    assert left_out(planned, now[:2], now[:2], (), world(one, two, BO)) == (
        LeftOut(two.name, NOT_ASKED),
        LeftOut(one.name, NAMESAKE),
    )


def test_only_what_the_console_has_already_is_done() -> None:
    assert LeftOut(NEW, ALREADY_SO).is_done
    assert not any(LeftOut(NEW, why).is_done for why in (CHANGED, OVER, NOT_ASKED, ANOTHER))


def test_a_plan_may_be_made_for_some_only() -> None:
    asked = assign(["ana@acme.example", "bo@acme.example"], "Viewer", "EMEA/Berlin")
    wanted = Wanted(Policy(assignments=(asked,)), RELAXED, Options())

    made = make_plan(wanted, world(ANA, BO), NOW, only=frozenset({BO.name}))
    none = make_plan(wanted, world(ANA, BO), NOW, only=frozenset())

    assert [operation.name for operation in made.operations] == [BO.name]
    assert none.is_empty
