"""What policy tests say about policies: without a console, and with the names of one."""

from datetime import datetime, timedelta

import pytest
from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    NOW,
    SOC,
    VIEWER,
    assign,
    gone,
    grant,
    newcomer,
    service,
    user,
    world,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.access import Level
from reconciler.domain.expectation import (
    Every,
    Everybody,
    Expected,
    Filter,
    Given,
    Nobody,
    PolicyTest,
    Who,
)
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Assignment, Policy, RoleName, ScopeName
from reconciler.domain.state import Actual
from reconciler.errors import Place, PolicyError
from reconciler.planning.expectations import judge

HERE = Place("policies/tests.yaml", 4, 9)
HOUR = timedelta(hours=1)
CONSOLE = world(
    user("1", "ana@acme.example", grant(SOC, BERLIN)),
    user("2", "bo@acme.example", grant(ADMIN)),
    service("3", "siem", grant(VIEWER, BERLIN)),
)


def who(text: str, *members: str) -> Who:
    group = text.startswith("group:")
    return Who(text, HERE, frozenset(map(PrincipalName.parse, members)) if group else None)


def at(text: str) -> ScopeName:
    level = Level.SITE if "/" in text or text.startswith("id:") else Level.ACCOUNT
    return ScopeName(level, text, HERE) if text else ScopeName(Level.TENANT, "", HERE)


def access(
    *principals: str,
    roles: tuple[str, ...] = (),
    on: tuple[str, ...] = (),
    standing: bool | None = None,
    longer: timedelta | None = None,
) -> Filter:
    return Filter(
        tuple(map(who, principals)),
        tuple(RoleName(role, HERE) for role in roles),
        tuple(map(at, on)),
        standing,
        longer,
    )


def every(
    *scopes: str, role: str = "Admin", least: int | None = None, most: int | None = None
) -> Every:
    return Every(tuple(map(at, scopes)), RoleName(role, HERE), least, most)


def given_that(label: str, *held: tuple[str, str], when: datetime | None = None) -> Given:
    return Given(
        who(label), when, tuple(Expected(RoleName(role, HERE), at(scope)) for role, scope in held)
    )


def told(
    rule: Nobody | Everybody | Every | Given,
    *assignments: Assignment,
    actual: Actual | None = None,
    now: datetime = NOW,
) -> list[str]:
    """What is wrong, in words."""
    policy = Policy(
        assignments=assignments,
        users=(newcomer("lena@acme.example"),),
        former=(gone("eve@x.example"),),
    )
    (verdict,) = judge([PolicyTest("t", HERE, rule)], policy, actual, now)
    return [failure.message for failure in verdict.failures]


TENANT_ADMIN = assign("bo@acme.example", "Admin")
BERLIN_SOC = assign(["ana@acme.example"], "SOC", "EMEA/Berlin", line=7)


def test_a_failure_stands_at_the_assignment_that_breaks_the_test() -> None:
    rule = Nobody(access("ana@*", on=("EMEA/Berlin",)))
    (verdict,) = judge([PolicyTest("t", HERE, rule)], Policy(assignments=(BERLIN_SOC,)), None, NOW)
    (failure,) = verdict.failures
    assert failure.message == "ana@acme.example has SOC on EMEA/Berlin"
    assert failure.places == (Place("policies/a.yaml", 7, 5),)


@pytest.mark.parametrize("scope", ["", "EMEA", "EMEA/Berlin", "EMEA/*"])
def test_access_counts_where_it_reaches(scope: str) -> None:
    berlin = assign("x@acme.example", "Viewer", "EMEA/Berlin")
    emea = assign("y@acme.example", "Viewer", account="EMEA")
    rule = Nobody(access("bo@*", on=(scope,)))
    assert told(rule, TENANT_ADMIN, berlin, emea) == ["bo@acme.example has Admin on the tenant"]
    wide = Nobody(access("y@*", on=(scope,)))
    assert bool(told(wide, TENANT_ADMIN, berlin, emea)) == (scope != "")
    narrow = Nobody(access("x@*", on=(scope,)))
    assert bool(told(narrow, TENANT_ADMIN, berlin, emea)) == ("/" in scope)


def test_every_part_of_a_filter_narrows_it() -> None:
    policy = (TENANT_ADMIN, BERLIN_SOC)
    assert told(Nobody(access("*@acme.example", roles=("SOC",), on=("EMEA/B*",))), *policy)
    assert not told(Nobody(access("bo@acme.example", roles=("SOC",))), *policy)
    assert not told(Nobody(access("ana@acme.example", on=("",))), *policy)


