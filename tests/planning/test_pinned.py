"""Plans against pins: what was agreed on one console, and what that console has become."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from builders import (
    ADMIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LYON,
    NOW,
    OWN,
    ROLES,
    SITES,
    SOC,
    TRIAGE,
    US,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    lines,
    newcomer,
    parked,
    pinned,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.access import Level, Role
from reconciler.domain.guardrails import Guardrails, NothingLeft, PrivilegedRule
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Plan, Reason
from reconciler.domain.policy import Assignment
from reconciler.domain.state import Account, Actual, Site
from reconciler.errors import Place, PolicyError, Problem

ANA = user("10", "ana@acme.example", grant(VIEWER, BERLIN))
SIEM = service("55", "siem", grant(VIEWER, BERLIN))
WANTED = assign("ana@acme.example", "SOC", "EMEA/Berlin", line=4)
CHANGED = ["+ ana@acme.example SOC on EMEA/Berlin", "- ana@acme.example Viewer on EMEA/Berlin"]
VIEW_USERS = Permission("Users", "Users.view", "View")
EDIT_USERS = Permission("Users", "Users.edit", "Edit")


def problems(actual: Actual, *assignments: Assignment, **more: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        plan(actual, *assignments, **more)
    return list(caught.value.problems)


def warned(made: Plan, code: str) -> list[str]:
    return [warning.message for warning in made.warnings if warning.code == code]


def renamed(site: Site, name: str) -> tuple[Site, ...]:
    """The sites, one of them under another name."""
    return tuple(replace(each, name=name) if each == site else each for each in SITES)


def permitting(actual: Actual, **granted: Iterable[Permission]) -> Actual:
    """The console, with what some roles permit."""
    ids = {role.name: role.id for role in actual.roles}
    known = (RolePermissions(ids[name], tuple(some)) for name, some in granted.items())
    return replace(actual, permissions=tuple(known))


def reasons(made: Plan) -> list[tuple[str, str, Reason]]:
    return [
        (change.action.value, change.grant.scope.name, change.reason)
        for operation in made.operations
        for change in operation.changes
    ]


# Nothing moved


def test_pins_of_the_console_as_it_is_change_nothing() -> None:
    actual = permitting(world(ANA, SIEM), SOC=[VIEW_USERS], Triage=[EDIT_USERS])
    asked = (WANTED, assign("service:siem", "EMEA/Triage", "EMEA/B*", line=5))

    with_pins = plan(actual, *asked, pins=pinned(actual, *asked))

    assert with_pins == plan(actual, *asked)
    assert set(CHANGED) < set(lines(with_pins))


# Principals


def test_an_address_that_belongs_to_somebody_else_is_granted_nothing() -> None:
    pins = pinned(world(ANA), WANTED)

    (problem,) = problems(world(replace(ANA, id="77")), WANTED, pins=pins)

    assert problem.code == "identity-changed"
    assert problem.place == WANTED.members[0].place
    assert "has the id 77" in problem.message
    assert "pinned 10 (pins.yaml)" in problem.message
    assert "`reconciler pin`" in problem.remedy
    assert '`users:` write ana@acme.example: {id: "77"}' in problem.remedy


def test_an_address_given_away_says_what_its_owner_is_called_now() -> None:
    before = replace(ANA, name=user("10", "ana.ruiz@acme.example").name)
    after = world(before, replace(ANA, id="77"))

    (problem,) = problems(after, WANTED, pins=pinned(world(ANA), WANTED))

    assert "that one is ana.ruiz@acme.example now" in problem.message


def test_a_new_identity_is_agreed_to_by_its_id_under_users() -> None:
    entry = newcomer("ana@acme.example", None, pinned="77")

    made = plan(
        world(replace(ANA, id="77")), WANTED, users=(entry,), pins=pinned(world(ANA), WANTED)
    )

    assert lines(made) == CHANGED


def test_an_id_under_users_that_is_wrong_is_told_once() -> None:
    entry = newcomer("ana@acme.example", None, pinned="10")

    found = problems(
        world(replace(ANA, id="77")), WANTED, users=(entry,), pins=pinned(world(ANA), WANTED)
    )

    assert [problem.place for problem in found] == [entry.place]


def test_a_new_identity_is_agreed_to_by_pinning_again() -> None:
    after = world(replace(ANA, id="77"))

    assert lines(plan(after, WANTED, pins=pinned(after, WANTED))) == CHANGED


def test_whoever_was_renamed_is_neither_invited_anew_nor_forgotten() -> None:
    after = world(replace(ANA, name=user("10", "ana.ruiz@acme.example").name))
    entry = newcomer("ana@acme.example")

    (problem,) = problems(after, WANTED, users=(entry,), pins=pinned(world(ANA), WANTED))

    assert problem.code == "identity-changed"
    assert 'is called "ana.ruiz@acme.example" on the console now' in problem.message
    assert "write ana.ruiz@acme.example in the policies" in problem.remedy


def test_a_leaver_who_was_renamed_does_not_keep_their_access_in_silence() -> None:
    after = world(replace(ANA, name=user("10", "ana.ruiz@acme.example").name))
    leaver = (gone("ana@acme.example"),)
    pins = pinned(world(ANA), former=leaver)

    (problem,) = problems(after, former=leaver, pins=pins)

    assert problem.code == "identity-changed"
    assert problem.place == leaver[0].place


def test_nothing_is_taken_from_whoever_got_the_address_of_a_leaver() -> None:
    leaver = (gone("ana@acme.example"),)

    (problem,) = problems(
        world(replace(ANA, id="77")), former=leaver, pins=pinned(world(ANA), former=leaver)
    )

    assert problem.code == "identity-changed"


def test_a_service_user_that_was_made_anew_is_agreed_to_by_id() -> None:
    asked = assign("service:siem", "SOC", "EMEA/Berlin")
    after = world(replace(SIEM, id="66"))
    pins = pinned(world(SIEM), asked)

    (problem,) = problems(after, asked, pins=pins)

    assert problem.code == "identity-changed"
    assert "write service:id:66" in problem.remedy
    by_id = assign("service:id:66", "SOC", "EMEA/Berlin")
    assert lines(plan(after, by_id, pins=pins))[0] == "+ service:siem SOC on EMEA/Berlin"


def test_a_pinned_principal_whom_nobody_manages_is_no_problem() -> None:
    bo = user("11", "bo@acme.example", grant(VIEWER, LYON))
    pins = pinned(world(ANA, bo), WANTED, assign("bo@acme.example", "SOC", "EMEA/Lyon"))

    made = plan(world(ANA, replace(bo, id="99")), WANTED, pins=pins)

    assert lines(made) == CHANGED


def test_whoever_is_gone_from_the_console_is_invited_with_a_warning() -> None:
    entry = newcomer("ana@acme.example")

    made = plan(world(), WANTED, users=(entry,), pins=pinned(world(ANA), WANTED))

    assert lines(made) == CHANGED[:1]
    (message,) = warned(made, "pinned-gone")
    assert "pinned to the id 10, is no longer on the console" in message


def test_a_leaver_who_is_gone_from_the_console_is_nothing_to_tell() -> None:
    leaver = (gone("ana@acme.example"),)

    made = plan(world(), former=leaver, pins=pinned(world(ANA), former=leaver))

    assert (made.is_empty, warned(made, "pinned-gone")) == (True, [])


def test_managed_principals_without_a_pin_are_counted_in_one_warning() -> None:
    crowd = [user(str(20 + n), f"u{n}@acme.example", grant(SOC, LYON)) for n in range(7)]
    asked = assign([one.name.label for one in crowd], "SOC", "EMEA/Lyon")

    made = plan(world(ANA, *crowd), WANTED, asked, pins=pinned(world(ANA), WANTED))

    (message,) = warned(made, "not-pinned")
    assert message.startswith("7 managed principals are not pinned: u0@acme.example, ")
    assert message.endswith("u4@acme.example and 2 more.")


def test_one_managed_principal_without_a_pin_is_named() -> None:
    bo = user("11", "bo@acme.example", grant(SOC, LYON))

    made = plan(
        world(ANA, bo),
        WANTED,
        assign("bo@acme.example", "SOC", "EMEA/Lyon"),
        pins=pinned(world(ANA), WANTED),
    )

    assert warned(made, "not-pinned") == ["1 managed principal is not pinned: bo@acme.example."]


def test_pins_of_another_console_stop_everything_before_it_is_planned() -> None:
    pins = replace(pinned(world(ANA), WANTED), origin="https://other.sentinelone.net")

    (problem,) = problems(world(ANA), assign("nobody@x.example", "No role", "X/Y"), pins=pins)

    assert problem.code == "other-console"
    assert "https://other.sentinelone.net" in problem.message
    assert "https://acme.sentinelone.net" in problem.message
    assert problem.place == Place("pins.yaml")


# Accounts and sites


def test_a_renamed_site_is_still_meant_by_its_old_name() -> None:
    after = world(ANA, sites=renamed(BERLIN, "Berlin-Mitte"))

    made = plan(after, WANTED, pins=pinned(world(ANA), WANTED))

    assert made.operations[0].changes[0].grant.scope.id == BERLIN.id
    (message,) = warned(made, "renamed")
    assert message.startswith('The site "EMEA/Berlin" is called "EMEA/Berlin-Mitte" now; by its ')


def test_an_old_name_in_a_window_that_has_closed_is_nothing_to_tell() -> None:
    held = user("10", "ana@acme.example", grant(SOC, LYON))
    over = assign("ana@acme.example", "Viewer", "EMEA/Berlin", end=NOW)
    asked = (over, assign("ana@acme.example", "SOC", "EMEA/Lyon"))
    pins = pinned(world(held), assign("ana@acme.example", "SOC", "EMEA/Berlin"), *asked)

    made = plan(world(held, sites=renamed(BERLIN, "Mitte")), *asked, pins=pins)

    assert (made.is_empty, warned(made, "renamed")) == (True, [])


def test_a_site_name_that_was_given_to_another_site_is_a_problem() -> None:
    new = Site("999", "Berlin", "100", "EMEA", "active")
    after = world(ANA, sites=(*renamed(BERLIN, "Old"), new))

    (problem,) = problems(after, WANTED, pins=pinned(world(ANA), WANTED))

    assert problem.code == "identity-changed"
    assert "has the id 999" in problem.message
    assert 'that one is called "EMEA/Old" now' in problem.message
    assert problem.remedy.endswith("id:101.")


def test_a_site_made_anew_under_the_name_of_a_deleted_one_is_a_problem() -> None:
    new = Site("999", "Berlin", "100", "EMEA", "active")
    after = tuple(replace(site, state="deleted") if site == BERLIN else site for site in SITES)

    (problem,) = problems(world(ANA, sites=(*after, new)), WANTED, pins=pinned(world(ANA), WANTED))

    assert problem.code == "identity-changed"


def test_a_pinned_site_that_was_deleted_is_as_unknown_as_any() -> None:
    after = tuple(replace(site, state="deleted") if site == BERLIN else site for site in SITES)
    pins = pinned(world(ANA), WANTED)

    assert [p.code for p in problems(world(ANA, sites=after), WANTED, pins=pins)] == [
        "deleted-site"
    ]


def test_two_sites_of_one_name_stay_ambiguous_whatever_is_pinned() -> None:
    twin = Site("999", "Berlin", "100", "EMEA", "active")

    (problem,) = problems(world(ANA, sites=(*SITES, twin)), WANTED, pins=pinned(world(ANA), WANTED))

    assert problem.code == "ambiguous-site"


def test_a_site_named_by_its_id_needs_no_pin() -> None:
    after = world(ANA, sites=renamed(BERLIN, "Berlin-Mitte"))
    by_id = assign("ana@acme.example", "SOC", "id:101")

    made = plan(after, by_id, pins=pinned(world(ANA), WANTED))

    assert len(lines(made)) == 2
    assert warned(made, "renamed") == []


def in_account(account: Account, name: str) -> tuple[Site, ...]:
    """The sites, those of one account under its new name."""
    return tuple(
        replace(site, account_name=name) if site.account_id == account.id else site
        for site in SITES
    )


def test_a_renamed_account_is_still_meant_by_its_old_name_in_sites_and_patterns_too() -> None:
    asked = (
        assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Branch-*", line=4),
        assign("cy@acme.example", "EMEA/Triage", account="EMEA", line=5),
    )
    before = world(ANA, user("12", "cy@acme.example", grant(TRIAGE, EMEA)))
    after = replace(
        before, accounts=(replace(EMEA, name="Europe"), US), sites=in_account(EMEA, "Europe")
    )

    made = plan(after, *asked, pins=pinned(before, *asked))

    assert {change.grant.scope.id for change in made.operations[0].grants} == {
        BERLIN.id,
        BRANCH1.id,
        BRANCH2.id,
    }
    assert [op.name.text for op in made.operations] == ["ana@acme.example"]
    assert sorted(warned(made, "renamed")) == [
        'The account "EMEA" is called "Europe" now; by its pinned id it is still meant.',
        'The account "EMEA" is called "Europe" now; by its pinned id it is still meant.',
        'The role "EMEA/Triage" is called "Europe/Triage" now; by its pinned id it is still meant.',
        'The site "EMEA/Berlin" is called "Europe/Berlin" now; by its pinned id it is still meant.',
    ]


@pytest.mark.parametrize(
    "asked",
    [
        assign("ana@acme.example", "Viewer", account="EMEA"),
        assign("ana@acme.example", "Viewer", "EMEA/B*"),
        assign("ana@acme.example", "Viewer", "EMEA/Bonn"),
    ],
)
def test_an_account_name_that_was_given_to_another_account_is_a_problem(
    asked: Assignment,
) -> None:
    new = Account("300", "EMEA", "active")
    bonn = Site("301", "Bonn", "300", "EMEA", "active")
    after = replace(
        world(ANA, sites=(*in_account(EMEA, "Old"), bonn)),
        accounts=(replace(EMEA, name="Old"), US, new),
    )

    (problem,) = problems(after, asked, pins=pinned(world(ANA), WANTED))

    assert problem.code == "identity-changed"
    assert 'The account "EMEA" has the id 300' in problem.message


def test_the_site_where_people_are_parked_may_be_renamed_too() -> None:
    guardrails = Guardrails(nothing_left=parked(), max_revoke_fraction=1.0, min_admins=0)
    leaver = (gone("ana@acme.example"),)
    pins = pinned(world(ANA), assign("ana@acme.example", "Viewer", "EMEA/Lyon"))

    made = plan(
        world(ANA, sites=renamed(LYON, "Garage")), former=leaver, guardrails=guardrails, pins=pins
    )

    assert lines(made)[0] == "+ ana@acme.example Viewer on EMEA/Garage"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Branch-1", "Closed", [("revoke", "EMEA/Closed", Reason.SITE_RENAMED)]),
        ("Depot", "Branch-1", [("grant", "EMEA/Branch-1", Reason.SITE_RENAMED)]),
    ],
)
def test_a_pattern_that_finds_a_site_only_under_one_of_its_names_says_so(
    before: str, after: str, expected: list[Any]
) -> None:
    held = [grant(SOC, replace(BRANCH1, name=after))] if before == "Branch-1" else []
    ana = user("10", "ana@acme.example", grant(SOC, BRANCH2), *held)
    asked = assign("ana@acme.example", "SOC", "EMEA/Branch-*")
    named = assign("ana@acme.example", "SOC", f"EMEA/{before}")
    pins = pinned(world(ana, sites=renamed(BRANCH1, before)), asked, named)

    made = plan(world(ana, sites=renamed(BRANCH1, after)), asked, pins=pins)

    assert reasons(made) == expected


def test_a_window_that_opened_says_so_also_on_a_renamed_site() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BRANCH2))
    asked = (
        assign("ana@acme.example", "SOC", "EMEA/Branch-2"),
        assign("ana@acme.example", "SOC", "EMEA/Branch-*", start=NOW),
    )
    before = world(ana, sites=renamed(BRANCH1, "Depot"))
    pins = pinned(before, *asked, assign("ana@acme.example", "SOC", "EMEA/Depot"))

    assert reasons(plan(world(ana), *asked, pins=pins)) == [
        ("grant", "EMEA/Branch-1", Reason.WINDOW_OPENED)
    ]


def test_a_service_user_named_by_id_is_told_of_the_renamed_site_too() -> None:
    held = [grant(SOC, replace(BRANCH1, name="Closed")), grant(SOC, BRANCH2)]
    twins = [service("55", "siem", *held), service("56", "siem")]
    asked = assign("service:id:55", "SOC", "EMEA/Branch-*")

    made = plan(
        world(*twins, sites=renamed(BRANCH1, "Closed")), asked, pins=pinned(world(*twins), asked)
    )

    assert reasons(made) == [("revoke", "EMEA/Closed", Reason.SITE_RENAMED)]


def test_a_site_that_expired_was_not_renamed() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BRANCH1), grant(SOC, BRANCH2))
    asked = assign("ana@acme.example", "SOC", "EMEA/Branch-*")
    after = tuple(replace(site, state="expired") if site == BRANCH1 else site for site in SITES)

    made = plan(world(ana, sites=after), asked, pins=pinned(world(ana), asked))

    assert reasons(made) == [("revoke", "EMEA/Branch-1", Reason.POLICY)]


def test_a_site_that_is_new_appeared_and_was_not_renamed() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BRANCH1))
    asked = assign("ana@acme.example", "SOC", "EMEA/Branch-*")
    before = world(ana, sites=tuple(site for site in SITES if site != BRANCH2))

    made = plan(world(ana), asked, pins=pinned(before, asked))

    assert reasons(made) == [("grant", "EMEA/Branch-2", Reason.SITE_APPEARED)]


# Roles


def test_a_renamed_role_is_still_meant_by_its_old_name() -> None:
    after = world(ANA, roles=(ADMIN, VIEWER, replace(SOC, name="Analyst"), TRIAGE))

    made = plan(after, WANTED, pins=pinned(world(ANA), WANTED))

    assert made.operations[0].grants[0].grant.role.id == SOC.id
    assert warned(made, "renamed") == [
        'The role "SOC" is called "tenant/Analyst" now; by its pinned id it is still meant.'
    ]


@pytest.mark.parametrize(
    "after",
    [
        (replace(SOC, name="Old"), Role("33", "SOC")),
        (Role("33", "SOC"),),
        (replace(SOC, name="Old"), Role("33", "SOC", owner_level="account", owner_id="100")),
        (Role("33", "SOC", owner_level="account", owner_id="100"),),
    ],
    ids=["beside the old", "instead of it", "on the account", "on the account, instead"],
)
def test_a_role_name_that_was_given_to_another_role_is_a_problem(after: tuple[Role, ...]) -> None:
    pins = pinned(world(ANA), WANTED)

    (problem,) = problems(world(ANA, roles=(ADMIN, VIEWER, *after)), WANTED, pins=pins)

    assert problem.code == "identity-changed"
    assert 'The role "SOC" on EMEA/Berlin has the id 33' in problem.message
    assert problem.remedy.endswith("id:3.")


def test_a_role_name_that_several_bear_stays_ambiguous_whatever_is_pinned() -> None:
    twins = (replace(SOC, name="Old"), Role("33", "SOC"), Role("34", "SOC"))

    (problem,) = problems(
        world(ANA, roles=(ADMIN, VIEWER, *twins)), WANTED, pins=pinned(world(ANA), WANTED)
    )

    assert problem.code == "ambiguous-role"


def test_roles_that_changed_names_with_each_other_are_a_problem() -> None:
    after = (ADMIN, replace(VIEWER, name="SOC"), replace(SOC, name="Viewer"), TRIAGE)

    (problem,) = problems(world(ANA, roles=after), WANTED, pins=pinned(world(ANA), WANTED))

    assert problem.code == "identity-changed"


def test_a_role_of_the_same_name_elsewhere_is_nobodys_problem() -> None:
    far = Role("44", "Triage", owner_level="account", owner_id="200")
    asked = assign("ana@acme.example", "Triage", "US/Austin")
    pins = pinned(world(ANA), WANTED)

    made = plan(world(ANA, roles=(*ROLES, far)), asked, pins=pins)

    assert made.operations[0].grants[0].grant.role.id == "44"


def test_a_role_whose_name_holds_a_slash_is_not_taken_for_another() -> None:
    odd = Role("77", "A/SOC")
    asked = assign("ana@acme.example", "id:77", "EMEA/Berlin")
    pins = pinned(world(ANA, roles=(ADMIN, VIEWER, odd)), asked)

    (problem,) = problems(world(ANA, roles=(ADMIN, VIEWER, odd)), WANTED, pins=pins)

    assert problem.code == "unknown-role"


def test_a_guardrail_about_a_role_holds_when_the_role_was_renamed() -> None:
    rule = PrivilegedRule(
        ("SOC",), None, require_reason=True, standing_allowed=True, place=Place("g.yaml", 1, 1)
    )
    guardrails = Guardrails(privileged=(rule,), max_revoke_fraction=1.0, min_admins=0)
    after = world(ANA, roles=(ADMIN, VIEWER, replace(SOC, name="Analyst"), TRIAGE))

    made = plan(after, WANTED, guardrails=guardrails, pins=pinned(world(ANA), WANTED))

    assert rules(made) == ["privileged"]


def silently_widened() -> tuple[Actual, Pins]:
    """SOC was agreed to as it viewed users; now it edits them, and Bo and a robot hold it."""
    bo = user("11", "bo@acme.example", grant(SOC, LYON))
    before = permitting(world(ANA, bo, service("55", "siem", grant(SOC, LYON))), SOC=[VIEW_USERS])
    return permitting(before, SOC=[VIEW_USERS, EDIT_USERS]), pinned(before, WANTED)


def test_a_role_that_permits_more_is_shown_with_everybody_who_holds_it() -> None:
    after, pins = silently_widened()

    made = plan(after, assign("ana@acme.example", "Viewer", "EMEA/Berlin"), pins=pins)

    (change,) = made.role_changes
    assert (change.id, change.name, change.gives_access) == ("3", "SOC", True)
    assert [name.label for name in change.holders] == ["service:siem", "bo@acme.example"]
    assert change.pinned != change.actual
    assert made.is_empty
    assert rules(made) == []


def test_nobody_is_granted_a_role_that_permits_something_else_than_agreed() -> None:
    after, pins = silently_widened()

    made = plan(after, WANTED, pins=pins)

    assert rules(made) == ["pinned_role"]
    (refusal,) = made.refusals
    assert "ana@acme.example would get SOC (id:3)" in refusal.message
    assert "`reconciler pin`" in refusal.remedy
    assert refusal.places == (WANTED.members[0].place, Place("pins.yaml"))


def test_a_changed_role_is_granted_once_it_is_pinned_again() -> None:
    after, _ = silently_widened()

    made = plan(after, WANTED, pins=pinned(after, WANTED))

    assert (rules(made), made.role_changes) == ([], ())


def test_a_changed_role_may_always_be_taken_away() -> None:
    after, pins = silently_widened()

    made = plan(after, former=(gone("bo@acme.example"),), pins=pins)

    assert (lines(made), rules(made)) == (["- bo@acme.example SOC on EMEA/Lyon"], [])


def test_a_role_that_permits_less_has_changed_too_and_gives_no_access() -> None:
    after, _ = silently_widened()

    made = plan(permitting(after, SOC=[]), WANTED, pins=pinned(after, WANTED))

    assert [change.gives_access for change in made.role_changes] == [False]
    assert rules(made) == ["pinned_role"]


def test_what_admin_permits_always_gives_access() -> None:
    boss = user("11", "boss@acme.example", grant(ADMIN))
    asked = assign("boss@acme.example", "Admin")
    before = permitting(world(boss), Admin=[VIEW_USERS])

    made = plan(permitting(before, Admin=[]), asked, pins=pinned(before, asked))

    assert [change.gives_access for change in made.role_changes] == [True]


def test_a_role_that_nobody_holds_any_more_and_that_is_gone_is_not_told() -> None:
    after, pins = silently_widened()
    roles = tuple(role for role in ROLES if role != SOC)
    without = replace(after, roles=roles, principals=(ANA,))

    made = plan(without, assign("ana@acme.example", "Viewer", "EMEA/Berlin"), pins=pins)

    assert made.role_changes == ()


@pytest.mark.parametrize("unread", ["now", "then"])
def test_roles_that_could_not_be_compared_are_told_once_and_refuse_nothing(unread: str) -> None:
    read = permitting(world(ANA), SOC=[VIEW_USERS])
    before, after = (read, world(ANA)) if unread == "now" else (world(ANA), read)

    made = plan(after, WANTED, pins=pinned(before, WANTED))

    assert (rules(made), made.role_changes) == ([], ())
    (message,) = warned(made, "role-not-compared")
    assert message.endswith("tenant/SOC.")


def test_many_roles_that_could_not_be_compared_are_counted() -> None:
    roles = tuple(Role(str(500 + n), f"Custom {n}") for n in range(8))
    held = [user(role.id, f"u{role.id}@acme.example", grant(role)) for role in roles]
    before = world(ANA, *held, roles=(*ROLES, *roles))

    made = plan(before, WANTED, pins=pinned(before, WANTED))

    (message,) = warned(made, "role-not-compared")
    assert message.endswith("tenant/Custom 4 and 4 more.")


# The view

LEAVER = gone("ana@acme.example")
ONLY_REVOKES = Guardrails(
    nothing_left=NothingLeft.DELETE, max_revoke_fraction=1.0, min_admins=0, max_revokes=100
)


def crowd(number: int) -> list[Any]:
    return [user(str(100 + n), f"u{n}@acme.example", grant(SOC, LYON)) for n in range(number)]


SHRUNK = {
    "it stands at account level, then at tenant level": {
        "identity": replace(OWN, level=Level.ACCOUNT, scope_ids=("100",))
    },
    "6 of 7 sites": {"sites": SITES[:-1]},
    "1 of 2 accounts": {"accounts": (EMEA,)},
    "without the account US": {"accounts": (EMEA, Account("300", "New", "active"))},
    "4 of 10 principals": {"principals": (ANA, *crowd(3))},
}


@pytest.mark.parametrize("told", SHRUNK)
def test_nothing_is_taken_away_while_the_token_sees_less_than_pinned(told: str) -> None:
    before = world(ANA, *crowd(9))
    after = replace(before, **SHRUNK[told])  # type: ignore[arg-type]
    pins = pinned(before, former=(LEAVER,))

    made = plan(after, former=(LEAVER,), guardrails=ONLY_REVOKES, pins=pins)

    assert rules(made) == ["view"]
    assert told in made.refusals[0].message
    assert "--no-revokes" in made.refusals[0].remedy
    again = plan(
        after, former=(LEAVER,), guardrails=ONLY_REVOKES, pins=pinned(after, former=(LEAVER,))
    )
    assert (rules(again), len(again.operations)) == ([], 1)


@pytest.mark.parametrize("told", SHRUNK)
def test_grants_pass_while_the_token_sees_less_than_pinned(told: str) -> None:
    before = world(ANA, *crowd(9))
    asked = assign("ana@acme.example", "Viewer", "EMEA/Berlin", "EMEA/Lyon")

    made = plan(replace(before, **SHRUNK[told]), asked, pins=pinned(before, asked))  # type: ignore[arg-type]

    assert (lines(made), rules(made)) == (["+ ana@acme.example Viewer on EMEA/Lyon"], [])


def test_a_replaced_role_takes_something_away_too() -> None:
    made = plan(world(ANA, sites=SITES[:-1]), WANTED, pins=pinned(world(ANA), WANTED))

    assert rules(made) == ["view"]


def test_no_revokes_lets_the_grants_of_such_a_plan_pass() -> None:
    asked = assign("ana@acme.example", "SOC", "EMEA/Lyon")

    made = plan(
        world(ANA, sites=SITES[:-1]), asked, no_revokes=True, pins=pinned(world(ANA), asked)
    )

    assert (lines(made), rules(made)) == (["+ ana@acme.example SOC on EMEA/Lyon"], [])


@pytest.mark.parametrize(
    "after",
    [
        {"sites": (*SITES, Site("999", "New", "100", "EMEA", "active"))},
        {"accounts": (EMEA, US, Account("300", "New", "active"))},
        {"sites": tuple(replace(site, state="deleted") for site in SITES[:1]) + SITES[1:]},
        {"principals": (ANA, *crowd(4))},
    ],
    ids=["more sites", "more accounts", "a deleted site that is listed", "half of the principals"],
)
def test_a_view_that_is_as_wide_as_pinned_refuses_nothing(after: Any) -> None:
    before = world(ANA, *crowd(9))
    pins = pinned(before, former=(LEAVER,))

    made = plan(replace(before, **after), former=(LEAVER,), guardrails=ONLY_REVOKES, pins=pins)

    assert rules(made) == []


def test_deleted_sites_and_closed_windows_are_not_what_is_pinned() -> None:
    over = assign("ana@acme.example", "SOC", "EMEA/Lyon", end=NOW)

    pins = pinned(world(ANA), assign("ana@acme.example", "Viewer", "EMEA/B*"), over)

    names = [pin.name for pin in pins.scopes]
    assert names == ["EMEA", "US", "EMEA/Berlin", "EMEA/Branch-1", "EMEA/Branch-2"]
    assert WARSAW.scope.name not in names


def test_a_pinned_role_that_is_gone_is_as_unknown_as_any() -> None:
    pins = pinned(world(ANA), WANTED)

    (problem,) = problems(world(ANA, roles=(ADMIN, VIEWER, TRIAGE)), WANTED, pins=pins)

    assert problem.code == "unknown-role"


def test_roles_that_changed_are_told_by_name() -> None:
    asked = (WANTED, assign("service:siem", "Viewer", "EMEA/Berlin", line=5))
    held = permitting(world(ANA, SIEM), SOC=[VIEW_USERS], Viewer=[VIEW_USERS], Admin=[VIEW_USERS])
    moved = permitting(world(ANA, SIEM), SOC=[EDIT_USERS], Viewer=[], Admin=[])
    pins = pinned(held, *asked, assign("ana@acme.example", "Admin", account="US", line=6))

    for actual in (moved, replace(moved, roles=moved.roles[::-1])):
        made = plan(actual, *asked, pins=replace(pins, roles=pins.roles[::-1]))
        assert [change.name for change in made.role_changes] == ["Admin", "SOC", "Viewer"]


def test_a_refusal_says_whether_the_changed_role_gives_access_now() -> None:
    after, pins = silently_widened()
    less = permitting(after, SOC=[])

    (wider,) = plan(after, WANTED, pins=pins).refusals
    (narrower,) = plan(less, WANTED, pins=pins).refusals

    assert wider.message.endswith("was pinned, and now gives power over access itself.")
    assert narrower.message.endswith("was pinned.")


def test_five_managed_principals_without_a_pin_are_all_named_in_order() -> None:
    labels = [f"{letter}@acme.example" for letter in "edcba"]
    crowd = [user(str(20 + n), label, grant(SOC, LYON)) for n, label in enumerate(labels)]

    made = plan(
        world(ANA, *crowd),
        WANTED,
        assign(labels, "SOC", "EMEA/Lyon"),
        pins=pinned(world(ANA), WANTED),
    )

    (message,) = warned(made, "not-pinned")
    assert message.endswith(f"not pinned: {', '.join(sorted(labels))}.")


def test_an_identity_that_changed_is_told_at_the_first_place_that_names_it() -> None:
    again = assign("ana@acme.example", "SOC", "EMEA/Lyon", line=2)
    pins = pinned(world(ANA), WANTED)

    for wishes in ((WANTED, again), (again, WANTED)):
        (problem,) = problems(world(replace(ANA, id="77")), *wishes, pins=pins)
        assert problem.place == again.members[0].place


@pytest.mark.parametrize("sites", [("EMEA/Berlin",), ()])
def test_a_role_of_an_account_that_was_made_anew_is_a_problem_on_its_sites_too(
    sites: tuple[str, ...],
) -> None:
    asked = assign("ana@acme.example", "Triage", *sites, account=None if sites else "EMEA")
    anew = (ADMIN, VIEWER, SOC, replace(TRIAGE, id="44"))

    (problem,) = problems(world(ANA, roles=anew), asked, pins=pinned(world(ANA), asked))

    assert problem.code == "identity-changed"


def test_whoever_holds_a_changed_role_beside_others_is_a_holder_of_it() -> None:
    after, pins = silently_widened()
    both = user("12", "cy@acme.example", grant(VIEWER, BERLIN), grant(SOC, LYON))

    made = plan(replace(after, principals=(*after.principals, both)), pins=pins)

    assert "cy@acme.example" in [name.label for name in made.role_changes[0].holders]
