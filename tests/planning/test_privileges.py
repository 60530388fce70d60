"""What a change means: which scopes gain and lose a role, and what that permits."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from builders import (
    ADMIN,
    AUSTIN,
    BERLIN,
    BRANCH1,
    BRANCH2,
    EMEA,
    LEIPZIG,
    LYON,
    NOW,
    PLACE,
    RELAXED,
    SITES,
    SOC,
    TRIAGE,
    US,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    newcomer,
    plan,
    service,
    user,
    world,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.access import TENANT, Grant, Level, Role, Scope
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import PinnedRole, PinnedView, Pins
from reconciler.domain.plan import Effect, Operation, Options, Plan, Risk
from reconciler.domain.policy import Assignment, Policy
from reconciler.domain.state import Actual, Principal
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan
from reconciler.planning.permits import difference, gives_access
from reconciler.planning.privileges import Privileges, roles_to_read

VIEW = Permission("Sites", "Sites.view", "View")
MITIGATE = Permission("Threats", "Threats.mitigate", "Mitigate")
ISOLATE = Permission("Endpoints", "Endpoints.isolate", "Isolate")
EDIT_USERS = Permission("Users", "Users.edit", "Edit")
GRANTED = {
    ADMIN: (EDIT_USERS, ISOLATE, MITIGATE, VIEW),
    VIEWER: (VIEW,),
    SOC: (MITIGATE, VIEW),
    TRIAGE: (ISOLATE, VIEW),
}


def permits(role: Role, *granted: Permission) -> RolePermissions:
    return RolePermissions(role.id, tuple(sorted(granted)))


def known(*principals: Principal, without: tuple[Role, ...] = ()) -> Actual:
    """The small company, with the pages of its roles."""
    pages = tuple(permits(r, *granted) for r, granted in GRANTED.items() if r not in without)
    return replace(world(*principals), permissions=pages)


def told(made: Plan) -> list[str]:
    """Effects of the first operation: `SOC -> Triage on EMEA, EMEA/Lyon: +Isolate -Mitigate`."""
    return [_line(effect) for effect in made.operations[0].effects]


def _line(effect: Effect) -> str:
    names = [role.name if role else "none" for role in (effect.before, effect.after)]
    where = ", ".join(scope.name for scope in effect.scopes)
    changed = [f"+{each.title}" for each in effect.gained] + [f"-{e.title}" for e in effect.lost]
    what = " ".join(changed) if effect.is_known else "unknown"
    return f"{' -> '.join(names)} on {where}: {what}".rstrip(": ")


def ana(*grants: Grant) -> Principal:
    return user("10", "ana@acme.example", *grants)


def test_a_level_change_names_the_sites_that_gain_those_that_keep_and_those_that_lose() -> None:
    held = ana(grant(SOC, BERLIN), grant(TRIAGE, LYON), grant(SOC, AUSTIN))

    made = plan(known(held), assign("ana@acme.example", "EMEA/Triage", account="EMEA"))

    assert told(made) == [
        "none -> Triage on EMEA, EMEA/Branch-1, EMEA/Branch-2, EMEA/Leipzig: +Isolate +View",
        "SOC -> Triage on EMEA/Berlin: +Isolate -Mitigate",
        "SOC -> none on US/Austin: -View -Mitigate",
        "Triage -> Triage on EMEA/Lyon",
    ]


def test_an_account_speaks_for_its_sites_while_all_of_them_change_as_it_does() -> None:
    made = plan(known(ana(grant(SOC, AUSTIN))), assign("ana@acme.example", "SOC", account="EMEA"))

    assert told(made) == [
        "none -> SOC on EMEA: +View +Mitigate",
        "SOC -> none on US/Austin: -View -Mitigate",
    ]


def test_an_account_that_only_comes_to_cover_what_was_held_names_what_is_kept() -> None:
    held = ana(*(grant(SOC, site) for site in (BERLIN, LYON, BRANCH1, BRANCH2, LEIPZIG)))

    made = plan(known(held), assign("ana@acme.example", "SOC", account="EMEA"))

    assert told(made) == [
        "none -> SOC on EMEA: +View +Mitigate",
        "SOC -> SOC on EMEA/Berlin, EMEA/Branch-1, EMEA/Branch-2, EMEA/Leipzig, EMEA/Lyon",
    ]


def test_the_tenant_speaks_for_everything_that_changes_as_it_does() -> None:
    made = plan(
        known(),
        assign("new@acme.example", "Viewer"),
        users=(newcomer("new@acme.example"),),
    )

    assert told(made) == ["none -> Viewer on tenant: +View"]


def test_a_step_down_from_the_tenant_names_what_is_lost_and_what_is_left() -> None:
    made = plan(known(ana(grant(ADMIN))), assign("ana@acme.example", "SOC", "US/Austin"))

    assert told(made) == [
        "Admin -> none on tenant, EMEA, US: -Isolate -View -Mitigate -Edit",
        "Admin -> SOC on US/Austin: -Isolate -Edit",
    ]


def test_a_replaced_role_shows_what_it_gains_and_loses_and_nothing_else() -> None:
    held = ana(grant(SOC, BERLIN), grant(VIEWER, LYON))

    made = plan(
        known(held),
        assign("ana@acme.example", "EMEA/Triage", "EMEA/Berlin"),
        assign("ana@acme.example", "Viewer", "EMEA/Lyon", line=2),
    )

    assert told(made) == ["SOC -> Triage on EMEA/Berlin: +Isolate -Mitigate"]


def test_scopes_that_change_alike_are_told_together() -> None:
    made = plan(
        known(ana(grant(SOC, BERLIN), grant(SOC, LYON), grant(SOC, AUSTIN))),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin", "EMEA/Lyon"),
    )

    assert told(made) == [
        "SOC -> Viewer on EMEA/Berlin, EMEA/Lyon: -Mitigate",
        "SOC -> none on US/Austin: -View -Mitigate",
    ]


def test_somebody_deleted_loses_everything_and_deleted_sites_are_not_spoken_of() -> None:
    held = ana(grant(SOC, BERLIN), grant(VIEWER, WARSAW))

    made = plan(known(held), former=(gone("ana@acme.example"),))

    assert told(made) == ["SOC -> none on EMEA/Berlin: -View -Mitigate"]


@pytest.mark.parametrize("unread", [SOC, TRIAGE])
def test_what_was_not_read_of_either_role_is_unknown_and_no_gain_is_made_up(unread: Role) -> None:
    made = plan(
        known(ana(grant(SOC, BERLIN)), without=(unread,)),
        assign("ana@acme.example", "EMEA/Triage", "EMEA/Berlin"),
    )

    assert told(made) == ["SOC -> Triage on EMEA/Berlin: unknown"]
    (effect,) = made.operations[0].effects
    assert (effect.gained, effect.lost) == ((), ())


def test_a_role_that_is_kept_needs_no_pages() -> None:
    held = ana(grant(TRIAGE, BERLIN))

    made = plan(world(held), assign("ana@acme.example", "EMEA/Triage", account="EMEA"))

    assert told(made) == [
        "none -> Triage on EMEA, EMEA/Branch-1, EMEA/Branch-2, EMEA/Leipzig, EMEA/Lyon: unknown",
        "Triage -> Triage on EMEA/Berlin",
    ]


def test_the_same_grant_read_twice_is_one() -> None:
    made = plan(
        known(ana(grant(SOC, BERLIN), grant(SOC, BERLIN))),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin"),
    )

    assert told(made) == ["SOC -> Viewer on EMEA/Berlin: -Mitigate"]


def test_two_roles_on_one_scope_are_told_as_unknown() -> None:
    made = plan(
        known(ana(grant(SOC, BERLIN), grant(TRIAGE, BERLIN))),
        assign("ana@acme.example", "SOC", "EMEA/Berlin"),
    )

    assert told(made) == ["Triage -> SOC on EMEA/Berlin: unknown"]


def test_sites_of_an_account_that_is_not_listed_are_named_one_by_one() -> None:
    orphan = replace(AUSTIN, id="301", account_id="300", account_name="Old", name="A")
    other = replace(orphan, id="302", name="B")
    actual = replace(known(ana(grant(SOC, orphan))), sites=(*SITES, orphan, other))

    made = plan(actual, assign("ana@acme.example", "Viewer"))

    assert told(made) == [
        "none -> Viewer on tenant, EMEA, US, Old/B: +View",
        "SOC -> Viewer on Old/A: -Mitigate",
    ]


def test_a_deleted_account_is_not_spoken_of() -> None:
    actual = known(ana(grant(TRIAGE, EMEA)))
    closed = replace(actual, accounts=(EMEA, replace(US, state="deleted")), sites=SITES[:-1])

    made = plan(closed, assign("ana@acme.example", "Viewer"))

    assert told(made) == [
        "none -> Viewer on tenant: +View",
        "Triage -> Viewer on EMEA: -Isolate",
    ]


# Which roles give access, and what that does to the risk of a change.


@pytest.mark.parametrize(
    ("page", "identifier", "title", "expected"),
    [
        ("Users", "Users.view", "View", False),
        ("Users", "Users.create", "Create", True),
        ("users", "USERS.EDIT", "Edit", True),
        ("Users", "Users.allowGenerateApiToken", "Generate", True),
        ("Users", "1640000000000000001", "View", False),
        ("Users", "1640000000000000001", "View users", False),
        ("Users", "1640000000000000001", "Edit", True),
        ("Users", "1640000000000000001", "", True),
        ("Service Users", "service_users_view", "View", False),
        ("Service Users", "serviceUsersView", "View", False),
        ("Service Users", "serviceUsersDelete", "Delete", True),
        ("SERVICE USERS", "x", "View", True),
        ("Roles", "Roles.delete", "Delete", True),
        ("Roles", "Roles.viewAndEdit", "View", True),
        ("Settings", "Users.edit", "Edit", True),
        ("Settings", "Service Users.edit", "Edit", True),
        ("Settings", "roles.view", "View", False),
        ("Sites", "Sites.delete", "Delete", False),
        ("User Groups", "UserGroups.edit", "Edit", False),
        ("Endpoints", "Endpoints.remoteShell", "Remote shell", False),
        ("", "", "", False),
    ],
)
def test_what_changes_users_service_users_or_roles_gives_access(
    page: str, identifier: str, title: str, expected: bool
) -> None:
    granted = (VIEW, Permission(page, identifier, title))

    assert gives_access(RolePermissions("9", granted)) is expected


@pytest.mark.parametrize(
    ("on", "expected"),
    [("account", Risk.HIGH), ("EMEA/Berlin", Risk.MEDIUM)],
)
def test_a_custom_role_known_to_give_access_ranks_as_admin_does(on: str, expected: Risk) -> None:
    actual = replace(known(ana(grant(VIEWER, LYON))), permissions=(permits(TRIAGE, EDIT_USERS),))
    wish = (
        assign("ana@acme.example", "EMEA/Triage", account="EMEA")
        if on == "account"
        else assign("ana@acme.example", "EMEA/Triage", on)
    )

    made = plan(actual, wish)

    assert [change.risk for change in made.operations[0].grants] == [expected]
    assert [(role.name, role.gives_access) for role in made.roles] == [
        ("Triage", True),
        ("Viewer", False),
    ]


@pytest.mark.parametrize("is_known", [False, True])
def test_a_custom_role_that_gives_no_access_ranks_as_one_that_is_not_known(is_known: bool) -> None:
    actual = known(ana(grant(VIEWER, LYON)), without=() if is_known else (TRIAGE,))

    made = plan(actual, assign("ana@acme.example", "EMEA/Triage", account="EMEA"))

    assert [change.risk for change in made.operations[0].grants] == [Risk.MEDIUM]


def test_a_revoke_of_a_custom_role_that_gives_access_ranks_as_admin_does() -> None:
    held = ana(grant(TRIAGE, EMEA), grant(SOC, US))
    actual = replace(known(held), permissions=(permits(TRIAGE, EDIT_USERS),))

    made = plan(actual, assign("ana@acme.example", "SOC", account="US"))

    assert [change.risk for change in made.operations[0].revokes] == [Risk.HIGH]


def test_every_role_in_the_changes_is_listed_with_what_it_permits() -> None:
    held = (ana(grant(SOC, BERLIN)), user("11", "bo@acme.example", grant(VIEWER, LYON)))

    made = plan(
        known(*held, without=(TRIAGE,)),
        assign("ana@acme.example", "EMEA/Triage", "EMEA/Berlin"),
        assign("bo@acme.example", "Admin", "EMEA/Lyon", line=2),
    )

    listed = [(role.name, role.permissions, role.gives_access) for role in made.roles]
    assert listed == [
        ("Admin", 4, True),
        ("SOC", 2, False),
        ("Triage", 0, False),
        ("Viewer", 1, False),
    ]
    digests = {role.name: role.digest for role in made.roles}
    assert digests.pop("Triage") is None
    assert digests["SOC"] == permits(SOC, *GRANTED[SOC]).digest


def test_admin_gives_access_whether_its_pages_were_read_or_not() -> None:
    made = plan(world(ana(grant(SOC, BERLIN))), assign("ana@acme.example", "Admin", "EMEA/Berlin"))

    assert [role.gives_access for role in made.roles] == [True, False]


def test_permissions_decide_nothing_but_risk_effects_and_roles() -> None:
    held = (ana(grant(SOC, BERLIN)), user("11", "bo@acme.example", grant(VIEWER, LYON)))
    wishes = (
        assign("ana@acme.example", "EMEA/Triage", account="EMEA"),
        assign("bo@acme.example", "Admin", "EMEA/Lyon", line=2),
    )
    one, two = plan(world(*held), *wishes), plan(known(*held), *wishes)

    assert one != two
    assert one.content_digest == two.content_digest
    assert [_plain(op) for op in one.operations] == [_plain(op) for op in two.operations]
    assert replace(one, operations=(), roles=()) == replace(two, operations=(), roles=())


def _plain(operation: Operation) -> Operation:
    changes = tuple(replace(change, risk=Risk.LOW) for change in operation.changes)
    return replace(operation, effects=(), changes=changes)


# Which roles have to be read for a plan.


def needed(
    actual: Actual,
    *assignments: Assignment,
    pins: Pins | None = None,
    targets: tuple[str, ...] = (),
) -> set[str]:
    options = Options(targets=tuple(PrincipalName.parse(target) for target in targets))
    wanted = Wanted(Policy(assignments=assignments), RELAXED, options, pins=pins)
    ids = roles_to_read(wanted, actual, make_plan(wanted, actual, NOW))
    names = {role.id: role.name for role in actual.roles}
    return {names[id_] for id_ in ids}


STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def test_nothing_is_read_while_nothing_changes_and_no_custom_role_is_held() -> None:
    bo = user("11", "bo@acme.example", grant(TRIAGE, EMEA))

    assert needed(world(ana(grant(SOC, BERLIN)), bo), STANDING) == set()


def test_custom_roles_of_everybody_managed_are_read_also_without_a_change() -> None:
    robot = service("53", "robot", grant(TRIAGE, LYON))

    wishes = (STANDING, assign("service:robot", "EMEA/Triage", "EMEA/Lyon"))
    assert needed(world(ana(grant(SOC, BERLIN)), robot), *wishes) == {"Triage"}
    assert needed(
        world(ana(grant(SOC, BERLIN)), robot), *wishes, targets=("ana@acme.example",)
    ) == {"Triage"}


def test_every_role_in_the_changes_is_read_those_of_newcomers_too() -> None:
    actual = world(ana(grant(VIEWER, BERLIN), grant(SOC, LYON)))

    assert needed(actual, assign("ana@acme.example", "EMEA/Triage", "EMEA/Berlin")) == {
        "Triage",
        "Viewer",
        "SOC",
    }


def test_pinned_roles_are_read_when_they_have_a_digest_and_still_exist() -> None:
    pins = Pins(
        "https://acme.sentinelone.net",
        PinnedView(Level.TENANT, 2, 7, 1, PLACE),
        roles=(
            PinnedRole("tenant/Admin", "1", "sha256:" + "a" * 64, PLACE),
            PinnedRole("tenant/Viewer", "2", None, PLACE),
            PinnedRole("tenant/Gone", "77", "sha256:" + "a" * 64, PLACE),
        ),
    )

    assert needed(world(ana(grant(SOC, BERLIN))), STANDING, pins=pins) == {"Admin"}


# Two roles compared.

texts = st.text(max_size=4) | st.sampled_from(["__x__", "['a']", "root", "_p", "", "Users"])
permissions = st.lists(st.builds(Permission, texts, texts, st.just("t")), max_size=8)


@given(permissions, permissions)
def test_gains_and_losses_are_the_two_differences_of_sets(
    before: list[Permission], after: list[Permission]
) -> None:
    gained, lost = difference(before, after)

    assert gained == tuple(sorted(set(after) - set(before)))
    assert lost == tuple(sorted(set(before) - set(after)))


def test_a_title_that_is_worded_anew_is_no_difference() -> None:
    assert difference([VIEW], [replace(VIEW, title="Look")]) == ((), ())


# The law: whoever reads the effects knows the role that counts on every scope.

ROLES = (ADMIN, VIEWER, SOC)
PLACES = {
    Level.TENANT: (TENANT,),
    Level.ACCOUNT: (EMEA.scope, US.scope),
    Level.SITE: tuple(site.scope for site in (BERLIN, LYON, BRANCH1, BRANCH2, LEIPZIG, AUSTIN)),
}
EVERYWHERE = [scope for scopes in PLACES.values() for scope in scopes]


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Grant, ...]:
    scopes = PLACES[draw(st.sampled_from(Level))]
    chosen = draw(st.lists(st.sampled_from(scopes), unique=True, min_size=1))
    return tuple(Grant(scope, draw(st.sampled_from(ROLES))) for scope in chosen)


def counting(grants: Iterable[Grant], scope: Scope) -> Role | None:
    """Brute force: any grant that covers the scope; one level, so there is one at most."""
    found = {each.role for each in grants if each.scope.covers(scope)}
    assert len(found) <= 1
    return found.pop() if found else None


def spoken_for(effects: tuple[Effect, ...], scope: Scope) -> Effect | None:
    """The effect that speaks for a scope: the one naming it, or one naming a scope that speaks."""
    named = [(each, effect) for effect in effects for each in effect.scopes]
    for each, effect in named:
        if each == scope:
            return effect
    for each, effect in named:
        alone = not any(each != other and each.covers(other) for other, _ in named)
        if alone and each.covers(scope):
            return effect
    return None


@given(holdings(), holdings())
def test_effects_tell_the_role_on_every_scope_before_and_after(
    before: tuple[Grant, ...], after: tuple[Grant, ...]
) -> None:
    held = ana(*before)
    wishes = []
    for number, each in enumerate(after):
        wish = assign("ana@acme.example", f"id:{each.role.id}", line=number + 1)
        name = f"id:{each.scope.id}" if each.scope.id else ""
        scopes = (replace(wish.scopes[0], level=each.scope.level, text=name),)
        wishes.append(replace(wish, scopes=scopes))

    made = plan(known(held), *wishes)

    effects = made.operations[0].effects if made.operations else ()
    for scope in EVERYWHERE:
        was, is_ = counting(before, scope), counting(after, scope)
        effect = spoken_for(effects, scope)
        if effect is None:
            assert was == is_
        else:
            assert (effect.before, effect.after) == (was, is_)
            could, can = (set(GRANTED[role]) if role else set() for role in (was, is_))
            assert (set(effect.gained), set(effect.lost)) == (can - could, could - can)
    named = [scope for effect in effects for scope in effect.scopes]
    assert len(named) == len(set(named))
    assert WARSAW.scope not in named


@given(holdings(), holdings())
def test_effects_do_not_depend_on_the_order_of_anything(
    before: tuple[Grant, ...], after: tuple[Grant, ...]
) -> None:
    actual = known(ana(*before))
    shuffled = replace(actual, sites=SITES[::-1], permissions=actual.permissions[::-1])

    one, two = Privileges(actual)._reach, Privileges(shuffled)._reach

    assert one.steps(before, after) == two.steps(before[::-1], after[::-1])