def test_a_group_means_its_members_however_they_are_assigned() -> None:
    rule = Nobody(Filter(principals=(who("group:soc", "ANA@acme.example"),)))
    assert told(rule, BERLIN_SOC)
    assert not told(rule, TENANT_ADMIN)


def test_standing_and_long_windows_are_told_apart() -> None:
    short = assign("ana@acme.example", "Admin", start=NOW, end=NOW + HOUR)
    both = assign("ana@acme.example", "Admin", start=NOW + HOUR, end=NOW + 2 * HOUR)
    endless = assign("ana@acme.example", "Admin", start=NOW)
    assert not told(Nobody(access(longer=HOUR)), short)
    assert told(Nobody(access(longer=HOUR)), short, both), "windows that meet are one"
    assert told(Nobody(access(longer=HOUR)), endless)
    assert told(Nobody(access(longer=HOUR)), TENANT_ADMIN)
    assert told(Nobody(access(standing=True)), TENANT_ADMIN)
    assert not told(Nobody(access(standing=False)), TENANT_ADMIN)
    assert told(Nobody(access(standing=False)), short) == [
        (
            "ana@acme.example has Admin on the tenant from 2026-11-22T09:00:00Z "
            "until 2026-11-22T10:00:00Z"
        )
    ]


def test_a_window_to_come_counts_and_one_that_closed_does_not() -> None:
    coming = assign("ana@acme.example", "Admin", start=NOW + HOUR, end=NOW + 2 * HOUR)
    rule = Nobody(access("ana@acme.example"))
    assert told(rule, coming)
    assert not told(rule, coming, now=NOW + 2 * HOUR)


def test_everybody_in_a_filter_has_only_the_other() -> None:
    only_bo = Everybody(access(roles=("Admin",), on=("",)), access("bo@acme.example"))
    assert not told(only_bo, TENANT_ADMIN)
    assert told(only_bo, TENANT_ADMIN, assign("ana@acme.example", "Admin")) == [
        "ana@acme.example has Admin on the tenant"
    ]
    in_emea = Everybody(access("ana@*"), access(on=("EMEA",)))
    assert not told(in_emea, BERLIN_SOC, TENANT_ADMIN)
    assert told(in_emea, BERLIN_SOC, assign("ana@acme.example", "SOC", "US/Austin"))
    assert told(in_emea, BERLIN_SOC, assign("ana@acme.example", "SOC"))


def test_containment_is_not_reach() -> None:
    only_berlin = Everybody(access("bo@*"), access(on=("EMEA/Berlin",)))
    assert told(only_berlin, TENANT_ADMIN, BERLIN_SOC)


def test_a_pattern_may_reach_any_site_it_matches() -> None:
    branches = assign("ana@acme.example", "SOC", "EMEA/Branch-*")
    also = assign("bo@acme.example", "SOC", "EMEA/Branch-1", "EMEA/Berlin")
    assert told(Nobody(access("ana@*", on=("EMEA/Branch-1",))), branches, also)
    (doubtful,) = told(Nobody(access("ana@*", on=("EMEA/*1",))), branches, also)
    assert "for all that can be told" in doubtful
    assert not told(Nobody(access("ana@*", on=("EMEA/Ber*",))), branches, also)
    assert not told(Everybody(access("ana@*"), access(on=("EMEA/B*",))), branches)
    assert told(Everybody(access("ana@*"), access(on=("EMEA/Branch-1",))), branches)


def test_an_id_may_be_anything_of_its_kind_without_a_console() -> None:
    by_id = assign("service:id:3", "id:1", "id:101")
    named = assign("service:siem", "Admin", "EMEA/Berlin")
    rule = Nobody(access("service:siem", roles=("Admin",), on=("EMEA/Berlin",)))
    assert len(told(rule, by_id, named)) == 2
    lines = told(rule, by_id, assign("x@acme.example", "Admin", "EMEA/Berlin"), actual=CONSOLE)
    assert lines == ["service:siem has tenant/Admin on EMEA/Berlin"]
    other = assign("service:id:3", "id:2", "id:201")
    assert not told(rule, other, actual=CONSOLE)


