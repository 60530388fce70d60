"""Policy tests that count people: whom they count, and where they point."""

from builders import NOW, assign

from reconciler.domain.access import Level
from reconciler.domain.expectation import Every, PolicyTest
from reconciler.domain.policy import Assignment, Policy, RoleName, ScopeName
from reconciler.errors import Place
from reconciler.planning.expectations import Failure, judge

HERE = Place("policies/tests.yaml", 4, 9)
ADMINS = assign(["bo@acme.example", "al@acme.example"], "Admin", "EMEA/Berlin", line=9)
OTHERS = assign(["cy@acme.example", "di@acme.example"], "SOC", "EMEA/Berlin", line=3)
ELSEWHERE = assign("ed@acme.example", "Admin", "EMEA/Lyon", line=5)


def failures(
    *assignments: Assignment, least: int | None = None, most: int | None = None
) -> tuple[Failure, ...]:
    """What is wrong with the admins of EMEA/Berlin."""
    berlin = ScopeName(Level.SITE, "EMEA/Berlin", HERE)
    rule = Every((berlin,), RoleName("Admin", HERE), least, most)
    policy = Policy(assignments=assignments)
    (verdict,) = judge([PolicyTest("t", HERE, rule)], policy, None, NOW)
    return tuple(verdict.failures)


def test_at_most_counts_one_role_on_one_scope() -> None:
    assert failures(ADMINS, OTHERS, ELSEWHERE, most=2) == ()


def test_at_most_names_everybody_in_order_and_points_at_their_assignments() -> None:
    again = assign("al@acme.example", "Admin", "EMEA/Berlin", line=2)

    (failure,) = failures(ADMINS, OTHERS, again, most=1)

    assert failure.message == (
        "EMEA/Berlin has 2 who have or may get Admin, not at most 1: "
        "al@acme.example, bo@acme.example"
    )
    assert [place.line for place in failure.places] == [2, 9]


def test_at_least_points_at_those_who_are_there_and_at_the_test_when_nobody_is() -> None:
    (few,) = failures(ADMINS, OTHERS, least=3)
    (none,) = failures(OTHERS, ELSEWHERE, least=1)

    assert [place.line for place in few.places] == [9]
    assert none.places == (HERE,)
