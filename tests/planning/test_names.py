"""What names resolve to, and what is said when they do not."""

from dataclasses import replace
from typing import Any

import pytest
from builders import (
    ADMIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LEIPZIG,
    NOW,
    OWN,
    RELAXED,
    ROLES,
    SITES,
    SOC,
    US,
    VIEWER,
    assign,
    gone,
    grant,
    lines,
    newcomer,
    plan,
    service,
    user,
    world,
)

from reconciler.domain.access import Level, Role
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Assignment, Policy
from reconciler.domain.state import Actual, Identity, Site
from reconciler.errors import PolicyError, Problem
from reconciler.planning.pinning import make_pins, to_pin

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))


def problems(actual: Actual, *assignments: Assignment, **more: Any) -> list[Problem]:
    with pytest.raises(PolicyError) as caught:
        plan(actual, *assignments, **more)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("site", "code", "hint"),
    [
        ("EMEA/Berlim", "unknown-site", 'Did you mean "EMEA/Berlin"?'),
        ("EMEA/berlin", "unknown-site", 'Did you mean "EMEA/Berlin"?'),
        ("EMEA/Warsaw", "deleted-site", "left out of the next write"),
        ("id:103", "deleted-site", "left out of the next write"),
        ("id:999", "unknown-site", "Account/Site"),
        ("EMEA/Nothing-*", "glob-matches-nothing", "Correct the pattern"),
        ("EMEA/War*", "glob-matches-nothing", "Correct the pattern"),
        ("EMEA/Leip*", "glob-matches-nothing", "Correct the pattern"),
        ("Nowhere/*", "glob-matches-nothing", "Correct the pattern"),
        ("EMEA/[B]*", "glob-matches-nothing", "Correct the pattern"),
    ],
)
def test_a_site_that_cannot_be_meant_is_an_error_with_a_hint(
    site: str, code: str, hint: str
) -> None:
    (problem,) = problems(world(ANA), assign("ana@acme.example", "SOC", site))

    assert problem.code == code
    assert hint in problem.remedy


def test_an_expired_site_is_reachable_by_its_name() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Leipzig"))

    assert made.operations[0].changes[0].grant.scope.id == LEIPZIG.id


def test_a_glob_finds_active_sites_of_its_account_only() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", "EMEA/B*"))

    scopes = [change.grant.scope.id for change in made.operations[0].changes]
    assert scopes == [BRANCH1.id, BRANCH2.id]


def test_a_glob_below_an_account_name_that_two_have_is_an_error() -> None:
    actual = replace(world(ANA), accounts=(*world(ANA).accounts, replace(EMEA, id="199")))

    (problem,) = problems(actual, assign("ana@acme.example", "SOC", "EMEA/B*"))

    assert problem.code == "ambiguous-account"


def test_a_question_mark_stands_for_one_character() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", "EMEA/Branch-?", "EMEA/Berlin"))

    assert len(made.operations[0].changes) == 2


def test_two_sites_of_one_name_need_their_ids() -> None:
    double = Site("301", "Berlin", "100", "EMEA", "active")
    actual = world(ANA, sites=(*SITES, double))

    (problem,) = problems(actual, assign("ana@acme.example", "SOC", "EMEA/Berlin"))
    made = plan(actual, assign("ana@acme.example", "SOC", "id:101", "id:301"))

    assert problem.code == "ambiguous-site"
    assert "id:101, id:301" in problem.message
    assert made.operations[0].changes[0].grant.scope.id == "301"


def test_a_name_shared_with_a_deleted_site_means_the_one_that_is_left() -> None:
    reborn = Site("303", "Warsaw", "100", "EMEA", "active")

    made = plan(
        world(ANA, sites=(*SITES, reborn)),
        assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Warsaw"),
    )

    assert made.operations[0].changes[0].grant.scope.id == "303"


@pytest.mark.parametrize("account", ["EMEA2", "id:77"])
def test_an_unknown_account_is_an_error(account: str) -> None:
    (problem,) = problems(world(ANA), assign("ana@acme.example", "SOC", account=account))

    assert problem.code == "unknown-account"


def test_an_account_by_id_is_the_account() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "SOC", account="id:100"))

    assert made.operations[0].changes[0].grant == grant(SOC, EMEA)