def test_an_owner_tells_roles_of_one_name_apart() -> None:
    triage = assign("ana@acme.example", "EMEA/Triage", "EMEA/Berlin")
    plain = assign("bo@acme.example", "Triage", "EMEA/Berlin")
    assert len(told(Nobody(access(roles=("Triage",))), triage, plain)) == 2
    assert len(told(Nobody(access(roles=("EMEA/Triage",))), triage, plain)) == 2
    assert told(Nobody(access(roles=("US/Triage",))), triage, plain) == [
        (
            "bo@acme.example has Triage on EMEA/Berlin (for all that can be told without "
            "--snapshot FILE)"
        )
    ]


def test_a_role_of_the_tenant_is_the_same_with_its_owner_and_without() -> None:
    plain = assign("ana@acme.example", "SOC", "EMEA/Berlin")
    owned = assign("bo@acme.example", "tenant/SOC", "EMEA/Berlin")
    for written in ("SOC", "tenant/SOC"):
        assert not told(every("EMEA/Berlin", role=written, least=2), plain, owned)
        lines = told(Nobody(access(roles=(written,))), plain, owned)
        assert [line.partition(" (")[2] for line in lines] == ["", ""], "no doubt"


def test_what_is_nowhere_is_told_without_offering_a_snapshot_that_was_given() -> None:
    for rule in (Nobody(access(roles=("Sock",))), every("EMEA/X*", least=1)):
        assert "--snapshot" in told(rule, TENANT_ADMIN)[0]
        assert "--snapshot" not in told(rule, TENANT_ADMIN, actual=CONSOLE)[0]


def test_every_scope_has_its_holders_from_above_too() -> None:
    policy = (TENANT_ADMIN, assign("ana@acme.example", "Admin", "EMEA/Berlin", "EMEA/Lyon"))
    assert not told(every("EMEA/*", least=2), *policy)
    third = every("EMEA/Berlin", "EMEA/L*", least=3)
    assert [line.split(" has ")[0] for line in told(third, *policy)] == ["EMEA/Berlin", "EMEA/Lyon"]
    assert told(every("", least=2), *policy)
    assert not told(every("", least=1), *policy)


def test_service_users_and_windows_are_no_standing_admins() -> None:
    robot = assign("service:siem", "Admin")
    late = assign("ana@acme.example", "Admin", end=NOW + HOUR)
    assert told(every("", least=2), TENANT_ADMIN, robot, late)


def test_whom_a_window_lowers_for_a_while_does_not_count() -> None:
    lowered = assign("bo@acme.example", "Viewer", start=NOW + HOUR, end=NOW + 2 * HOUR)
    assert told(every("", least=1), TENANT_ADMIN, lowered)
    assert not told(every("", least=1), TENANT_ADMIN, lowered, now=NOW + 2 * HOUR)


def test_at_most_counts_everybody_who_ever_may() -> None:
    robot = assign("service:siem", "Admin")
    late = assign("ana@acme.example", "Admin", start=NOW + HOUR)
    (line,) = told(every("", most=2), TENANT_ADMIN, robot, late)
    assert line.startswith("the tenant has 3 who have or may get Admin, not at most 2")
    assert not told(every("", most=3), TENANT_ADMIN, robot, late)


def test_with_a_console_every_active_site_is_meant() -> None:
    policy = (TENANT_ADMIN, BERLIN_SOC)
    lines = told(every("EMEA/*", role="SOC", least=1), *policy, actual=CONSOLE)
    assert [line.split(" has ")[0] for line in lines] == [
        "EMEA/Branch-1",
        "EMEA/Branch-2",
        "EMEA/Lyon",
    ]


def test_given_somebody_at_a_time_the_role_there_is_as_expected() -> None:
    window = assign("ana@acme.example", "Admin", "EMEA/Berlin", start=NOW, end=NOW + HOUR)
    policy = (BERLIN_SOC, window)
    assert not told(given_that("ana@acme.example", ("Admin", "EMEA/Berlin")), *policy)
    later = given_that("ana@acme.example", ("SOC", "EMEA/Berlin"), when=NOW + HOUR)
    assert not told(later, *policy)
    wrong = given_that("ana@acme.example", ("Admin", "EMEA/Berlin"), when=NOW + HOUR)
    assert told(wrong, *policy) == [
        (
            "ana@acme.example does not have Admin on EMEA/Berlin at 2026-11-22T10:00:00Z, but "
            "ana@acme.example has SOC on EMEA/Berlin"
        )
    ]


def test_nothing_is_expected_of_leavers() -> None:
    assert not told(given_that("eve@x.example"), BERLIN_SOC)
    assert told(given_that("ana@acme.example"), BERLIN_SOC)
    (line,) = told(given_that("lena@acme.example", ("SOC", "EMEA/Berlin")), BERLIN_SOC)
    assert line.endswith("but nothing at all")


