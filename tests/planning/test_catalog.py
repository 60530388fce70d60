"""Whose a role is and where it may be assigned; accounts and sites that share a name or an id."""

from dataclasses import replace
from typing import Any

import pytest
from builders import (
    AUSTIN,
    BERLIN,
    EMEA,
    ROLES,
    SITES,
    SOC,
    US,
    VIEWER,
    assign,
    grant,
    lines,
    pinned,
    plan,
    user,
    world,
)

from reconciler.domain.access import Role
from reconciler.domain.policy import Assignment
from reconciler.domain.state import Account, Actual, Site
from reconciler.errors import PolicyError, Problem

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))


def problems(actual: Actual, *assignments: Assignment, **more: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        plan(actual, *assignments, **more)
    return list(caught.value.problems)


def owning(level: str, owner_id: str) -> Actual:
    """The console with one more role, Odd, of this owner."""
    odd = Role("9", "Odd", owner_level=level, owner_id=owner_id)
    return world(ANA, roles=(*ROLES, odd))


def asking(text: str, *sites: str, account: str | None = None) -> Assignment:
    return assign("ana@acme.example", text, *sites, account=account)


def test_a_role_of_a_site_is_assignable_on_that_site_alone() -> None:
    actual = owning("site", BERLIN.id)

    made = plan(actual, asking("Odd", "EMEA/Berlin"))
    elsewhere = [
        problems(actual, asking("Odd", "EMEA/Lyon")),
        problems(actual, asking("Odd", account="EMEA")),
        problems(actual, asking("Odd")),
    ]

    assert made.operations[0].changes[0].grant.role.id == "9"
    assert {problem.code for (problem,) in elsewhere} == {"role-out-of-scope"}


def test_a_role_of_an_account_is_assignable_in_it_alone() -> None:
    actual = owning("account", EMEA.id)

    inside = plan(actual, asking("Odd", account="EMEA"))
    outside = [
        problems(actual, asking("Odd", account="US")),
        problems(actual, asking("Odd", "US/Austin")),
        problems(actual, asking("Odd")),
    ]

    assert inside.operations[0].changes[0].grant.role.id == "9"
    assert {problem.code for (problem,) in outside} == {"role-out-of-scope"}


def test_a_role_whose_owner_the_console_does_not_tell_is_assignable_nowhere() -> None:
    for actual in (owning("account", ""), owning("site", "")):
        (problem,) = problems(actual, asking("Odd"))
        assert problem.code == "role-out-of-scope"


@pytest.mark.parametrize("owner_id", [BERLIN.id, EMEA.id])
def test_the_id_of_a_group_is_not_taken_for_that_of_a_site_or_account(owner_id: str) -> None:
    actual = owning("group", owner_id)

    for wish in (asking("Odd", "EMEA/Berlin"), asking("Odd", account="EMEA")):
        (problem,) = problems(actual, wish)
        assert problem.code == "role-out-of-scope"
        assert problem.message.endswith("it belongs to group/Odd.")


@pytest.mark.parametrize(
    ("level", "owner_id", "path"),
    [
        ("account", EMEA.id, "EMEA/Odd"),
        ("account", BERLIN.id, "account/Odd"),
        ("site", BERLIN.id, "EMEA/Berlin/Odd"),
        ("site", EMEA.id, "site/Odd"),
    ],
)
def test_a_role_is_written_with_its_owner_if_the_token_sees_it(
    level: str, owner_id: str, path: str
) -> None:
    (problem,) = problems(owning(level, owner_id), asking("Odd"))

    assert problem.message.endswith(f"it belongs to {path}.")


def test_all_owners_of_a_role_that_is_out_of_scope_are_told_in_order() -> None:
    two = (Role("8", "Odd", "account", US.id), Role("9", "Odd", "account", EMEA.id))

    (problem,) = problems(world(ANA, roles=(*ROLES, *two)), asking("Odd"))

    assert problem.message.endswith("it belongs to EMEA/Odd, US/Odd.")


def test_a_pattern_in_an_account_that_shares_its_name_is_never_guessed_at() -> None:
    twin = Account("300", "EMEA", "active")
    there = Site("301", "Bern", twin.id, "EMEA", "active")
    actual = replace(world(ANA, sites=(*SITES, there)), accounts=(EMEA, US, twin))

    (some,) = problems(actual, asking("SOC", "EMEA/B*"))
    (none,) = problems(actual, asking("SOC", "EMEA/Nothing-*"))

    assert some.code == none.code == "ambiguous-account"


def test_a_bracket_in_a_pattern_stands_for_itself() -> None:
    odd = Site("301", "[B] one", EMEA.id, "EMEA", "active")

    made = plan(world(ANA, sites=(*SITES, odd)), asking("SOC", "EMEA/Berlin", "EMEA/[B]*"))

    assert lines(made) == ["+ ana@acme.example SOC on EMEA/[B] one"]


def test_ids_of_sites_that_share_a_name_are_told_in_order() -> None:
    double = Site("099", "Berlin", EMEA.id, "EMEA", "active")

    (problem,) = problems(world(ANA, sites=(*SITES, double)), asking("SOC", "EMEA/Berlin"))

    assert "id:099, id:101" in problem.message


def test_a_deleted_site_is_not_suggested() -> None:
    (problem,) = problems(world(ANA), asking("SOC", "EMEA/Warsa"))

    assert problem.code == "unknown-site"
    assert "Warsaw" not in problem.remedy


def test_at_most_three_names_are_suggested_in_one_order() -> None:
    near = [Site(f"30{n}", f"Branches-{n}", US.id, "US", "active") for n in range(5)]
    wish = asking("SOC", "US/Branches-")

    told = {
        problems(world(ANA, sites=order), wish)[0].remedy
        for order in ((AUSTIN, *near), (*reversed(near), AUSTIN))
    }

    (remedy,) = told
    assert remedy.count("Branches-") == 3


def test_every_site_of_an_assignment_that_is_not_there_is_told() -> None:
    found = problems(world(ANA), asking("SOC", "EMEA/Nil", "EMEA/Berlin", "EMEA/Nought"))

    assert sorted(problem.message.split('"')[1] for problem in found) == ["EMEA/Nil", "EMEA/Nought"]


def test_a_pinned_role_whose_name_holds_a_slash_is_not_called_by_its_last_part() -> None:
    actual = world(ANA, roles=(*ROLES, Role("77", "A/Odd")))
    pins = pinned(actual, asking("id:77", "EMEA/Berlin"))

    (problem,) = problems(actual, asking("Odd", "EMEA/Berlin"), pins=pins)

    assert problem.code == "unknown-role"


def test_a_new_pattern_is_not_told_as_sites_that_appeared() -> None:
    held = user("10", "ana@acme.example", grant(VIEWER, BERLIN))

    made = plan(world(held), asking("Viewer", "EMEA/Berlin"), asking("SOC", "EMEA/Branch-*"))

    assert {change.reason.value for change in made.operations[0].changes} == {"policy"}