def test_an_unknown_role_is_an_error_with_the_roles_of_that_scope() -> None:
    (near,) = problems(world(ANA), assign("ana@acme.example", "Vewer", "EMEA/Berlin"))
    (far,) = problems(world(ANA), assign("ana@acme.example", "Zzz", "US/Austin"))

    assert near.remedy == 'Did you mean "Viewer"?'
    assert far.remedy == "Roles there: Admin, SOC, Viewer."


@pytest.mark.parametrize("name", ["Triage", "EMEA/Triage", "id:4"])
def test_a_role_cannot_be_assigned_outside_the_scope_that_owns_it(name: str) -> None:
    (problem,) = problems(world(ANA), assign("ana@acme.example", name, "US/Austin"))

    assert problem.code == "role-out-of-scope"
    assert "EMEA/Triage" in problem.message


@pytest.mark.parametrize("name", ["Triage", "EMEA/Triage", "id:4"])
def test_a_custom_role_can_be_named_plainly_by_its_owner_or_by_id(name: str) -> None:
    made = plan(world(ANA), assign("ana@acme.example", name, "EMEA/Berlin"))

    assert made.operations[0].changes[0].grant.role.id == "4"


def test_two_roles_of_one_name_are_told_apart_by_their_owner() -> None:
    own = Role("9", "SOC", owner_level="site", owner_id="101")
    actual = world(ANA, roles=(*ROLES, own))

    (problem,) = problems(actual, assign("ana@acme.example", "SOC", "EMEA/Berlin"))
    tenant = plan(actual, assign("ana@acme.example", "tenant/SOC", "EMEA/Berlin"))
    site = plan(actual, assign("ana@acme.example", "EMEA/Berlin/SOC", "EMEA/Berlin"))

    assert problem.code == "ambiguous-role"
    assert "tenant/SOC (id:3), EMEA/Berlin/SOC (id:9)" in problem.message
    assert tenant.is_empty
    assert lines(site) == [
        "+ ana@acme.example SOC on EMEA/Berlin",
        "- ana@acme.example SOC on EMEA/Berlin",
    ]


def test_a_role_owned_by_a_group_is_never_assignable_here() -> None:
    odd = Role("9", "Odd", owner_level="group", owner_id="77")

    (problem,) = problems(
        world(ANA, roles=(*ROLES, odd)), assign("ana@acme.example", "Odd", "EMEA/Berlin")
    )

    assert problem.code == "role-out-of-scope"


def test_an_unknown_address_asks_for_an_invitation() -> None:
    (near,) = problems(world(ANA), assign("anna@acme.example", "SOC", "EMEA/Berlin"))
    (far,) = problems(world(ANA), assign("zoe@other.test", "SOC", "EMEA/Berlin"))

    assert near.code == far.code == "unknown-user"
    assert near.remedy.startswith('Did you mean "ana@acme.example"? If somebody new is meant')
    assert far.remedy == "To invite: under `users:` write zoe@other.test: {name: Full Name}."


def test_an_unknown_site_does_not_hide_an_unknown_member() -> None:
    found = problems(world(ANA), assign("anna@acme.example", "SOC", "EMEA/Nowhere"))

    assert [problem.code for problem in found] == ["unknown-site", "unknown-user"]


def test_a_former_principal_whose_name_is_nearly_somebodys_is_pointed_out() -> None:
    made = plan(
        world(ANA),
        assign("ana@acme.example", "SOC", "EMEA/Berlin"),
        former=(gone("anaa@acme.example"), gone("long-gone@other.test")),
    )

    (warning,) = made.warnings
    assert warning.code == "former-absent"
    assert 'Did you mean "ana@acme.example"?' in warning.remedy


def test_a_suggestion_does_not_mind_letter_case() -> None:
    (problem,) = problems(world(ANA), assign("ana@acme.example", "SOC", "emea/BERLIN"))

    assert problem.remedy == 'Did you mean "EMEA/Berlin"?'


def test_the_consoles_own_admin_is_told_although_nobody_manages_it() -> None:
    system = user("12", "support@mgmt.example", grant(ADMIN), is_system=True)

    made = plan(world(system))

    assert [warning.code for warning in made.warnings] == ["system-admin"]


def test_a_users_entry_without_a_name_invites_nobody() -> None:
    wish = assign("new@acme.example", "SOC", "EMEA/Berlin")

    (problem,) = problems(world(), wish, users=(newcomer("new@acme.example", full_name=None),))

    assert problem.code == "unknown-user"