@pytest.mark.parametrize(
    "rule",
    [
        Nobody(access("*@contracter.example")),
        Nobody(access("service:seim")),
        Nobody(access(roles=("Amdin",))),
        Nobody(access(on=("EMEA/Berln",))),
        Nobody(access(on=("EMAE",))),
        Nobody(access(on=("EMAE/*",))),
        Nobody(Filter(principals=(who("group:empty"),))),
        Everybody(access("ana@*"), access(roles=("Amdin",))),
        every("EMAE/*", least=1),
        every("EMEA/Berlin", role="Amdin", least=1),
        given_that("anna@acme.example"),
        given_that("ana@acme.example", ("Amdin", "EMEA/Berlin")),
        given_that("ana@acme.example", ("SOC", "EMEA/Berln")),
    ],
)
@pytest.mark.parametrize("actual", [None, CONSOLE])
def test_a_test_about_what_is_nowhere_fails(
    rule: Nobody | Everybody | Every | Given, actual: Actual | None
) -> None:
    (line, *_) = told(rule, TENANT_ADMIN, BERLIN_SOC, actual=actual)
    assert "there is no" in line or "no policy names" in line or "no members" in line


def test_what_only_the_console_has_is_known_with_a_snapshot() -> None:
    rule = Nobody(access(roles=("Triage",), on=("US/Austin",)))
    assert told(rule, BERLIN_SOC)
    assert not told(rule, BERLIN_SOC, actual=CONSOLE)


def test_policies_that_do_not_fit_the_console_are_no_verdict() -> None:
    with pytest.raises(PolicyError, match="1 problem"):
        told(
            Nobody(access(on=("",))),
            assign("ana@acme.example", "SOC", "EMEA/Nowhere"),
            actual=CONSOLE,
        )


# Laws on random policies.

LABELS = ("ana@acme.example", "bo@acme.example", "cy@other.example")
PLACES = ("EMEA/Berlin", "EMEA/Lyon", "EMEA/B*", "US/Austin")


@st.composite
def policies(draw: st.DrawFn) -> tuple[Assignment, ...]:
    found = [assign(list(LABELS), "Viewer", "EMEA/Berlin", "US/Austin", end=NOW)]
    for number in range(draw(st.integers(0, 4))):
        name, role = draw(st.sampled_from(LABELS)), draw(st.sampled_from(("Admin", "SOC")))
        place = draw(st.sampled_from(("", "EMEA", *PLACES)))
        account = place if place == "EMEA" else None
        sites = (place,) if "/" in place else ()
        found.append(assign(name, role, *sites, account=account, line=number + 10))
    return tuple(found)


FILTERS = st.builds(
    access,
    st.sampled_from(("*@acme.example", "*@*", "cy@other.example")),
    on=st.sampled_from(((), ("",), ("EMEA",), ("EMEA/*",), ("EMEA/Berlin",))),
)


def holds(rule: Nobody | Every, policy: tuple[Assignment, ...]) -> bool:
    lines = told(rule, *policy)
    return not any("has" in line for line in lines if "there is no" not in line)


@given(policies(), FILTERS, st.data())
def test_nobody_keeps_holding_when_grants_are_removed(
    policy: tuple[Assignment, ...], unwanted: Filter, data: st.DataObject
) -> None:
    fewer = tuple(entry for entry in policy[1:] if data.draw(st.booleans()))
    if holds(Nobody(unwanted), policy):
        assert holds(Nobody(unwanted), (policy[0], *fewer))


@given(policies(), st.integers(1, 3), st.sampled_from(PLACES))
def test_at_least_keeps_holding_when_people_are_added(
    policy: tuple[Assignment, ...], count: int, place: str
) -> None:
    rule = every(place, least=count)
    more = assign("new@acme.example", "Admin", account="EMEA")
    if not told(rule, *policy):
        assert not told(rule, *policy, more)
        assert not told(every(place, least=max(1, count - 1)), *policy)


@given(policies(), FILTERS)
def test_what_holds_by_name_holds_on_the_console(
    policy: tuple[Assignment, ...], unwanted: Filter
) -> None:
    """Without a console nothing passes that a console would show to be wrong."""
    by_name = told(Nobody(unwanted), *policy)
    if not by_name:
        assert not told(Nobody(unwanted), *policy, actual=world())


def test_the_austin_of_the_laws_is_real() -> None:
    assert AUSTIN.scope.name in PLACES
