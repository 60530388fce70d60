"""What stands against a plan: each limit just below, at and above; each rule alone."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    EMEA,
    LYON,
    NOW,
    PLACE,
    RELAXED,
    SOC,
    US,
    VIEWER,
    WARSAW,
    assign,
    gone,
    grant,
    newcomer,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.guardrails import (
    Guardrails,
    Override,
    PrivilegedRule,
    SeparationRule,
    Unlisted,
)
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Assignment, Policy
from reconciler.domain.state import Principal
from reconciler.errors import PolicyError
from reconciler.planning.pinning import make_pins, to_pin

HOUR = timedelta(hours=1)


def people(count: int, *grants_of_each: object) -> list[Principal]:
    held = grants_of_each or (grant(SOC, BERLIN),)
    return [user(str(1000 + n), f"u{n}@acme.example", *held) for n in range(count)]  # type: ignore[arg-type]


def offboard(count: int, total: int, guardrails: Guardrails) -> Plan:
    everybody = people(total)
    stay = [p.name.label for p in everybody[count:]]
    return plan(
        world(*everybody),
        assign(stay, "SOC", "EMEA/Berlin"),
        former=tuple(gone(p.name.label) for p in everybody[:count]),
        guardrails=guardrails,
    )


@pytest.mark.parametrize(("lost", "refused"), [(4, False), (5, False), (6, True)])
def test_at_most_max_revokes_scopes_are_lost(lost: int, refused: bool) -> None:
    made = offboard(lost, 100, replace(RELAXED, max_revokes=5))

    assert ("max_revokes" in rules(made)) is refused


@pytest.mark.parametrize(
    ("there", "lost", "refused"),
    [
        (1, 1, False),
        (2, 1, False),
        (3, 1, False),
        (3, 2, True),
        (9, 1, False),
        (9, 2, True),
        (10, 1, False),
        (10, 2, True),
        (11, 1, False),
        (11, 2, True),
        (20, 2, False),
        (20, 3, True),
        (100, 10, False),
        (100, 11, True),
    ],
)
def test_a_scope_loses_at_most_its_share_and_always_one(
    there: int, lost: int, refused: bool
) -> None:
    made = offboard(lost, there, replace(RELAXED, max_revoke_fraction=0.10))

    assert ("max_revoke_fraction" in rules(made)) is refused


def suggested_share(made: Plan) -> float:
    """Return the one value that the refusals of a share suggest for an override."""
    told = {
        re.search(r"rule: max_revoke_fraction, value: ([0-9.]+),", refusal.remedy)[1]  # type: ignore[index]
        for refusal in made.refusals
        if refusal.rule == "max_revoke_fraction"
    }
    (value,) = told
    return float(value)


@pytest.mark.parametrize("there", [3, 7, 9, 11, 23, 300])
def test_the_share_suggested_for_an_override_lets_that_plan_pass_and_none_that_takes_more(
    there: int,
) -> None:
    strict = replace(RELAXED, max_revokes=there, max_revoke_fraction=0.0)
    for lost in {2, 3, there // 2, there - 1, there} - {0, 1}:
        value = suggested_share(offboard(lost, there, strict))
        override = Override("max_revoke_fraction", value, "merger", NOW + HOUR, PLACE)
        lifted = replace(strict, overrides=(override,))

        assert rules(offboard(lost, there, lifted)) == [], (lost, value)
        if lost < there:
            assert rules(offboard(lost + 1, there, lifted)) == ["max_revoke_fraction"]


def test_of_two_scopes_the_suggested_share_is_enough_for_both() -> None:
    berlin, lyon = people(9), people(7, grant(SOC, LYON))
    lyon = [
        replace(one, id=f"5{one.id}", name=PrincipalName.parse(f"l{one.name.label}"))
        for one in lyon
    ]
    strict = replace(RELAXED, max_revokes=99, max_revoke_fraction=0.1)

    def leave(guardrails: Guardrails) -> Plan:
        return plan(
            world(*berlin, *lyon),
            assign([one.name.label for one in berlin[2:]], "SOC", "EMEA/Berlin"),
            assign([one.name.label for one in lyon[3:]], "SOC", "EMEA/Lyon"),
            former=tuple(gone(one.name.label) for one in (*berlin[:2], *lyon[:3])),
            guardrails=guardrails,
        )

    value = suggested_share(leave(strict))
    override = Override("max_revoke_fraction", value, "merger", NOW + HOUR, PLACE)

    assert rules(leave(replace(strict, overrides=(override,)))) == []


def test_a_role_replacement_counts_as_no_revoke() -> None:
    everybody = people(3)
    strict = replace(RELAXED, max_revokes=0, max_revoke_fraction=0.0)

    made = plan(
        world(*everybody),
        assign([p.name.label for p in everybody], "Viewer", "EMEA/Berlin"),
        guardrails=strict,
    )

    assert rules(made) == []


def test_a_level_change_counts_once_for_every_scope_it_leaves() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    wish = assign("ana@acme.example", "SOC", account="EMEA")

    assert rules(plan(world(ana), wish, guardrails=replace(RELAXED, max_revokes=2))) == []
    assert rules(plan(world(ana), wish, guardrails=replace(RELAXED, max_revokes=1))) == [
        "max_revokes"
    ]


@pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, True), (1, False)])
def test_an_override_lifts_one_limit_until_its_date(days: int, refused: bool) -> None:
    override = Override("max_revokes", 40, "merger", NOW + timedelta(days=days), PLACE)

    made = offboard(6, 100, replace(RELAXED, max_revokes=5, overrides=(override,)))

    assert ("max_revokes" in rules(made)) is refused


def test_an_override_of_one_limit_leaves_the_others() -> None:
    override = Override("max_revokes", 40, "merger", NOW + HOUR, PLACE)
    strict = replace(RELAXED, max_revokes=5, max_revoke_fraction=0.01, overrides=(override,))

    assert rules(offboard(6, 100, strict)) == ["max_revoke_fraction"]


def admins(count: int) -> list[Principal]:
    return [user(str(2000 + n), f"admin{n}@acme.example", grant(ADMIN, EMEA)) for n in range(count)]


def demote_first(everybody: list[Principal]) -> Plan:
    """Lower the first admin to Viewer, keep the others."""
    first, *others = everybody
    return plan(
        world(*everybody),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign([p.name.label for p in others], "Admin", account="EMEA"),
        guardrails=replace(RELAXED, min_admins=2),
    )


@pytest.mark.parametrize(("count", "refused"), [(4, False), (3, False), (2, True), (1, True)])
def test_a_scope_keeps_min_admins(count: int, refused: bool) -> None:
    assert ("min_admins" in rules(demote_first(admins(count)))) is refused


def test_an_admin_who_cannot_log_in_does_not_count() -> None:
    real, asleep = admins(2), user("2100", "z@acme.example", grant(ADMIN, EMEA), can_log_in=False)

    assert rules(demote_first([*real, asleep])) == ["min_admins"]


def test_service_users_are_no_admins_who_could_log_in() -> None:
    robot = service("50", "robot", grant(ADMIN, EMEA))

    assert rules(demote_first([*admins(2), robot])) == ["min_admins"]


def test_admins_above_count_for_the_scopes_below() -> None:
    above = user("2100", "root@acme.example", grant(ADMIN))
    local = user("2101", "local@acme.example", grant(ADMIN, BERLIN))
    other = user("2102", "other@acme.example", grant(ADMIN, EMEA))

    made = plan(
        world(above, local, other),
        assign("root@acme.example", "Admin"),
        assign("other@acme.example", "Admin", account="EMEA"),
        assign("local@acme.example", "Viewer", "EMEA/Berlin"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == []


def test_an_admin_for_a_window_is_no_standing_admin() -> None:
    first, second, third = admins(3)

    made = plan(
        world(first, second, third),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign(second.name.label, "Admin", account="EMEA"),
        assign(third.name.label, "Viewer", account="EMEA"),
        assign(third.name.label, "Admin", account="EMEA", end=NOW + HOUR),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert "min_admins" in rules(made)


def test_a_state_that_already_falls_short_is_refused_only_where_it_gets_worse() -> None:
    lonely = admins(1)
    ana = user("10", "ana@acme.example", grant(SOC, LYON))

    made = plan(
        world(*lonely, ana),
        assign(lonely[0].name.label, "Admin", account="EMEA"),
        assign("ana@acme.example", "Viewer", "EMEA/Lyon"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == []


def test_an_invited_admin_cannot_log_in_yet_and_does_not_count() -> None:
    first, second = admins(2)

    made = plan(
        world(first, second),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign([second.name.label, "new@acme.example"], "Admin", account="EMEA"),
        users=(newcomer("new@acme.example"),),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == ["min_admins"]


def test_an_admin_whom_the_plan_itself_makes_does_not_count_yet() -> None:
    # Making the heir may fail, and unmaking the old admin succeed.
    first, second = admins(2)
    heir = user("2200", "heir@acme.example", grant(VIEWER, EMEA))

    made = plan(
        world(first, second, heir),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign([second.name.label, heir.name.label], "Admin", account="EMEA"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == ["min_admins"]


def test_admins_who_change_places_count_on_neither_side() -> None:
    ana, ben = (user(str(n), f"{n}@acme.example", grant(ADMIN, EMEA)) for n in (31, 32))
    cy, dee = (user(str(n), f"{n}@acme.example", grant(ADMIN, US)) for n in (33, 34))

    made = plan(
        world(ana, ben, cy, dee),
        assign([ana.name.label, dee.name.label], "Admin", account="US"),
        assign([ben.name.label, cy.name.label], "Admin", account="EMEA"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == ["min_admins", "min_admins"]


def test_an_admin_raised_to_the_tenant_stays_an_admin_below() -> None:
    first, second = admins(2)

    made = plan(
        world(first, second),
        assign([first.name.label, second.name.label], "Admin"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == []


def test_new_admins_are_made_before_others_are_changed() -> None:
    first = user("2200", "a-first@acme.example", grant(ADMIN, EMEA))
    heir = user("2201", "z-heir@acme.example", grant(VIEWER, EMEA))

    made = plan(
        world(first, heir),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign(heir.name.label, "Admin", account="EMEA"),
    )

    assert [op.name.label for op in made.operations] == [heir.name.label, first.name.label]


def test_closing_an_admins_window_does_not_count_against_the_floor() -> None:
    first, second = admins(2)
    boss = user("2300", "boss@acme.example", grant(VIEWER, LYON), grant(ADMIN, BERLIN))
    standing = (
        assign([first.name.label, second.name.label], "Admin", account="EMEA"),
        assign("boss@acme.example", "Viewer", "EMEA/Lyon"),
        assign("boss@acme.example", "Admin", "EMEA/Berlin", end=NOW - HOUR),
    )
    strict = replace(RELAXED, min_admins=3)

    assert rules(plan(world(first, second, boss), *standing, guardrails=strict)) == ["min_admins"]
    assert (
        rules(plan(world(first, second, boss), *standing, guardrails=strict, base=standing)) == []
    )


def test_giving_a_standing_admin_an_end_counts_as_losing_the_admin() -> None:
    first, second = admins(2)
    held = assign([first.name.label, second.name.label], "Admin", account="EMEA")
    ended = (
        assign(second.name.label, "Admin", account="EMEA"),
        assign(first.name.label, "Admin", account="EMEA", end=NOW + HOUR),
    )
    strict = replace(RELAXED, min_admins=2)

    made = plan(world(first, second), *ended, guardrails=strict, base=(held,))

    assert made.is_empty
    assert "min_admins" in rules(made)


def test_a_window_beside_the_same_standing_grant_gives_it_no_end() -> None:
    first, second = admins(2)
    held = assign([first.name.label, second.name.label], "Admin", account="EMEA")
    beside = assign(first.name.label, "Admin", account="EMEA", end=NOW + HOUR)
    strict = replace(RELAXED, min_admins=2, max_revokes=0, protected=(first.name,))

    made = plan(world(first, second), held, beside, guardrails=strict, base=(held,))

    assert made.is_empty
    assert rules(made) == []


def test_giving_many_standing_grants_an_end_counts_as_taking_them_away() -> None:
    everybody = people(20)
    names = [p.name.label for p in everybody]
    held = assign(names, "SOC", "EMEA/Berlin")
    bomb = assign(names, "SOC", "EMEA/Berlin", end=NOW + HOUR)
    limit = replace(RELAXED, max_revokes=5)

    made = plan(world(*everybody), bomb, guardrails=limit, base=(held,))

    assert rules(made) == ["max_revokes"]
    assert "giving a held grant an end" in made.refusals[0].message
    assert rules(plan(world(*everybody), bomb, guardrails=limit, base=(bomb,))) == []


def test_a_window_invented_to_have_closed_long_ago_forgives_nothing() -> None:
    everybody = [
        user(str(1000 + n), f"u{n}@acme.example", grant(SOC, BERLIN), grant(VIEWER, LYON))
        for n in range(20)
    ]
    names = [p.name.label for p in everybody]
    kept = assign(names, "Viewer", "EMEA/Lyon")
    invented = assign(names, "SOC", "EMEA/Berlin", end=NOW - timedelta(days=365))
    limit = replace(RELAXED, max_revokes=5)

    for base in (None, (kept,), (kept, assign(names, "SOC", "EMEA/Berlin"), invented)):
        made = plan(world(*everybody), kept, invented, guardrails=limit, base=base)
        assert rules(made) == ["max_revokes"]


def test_a_protected_principal_gets_no_end() -> None:
    held = user("10", "glass@acme.example", grant(ADMIN, EMEA))
    guardrails = replace(RELAXED, protected=(PrincipalName.user("glass@acme.example"),))

    made = plan(
        world(held),
        assign("glass@acme.example", "Admin", account="EMEA", end=NOW + HOUR),
        base=(assign("glass@acme.example", "Admin", account="EMEA"),),
        guardrails=guardrails,
    )

    assert rules(made) == ["protected"]


def test_a_scope_short_of_admins_is_reported() -> None:
    (lonely,) = admins(1)

    made = plan(
        world(lonely),
        assign(lonely.name.label, "Admin", account="EMEA"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert [w.message for w in made.warnings] == [
        "EMEA has 1 admin who can log in; the guardrails ask for more."
    ]


def test_a_protected_name_that_is_not_there_is_reported() -> None:
    guardrails = replace(RELAXED, protected=(PrincipalName.user("glas@acme.example"),))

    made = plan(world(ANA), STANDING, guardrails=guardrails)

    assert [warning.code for warning in made.warnings] == ["protected-absent"]


@pytest.mark.parametrize("text", ["Admin", "tenant/Admin", "id:1"])
def test_the_roles_of_a_rule_may_be_written_in_every_form(text: str) -> None:
    wish = assign("ana@acme.example", "Admin", account="EMEA")
    both = (STANDING, assign("ana@acme.example", "Admin", "EMEA/Lyon"))
    apart = replace(RELAXED, separation_of_duties=(SeparationRule("x", ("SOC", text), PLACE),))

    assert rules(
        plan(world(ANA), wish, guardrails=privileged(roles=(text,), standing_allowed=False))
    ) == ["privileged"]
    assert rules(plan(world(ANA), *both, guardrails=apart)) == ["separation_of_duties"]


def test_a_rule_about_a_role_that_is_not_there_is_an_error_not_a_silent_gap() -> None:
    with pytest.raises(PolicyError) as caught:
        plan(world(ANA), STANDING, guardrails=privileged(roles=("Adminn",)))

    (problem,) = caught.value.problems
    assert (problem.code, problem.remedy) == ("unknown-role", 'Did you mean "Admin"?')


def test_back_to_back_windows_are_one_long_window_for_a_privileged_role() -> None:
    windows = [
        assign(
            "ana@acme.example",
            "Admin",
            account="EMEA",
            start=NOW + n * HOUR,
            end=NOW + (n + 1) * HOUR,
        )
        for n in range(3)
    ]

    made = plan(world(ANA), STANDING, *windows, guardrails=privileged(max_duration=2 * HOUR))

    assert rules(made) == ["privileged"]


def test_a_privileged_window_that_is_open_may_not_be_lengthened_or_made_standing() -> None:
    held = user("10", "ana@acme.example", grant(ADMIN, EMEA))
    short = assign("ana@acme.example", "Admin", account="EMEA", start=NOW - HOUR, end=NOW + HOUR)
    long = assign("ana@acme.example", "Admin", account="EMEA", start=NOW - HOUR, end=NOW + 9 * HOUR)
    forever = assign("ana@acme.example", "Admin", account="EMEA")
    guardrails = privileged(max_duration=2 * HOUR, standing_allowed=False)

    def ruled(*wishes: Assignment, base: tuple[Assignment, ...]) -> list[str]:
        return rules(plan(world(held), *wishes, guardrails=guardrails, base=base))

    assert ruled(short, base=(short,)) == []
    assert ruled(long, base=(short,)) == ["privileged"]
    assert ruled(forever, base=(short,)) == ["privileged"]


def test_a_coming_privileged_window_is_judged_when_it_is_written() -> None:
    coming = assign(
        "ana@acme.example", "Admin", account="EMEA", start=NOW + HOUR, end=NOW + 9 * HOUR
    )
    guardrails = privileged(max_duration=2 * HOUR)

    made = plan(world(ANA), STANDING, coming, guardrails=guardrails, base=(STANDING,))

    assert made.is_empty
    assert rules(made) == ["privileged"]


def test_an_outsider_may_lose_admin_for_less() -> None:
    outsider = user("11", "bo@other.example", grant(ADMIN, EMEA))
    guardrails = replace(RELAXED, allowed_domains=("ACME.example",))

    lowered = plan(
        world(outsider), assign("bo@other.example", "Viewer", account="EMEA"), guardrails=guardrails
    )
    raised = plan(
        world(user("11", "bo@other.example", grant(VIEWER, EMEA))),
        assign("bo@other.example", "Admin", account="EMEA"),
        guardrails=guardrails,
    )

    assert rules(lowered) == []
    assert rules(raised) == ["allowed_domains"]


def test_a_share_is_the_decimal_number_that_is_written() -> None:
    assert "max_revoke_fraction" not in rules(
        offboard(29, 100, replace(RELAXED, max_revoke_fraction=0.29))
    )


@pytest.mark.parametrize("role", ["Viewer", None])
def test_nothing_of_a_protected_principal_is_removed(role: str | None) -> None:
    held = user("10", "glass@acme.example", grant(ADMIN, EMEA))
    wish = [assign("glass@acme.example", role, account="EMEA")] if role else []
    leavers = () if role else (gone("glass@acme.example"),)
    guardrails = replace(RELAXED, protected=(PrincipalName.user("Glass@acme.example"),))

    made = plan(world(held), *wish, former=leavers, guardrails=guardrails)

    assert rules(made) == ["protected"]


def test_a_protected_principal_may_gain_and_may_be_raised_to_admin() -> None:
    held = user("10", "glass@acme.example", grant(VIEWER, BERLIN))
    guardrails = replace(RELAXED, protected=(PrincipalName.user("glass@acme.example"),))

    more = plan(
        world(held), assign("glass@acme.example", "Viewer", "EMEA/*"), guardrails=guardrails
    )
    raised = plan(
        world(held), assign("glass@acme.example", "Admin", account="EMEA"), guardrails=guardrails
    )

    assert rules(more) == rules(raised) == []


@pytest.mark.parametrize("label", ["service:robot", "service:id:50"])
def test_a_protected_service_user_may_be_named_by_id(label: str) -> None:
    robot = service("50", "robot", grant(SOC, BERLIN))
    guardrails = replace(RELAXED, protected=(PrincipalName.parse(label),))

    made = plan(
        world(robot), assign("service:robot", "Viewer", "EMEA/Berlin"), guardrails=guardrails
    )

    assert rules(made) == ["protected"]


@pytest.mark.parametrize("principal_id", ["900", "50"])
def test_the_tools_own_identity_loses_nothing(principal_id: str) -> None:
    # Known by its id, or by the service user's name behind the synthetic address.
    own = service(principal_id, "reconciler", grant(ADMIN))

    made = plan(world(own), assign("service:reconciler", "Viewer"), guardrails=RELAXED)

    assert rules(made) == ["own_identity"]


def test_unlisted_revoke_never_takes_the_tools_own_identity() -> None:
    own = service("900", "reconciler", grant(ADMIN))

    assert plan(world(own), guardrails=replace(RELAXED, unlisted=Unlisted.REVOKE)).is_empty


def privileged(**rule: object) -> Guardrails:
    given: dict[str, object] = {
        "roles": ("Admin",),
        "max_duration": None,
        "require_reason": False,
        "standing_allowed": True,
        "place": PLACE,
        **rule,
    }
    return replace(RELAXED, privileged=(PrivilegedRule(**given),))  # type: ignore[arg-type]


ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


@pytest.mark.parametrize(("minutes", "refused"), [(119, False), (120, False), (121, True)])
def test_a_privileged_role_is_held_no_longer_than_its_rule_says(
    minutes: int, refused: bool
) -> None:
    window = assign(
        "ana@acme.example", "Admin", account="EMEA", start=NOW, end=NOW + timedelta(minutes=minutes)
    )

    made = plan(world(ANA), STANDING, window, guardrails=privileged(max_duration=2 * HOUR))

    assert ("privileged" in rules(made)) is refused


def test_an_open_ended_window_is_too_long_for_a_privileged_role() -> None:
    window = assign("ana@acme.example", "Admin", account="EMEA", start=NOW)

    made = plan(world(ANA), STANDING, window, guardrails=privileged(max_duration=2 * HOUR))

    assert rules(made) == ["privileged"]


@pytest.mark.parametrize(("reason", "refused"), [(None, True), ("INC-1", False)])
def test_a_privileged_role_needs_a_reason_when_its_rule_says_so(
    reason: str | None, refused: bool
) -> None:
    window = assign("ana@acme.example", "Admin", account="EMEA", end=NOW + HOUR, reason=reason)

    made = plan(world(ANA), STANDING, window, guardrails=privileged(require_reason=True))

    assert (rules(made) == ["privileged"]) is refused


def test_a_privileged_role_may_be_forbidden_as_a_standing_grant() -> None:
    wish = assign("ana@acme.example", "Admin", account="EMEA")

    assert rules(plan(world(ANA), wish, guardrails=privileged(standing_allowed=False))) == [
        "privileged"
    ]
    assert rules(plan(world(ANA), wish, guardrails=privileged())) == []


def test_nothing_is_granted_outside_the_allowed_domains() -> None:
    stranger = user("11", "bo@other.example", grant(SOC, BERLIN))
    guardrails = replace(RELAXED, allowed_domains=("acme.example",))

    granted = plan(
        world(stranger), assign("bo@other.example", "SOC", "EMEA/B*"), guardrails=guardrails
    )
    untouched = plan(
        world(stranger), assign("bo@other.example", "SOC", "EMEA/Berlin"), guardrails=guardrails
    )
    inside = plan(world(ANA), assign("ana@ACME.example", "SOC", "EMEA/*"), guardrails=guardrails)

    assert rules(granted) == ["allowed_domains"]
    assert rules(untouched) == rules(inside) == []


def test_nobody_comes_to_hold_roles_that_must_be_apart() -> None:
    guardrails = replace(
        RELAXED, separation_of_duties=(SeparationRule("four-eyes", ("SOC", "Viewer"), PLACE),)
    )
    both = (STANDING, assign("ana@acme.example", "Viewer", "EMEA/Lyon"))
    has_both = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(VIEWER, LYON))

    assert rules(plan(world(ANA), *both, guardrails=guardrails)) == ["separation_of_duties"]
    assert rules(plan(world(has_both), *both, guardrails=guardrails)) == []


def test_one_role_of_those_that_must_be_apart_is_no_harm() -> None:
    guardrails = replace(
        RELAXED, separation_of_duties=(SeparationRule("four-eyes", ("SOC", "Viewer"), PLACE),)
    )

    more = assign("ana@acme.example", "SOC", "EMEA/Lyon")

    assert rules(plan(world(ANA), STANDING, more, guardrails=guardrails)) == []


def test_a_refusal_names_what_to_do() -> None:
    (refusal,) = offboard(6, 100, replace(RELAXED, max_revokes=5)).refusals

    assert refusal.message == (
        "The plan takes 6 scopes away from people; at most 5 are allowed in one run "
        "(a replaced role takes none away)."
    )
    assert "overrides: [{rule: max_revokes, value: 6, reason: why" in refusal.remedy


def test_a_lost_grant_on_a_deleted_site_counts_for_nothing() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, WARSAW))

    made = plan(
        world(held),
        assign("ana@acme.example", "SOC", "EMEA/Berlin", "US/Austin"),
        guardrails=replace(RELAXED, max_revokes=0, max_revoke_fraction=0.0),
    )

    assert rules(made) == []


def test_the_consoles_own_admins_do_not_count() -> None:
    first, second = admins(2)
    vendor = user("2400", "vendor@mgmt.example", grant(ADMIN), is_system=True)

    assert rules(demote_first([first, second])) == ["min_admins"]
    made = plan(
        world(first, second, vendor),
        assign(first.name.label, "Viewer", account="EMEA"),
        assign(second.name.label, "Admin", account="EMEA"),
        guardrails=replace(RELAXED, min_admins=2),
    )

    assert rules(made) == ["min_admins"]


def test_the_tools_own_identity_may_gain() -> None:
    own = service("900", "reconciler", grant(SOC, BERLIN))

    made = plan(world(own), assign("service:reconciler", "SOC", "EMEA/Berlin", "EMEA/Lyon"))

    assert rules(made) == []
    assert len(made.operations) == 1


def test_a_protected_principal_is_protected_under_another_address_too() -> None:
    """Somebody renames the break-glass account in the console, and then lists it as former."""
    then = user("10", "breakglass@acme.example", grant(ADMIN))
    now = user("10", "bg2@acme.example", grant(ADMIN))
    strict = replace(RELAXED, protected=(then.name,))
    pins = make_pins(to_pin(Policy(), strict, world(then), None, NOW), world(then))[0]

    made = plan(world(now), former=(gone("bg2@acme.example"),), guardrails=strict, pins=pins)

    assert rules(made) == ["protected"]