def test_policies_never_create_service_users() -> None:
    actual = world(service("50", "siem-export", grant(VIEWER, EMEA)))

    (near,) = problems(actual, assign("service:siem-exprt", "Viewer", account="EMEA"))
    (far,) = problems(actual, assign("service:zzz", "Viewer", account="EMEA"))

    assert near.remedy == 'Did you mean "service:siem-export"?'
    assert "create it in the console first" in far.remedy


def test_two_service_users_of_one_name_need_their_ids() -> None:
    one = service("50", "export", grant(VIEWER, EMEA))
    two = service("51", "export", grant(VIEWER, US))

    (problem,) = problems(world(one, two), assign("service:export", "Viewer", account="EMEA"))
    made = plan(
        world(one, two),
        assign("service:id:50", "Viewer", account="US"),
        assign("service:id:51", "Viewer", account="US"),
    )

    assert problem.code == "ambiguous-principal"
    assert [operation.principal_id for operation in made.operations] == ["50"]


def test_two_users_of_one_address_are_never_guessed_at() -> None:
    twin = user("11", "ANA@acme.example", grant(SOC, BERLIN))

    (problem,) = problems(world(ANA, twin), assign("ana@acme.example", "SOC", "EMEA/Lyon"))

    assert problem.code == "ambiguous-principal"


def test_a_system_user_cannot_be_named() -> None:
    system = user("12", "system@acme.example", grant(ADMIN), is_system=True)

    (problem,) = problems(world(system), assign("system@acme.example", "Viewer"))

    assert problem.code == "system-principal"


def test_somebody_partly_out_of_view_cannot_be_named_not_even_as_former() -> None:
    cut = user("12", "cut@acme.example", grant(SOC, BERLIN), is_partial=True)

    (named,) = problems(world(cut), assign("cut@acme.example", "SOC", "EMEA/Lyon"))
    (former,) = problems(world(cut), former=(gone("cut@acme.example"),))

    assert named.code == former.code == "outside-view"


def test_an_address_that_belongs_to_another_id_than_pinned_is_identity_changed() -> None:
    wish = assign("ana@acme.example", "SOC", "EMEA/Berlin")

    (problem,) = problems(world(ANA), wish, users=(newcomer("ana@acme.example", pinned="77"),))
    same = plan(world(ANA), wish, users=(newcomer("ana@acme.example", pinned="10"),))

    assert problem.code == "identity-changed"
    assert same.is_empty


def test_a_service_user_former_by_name_and_assigned_by_id_is_named_twice() -> None:
    export = service("50", "export", grant(VIEWER, EMEA))

    (problem,) = problems(
        world(export),
        assign("service:id:50", "Viewer", account="EMEA"),
        former=(gone("service:export"),),
    )

    assert problem.code == "named-twice"


def test_levels_that_only_ids_reveal_to_differ_are_a_conflict() -> None:
    found = problems(
        world(ANA),
        assign("ana@acme.example", "SOC", "id:101"),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin", line=7),
    )

    assert len(found) == 1


def test_all_problems_come_at_once_sorted_by_place() -> None:
    found = problems(
        world(ANA),
        assign("ana@acme.example", "SOC", "EMEA/Nope", line=9),
        assign("who@acme.example", "SOC", "EMEA/Berlin", line=2),
    )

    assert [(p.place.line, p.code) for p in found if p.place] == [
        (2, "unknown-user"),
        (9, "unknown-site"),
    ]


def test_a_narrow_token_is_a_warning_of_every_plan() -> None:
    narrow = replace(OWN, level=Level.ACCOUNT, scope_ids=("100",))

    made = plan(world(ANA, identity=narrow), assign("ana@acme.example", "SOC", "EMEA/Berlin"))

    assert [warning.code for warning in made.warnings] == ["narrow-token"]


NARROW = replace(OWN, level=Level.SITE, scope_ids=("101",))


def test_whether_an_unseen_leavers_access_ended_is_unknown_to_a_narrow_token() -> None:
    leavers = (gone("bo@acme.example"), gone("service:old-export"))

    made = plan(world(ANA, identity=NARROW), former=(*leavers, gone("ana@acme.example")))

    told = [warning for warning in made.warnings if warning.code == "former-unseen"]
    assert [one.message for one in told] == [
        f'"{name}" must hold nothing; this token, which stands at site level (EMEA/Berlin), sees '
        "nobody of that name: whether the access has ended is unknown."
        for name in ("bo@acme.example", "service:old-export")
    ]
    assert all("tenant" in one.remedy for one in told)


def test_a_narrow_token_calls_nobody_new_and_asks_for_no_invitation() -> None:
    found = problems(
        world(ANA, identity=NARROW),
        assign(["bo@acme.example", "anaa@acme.example"], "SOC", "EMEA/Berlin"),
        assign("service:export", "Viewer", "EMEA/Berlin", line=3),
    )

    assert {one.code for one in found} == {"not-visible"}
    stands = "is not visible to this token, which stands at site level (EMEA/Berlin)."
    assert all(one.message.endswith(stands) for one in found)
    assert not any("invite" in one.remedy or "create" in one.remedy for one in found)
    assert sum("Did you mean" in one.remedy for one in found) == 1


def test_a_narrow_token_calls_no_pinned_address_deleted() -> None:
    wish = assign("new@acme.example", "SOC", "EMEA/Berlin")

    found = problems(
        world(identity=NARROW), wish, users=(newcomer("new@acme.example", pinned="77"),)
    )

    assert [one.code for one in found] == ["not-visible"]


def test_a_narrow_token_calls_nobody_absent_from_the_console() -> None:
    wish = assign("new@acme.example", "SOC", "EMEA/Berlin")
    before = world(ANA, user("77", "new@acme.example", grant(SOC, BERLIN)))
    chosen = to_pin(Policy(assignments=(wish,)), RELAXED, before, None, NOW)
    pins, _ = make_pins(chosen, before)
    guarded = replace(RELAXED, protected=(PrincipalName.parse("breakglass@acme.example"),))

    def codes(identity: Identity) -> set[str]:
        seen = world(ANA, identity=identity)
        named = (newcomer("new@acme.example"),)
        made = plan(seen, wish, users=named, guardrails=guarded, pins=pins)
        return {one.code for one in made.warnings} & {"pinned-gone", "protected-absent"}

    assert codes(OWN) == {"pinned-gone", "protected-absent"}
    assert codes(NARROW) == set()


def test_where_a_narrow_token_stands_is_told_for_accounts_and_for_many_sites() -> None:
    emea = replace(OWN, level=Level.ACCOUNT, scope_ids=("100",))
    many = replace(OWN, level=Level.SITE, scope_ids=("101", "102", "105", "999"))
    wish = assign("zoe@other.test", "SOC", "EMEA/Berlin")

    told = [problems(world(identity=each), wish)[0].message for each in (emea, many)]

    assert told[0].endswith("which stands at account level (EMEA).")
    assert told[1].endswith("at site level (EMEA/Berlin, EMEA/Branch-1, EMEA/Lyon and 1 more).")


def test_what_had_to_be_derived_is_told() -> None:
    actual = replace(world(ANA), notes=("accounts were taken from the sites",))

    made = plan(actual, assign("ana@acme.example", "SOC", "EMEA/Berlin"))

    assert [warning.message for warning in made.warnings] == ["accounts were taken from the sites"]


def test_a_pinned_address_that_nobody_has_invites_nobody() -> None:
    wish = assign("new@acme.example", "SOC", "EMEA/Berlin")

    found = problems(world(), wish, users=(newcomer("new@acme.example", pinned="77"),))

    assert [problem.code for problem in found] == ["identity-changed"]


def test_an_id_never_means_a_service_user_who_is_called_like_it() -> None:
    trap = service("666", "id:51", grant(VIEWER, EMEA))

    (problem,) = problems(world(trap), assign("service:id:51", "Admin"))

    assert problem.code == "unknown-service-user"


def test_two_spellings_of_one_service_user_cannot_ask_for_two_roles() -> None:
    export = service("50", "export", grant(VIEWER, EMEA))

    (roles,) = problems(
        world(export),
        assign("service:export", "Viewer", account="EMEA"),
        assign("service:id:50", "SOC", account="EMEA", line=7),
    )
    (levels,) = problems(
        world(export),
        assign("service:export", "Viewer", account="EMEA"),
        assign("service:id:50", "Viewer", line=7),
    )

    assert roles.code != levels.code
