"""What may be taken away over time, at all, and how wide a role may be given; overrides told."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import (
    BERLIN,
    EMEA,
    LYON,
    NOW,
    PLACE,
    RELAXED,
    SOC,
    VIEWER,
    assign,
    gone,
    grant,
    newcomer,
    plan,
    rules,
    user,
    world,
)

from reconciler.domain.access import TENANT, Grant, Level
from reconciler.domain.guardrails import Guardrails, Override, Rolling, ScopeLimit
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Assignment
from reconciler.errors import PolicyError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
WEEK = Rolling(5, timedelta(days=7))


def losing(count: int, guardrails: Guardrails, past: Iterable[datetime] = ()) -> Plan:
    people = [user(str(1000 + n), f"u{n}@acme.example", grant(SOC, BERLIN)) for n in range(count)]
    leavers = tuple(gone(one.name.label) for one in people)
    return plan(world(*people), former=leavers, guardrails=guardrails, past_revokes=tuple(past))


@pytest.mark.parametrize(("past", "lost", "refused"), [(3, 2, False), (4, 2, True), (9, 0, False)])
def test_all_runs_together_take_no_more_than_the_rolling_budget(
    past: int, lost: int, refused: bool
) -> None:
    made = losing(lost, replace(RELAXED, rolling=WEEK), [NOW - HOUR] * past)

    assert ("rolling" in rules(made)) is refused


@pytest.mark.parametrize(
    ("ago", "refused"),
    [(timedelta(days=7), False), (timedelta(days=7) - SECOND, True), (SECOND, True), (-DAY, True)],
)
def test_what_is_older_than_the_budget_reaches_is_forgotten(ago: timedelta, refused: bool) -> None:
    made = losing(1, replace(RELAXED, rolling=WEEK), [NOW - ago] * 5)

    assert ("rolling" in rules(made)) is refused


@pytest.mark.parametrize(("one_run", "budget"), [(5, 20), (19, 20), (20, 20), (21, 21), (40, 40)])
def test_without_a_key_a_day_takes_twenty_or_what_one_run_may(one_run: int, budget: int) -> None:
    guardrails = replace(RELAXED, max_revokes=one_run)

    assert "rolling" not in rules(losing(1, guardrails, [NOW - DAY + SECOND] * (budget - 1)))
    assert "rolling" in rules(losing(1, guardrails, [NOW - DAY + SECOND] * budget))
    assert "rolling" not in rules(losing(1, guardrails, [NOW - DAY] * budget))


def test_lifting_what_one_run_may_take_lifts_the_budget_that_follows_it() -> None:
    lifted = Override("max_revokes", 40, "merger", NOW + HOUR, PLACE)
    guardrails = replace(RELAXED, max_revokes=5, overrides=(lifted,))

    assert rules(losing(30, guardrails)) == []
    assert rules(losing(30, guardrails, [NOW - HOUR] * 11)) == ["rolling"]


def test_the_budget_has_an_override_of_its_own() -> None:
    lifted = Override("rolling", 9, "merger", NOW + HOUR, PLACE)
    guardrails = replace(RELAXED, rolling=WEEK, overrides=(lifted,))

    assert rules(losing(4, guardrails, [NOW - HOUR] * 5)) == []
    assert rules(losing(5, guardrails, [NOW - HOUR] * 5)) == ["rolling"]


@pytest.mark.parametrize(
    ("over", "told"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "minute"),
    ],
)
def test_a_spent_budget_says_what_was_taken_when_and_what_to_do(over: timedelta, told: str) -> None:
    made = losing(1, replace(RELAXED, rolling=Rolling(2, over)), [NOW - SECOND] * 2)

    (refusal,) = made.refusals
    assert refusal.message == (
        f"The plan takes 1 scope away from people, after 2 in the last {told}; all runs together "
        "may take 2 in that time."
    )
    assert "overrides: [{rule: rolling, value: 3, reason: why" in refusal.remedy


def test_an_operation_says_how_many_scopes_it_takes() -> None:
    ana = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    bo = user("11", "bo@acme.example", grant(SOC, BERLIN))
    closed = assign("bo@acme.example", "SOC", "EMEA/Berlin", end=NOW - HOUR)
    base = (assign("bo@acme.example", "Viewer", "EMEA/Lyon"), closed)

    made = plan(world(ana, bo), assign("ana@acme.example", "Viewer", "EMEA/Lyon"), *base, base=base)

    assert {str(op.name): op.taken for op in made.operations} == {
        "ana@acme.example": 1,
        "bo@acme.example": 0,
    }


ADDITIVE = replace(RELAXED, additive_only=True)
ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def test_with_additions_only_nothing_is_taken_from_anybody() -> None:
    more = assign("ana@acme.example", "SOC", "EMEA/Lyon", line=7)
    other = assign("ana@acme.example", "Viewer", "EMEA/Berlin", line=8)

    assert rules(plan(world(ANA), STANDING, more, guardrails=ADDITIVE)) == []
    taken = plan(world(ANA), more, guardrails=ADDITIVE)
    replaced = plan(world(ANA), other, guardrails=ADDITIVE)
    assert rules(taken) == rules(replaced) == ["additive_only"]
    assert replaced.refusals[0].message == (
        "The plan takes something away from ana@acme.example, and the guardrails allow additions "
        "only."
    )
    assert "--no-revokes" in replaced.refusals[0].remedy
    assert [place.line for place in taken.refusals[0].places] == [7]


def test_with_additions_only_and_no_revokes_the_additions_pass() -> None:
    more = assign("ana@acme.example", "SOC", "EMEA/Lyon")

    made = plan(world(ANA), more, guardrails=ADDITIVE, no_revokes=True)

    assert rules(made) == []
    assert len(made.operations) == 1


def test_the_end_of_a_window_that_was_agreed_is_no_taking_away() -> None:
    closed = assign("ana@acme.example", "SOC", "EMEA/Berlin", end=NOW - HOUR)
    wishes = (assign("ana@acme.example", "Viewer", "EMEA/Lyon"), closed)

    assert rules(plan(world(ANA), *wishes, guardrails=ADDITIVE)) == ["additive_only"]
    assert rules(plan(world(ANA), *wishes, guardrails=ADDITIVE, base=wishes)) == []


def test_giving_a_standing_grant_an_end_is_taking_it_away() -> None:
    ended = assign("ana@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR)

    made = plan(world(ANA), ended, guardrails=ADDITIVE, base=(STANDING,))

    assert made.is_empty
    assert made.refusals[0].message.startswith("The plan gives 1 held grant an end, and")


def test_a_long_list_of_those_who_lose_something_is_cut() -> None:
    made = losing(7, ADDITIVE)

    assert "from u0@acme.example, u1@acme.example, u2@acme.example, u3@acme.example, " in (
        made.refusals[0].message
    )
    assert " and 2 more, and the guardrails allow additions only." in made.refusals[0].message


def limited(widest: Level, *roles: str) -> Guardrails:
    return replace(RELAXED, scope_limits=(ScopeLimit(roles or ("SOC",), widest, PLACE),))


ON_TENANT = assign("ana@acme.example", "SOC")
ON_ACCOUNT = assign("ana@acme.example", "SOC", account="EMEA")
ON_SITE = assign("ana@acme.example", "SOC", "EMEA/Lyon")


@pytest.mark.parametrize(
    ("widest", "wish", "refused"),
    [
        (Level.SITE, ON_TENANT, True),
        (Level.SITE, ON_ACCOUNT, True),
        (Level.SITE, ON_SITE, False),
        (Level.ACCOUNT, ON_TENANT, True),
        (Level.ACCOUNT, ON_ACCOUNT, False),
        (Level.ACCOUNT, ON_SITE, False),
    ],
)
def test_a_role_is_newly_given_no_wider_than_its_limit(
    widest: Level, wish: Assignment, refused: bool
) -> None:
    made = plan(world(ANA), wish, guardrails=limited(widest))

    assert (rules(made) == ["scope_limits"]) is refused


def test_a_scope_limit_says_who_what_where_and_what_to_do() -> None:
    (refusal,) = plan(world(ANA), ON_ACCOUNT, guardrails=limited(Level.SITE)).refusals

    assert refusal.message == (
        "ana@acme.example would get SOC on EMEA, the account level; the guardrails allow it no "
        "wider than the site level."
    )
    assert refusal.remedy == "Name the sites that are needed."
    assert refusal.places == (ON_ACCOUNT.members[0].place,)


def test_a_scope_limit_is_about_its_roles_and_what_is_new() -> None:
    held = user("10", "ana@acme.example", grant(SOC, EMEA))
    viewer = assign("ana@acme.example", "Viewer", account="EMEA")

    assert rules(plan(world(held), ON_ACCOUNT, guardrails=limited(Level.SITE))) == []
    assert rules(plan(world(ANA), viewer, guardrails=limited(Level.SITE))) == []
    assert rules(plan(world(ANA), viewer, guardrails=limited(Level.SITE, "SOC", "Viewer"))) == [
        "scope_limits"
    ]


def test_making_a_wide_grant_narrower_is_no_harm_though_still_too_wide() -> None:
    wide = user("10", "ana@acme.example", Grant(TENANT, SOC))
    other = user("10", "ana@acme.example", Grant(TENANT, VIEWER))
    opened = assign("ana@acme.example", "SOC", end=NOW + HOUR)
    closed = assign("ana@acme.example", "SOC", end=NOW - HOUR)

    def ruled(*wishes: Assignment, base: tuple[Assignment, ...] | None = None) -> list[str]:
        return rules(plan(world(wide), *wishes, guardrails=limited(Level.SITE), base=base))

    assert ruled(ON_ACCOUNT) == []
    assert rules(plan(world(other), ON_ACCOUNT, guardrails=limited(Level.SITE))) == ["scope_limits"]
    # Held for a time only, it is no reason to hold a little less of it for good.
    assert ruled(ON_ACCOUNT, closed, base=(closed,)) == ["scope_limits"]
    assert ruled(ON_ACCOUNT, opened, base=(opened,)) == ["scope_limits"]


def test_somebody_invited_and_a_coming_window_meet_the_limit_too() -> None:
    coming = assign("ana@acme.example", "SOC", start=NOW + HOUR, end=NOW + 2 * HOUR)
    invited = assign("new@acme.example", "SOC", account="EMEA")

    assert rules(
        plan(world(ANA), STANDING, coming, base=(STANDING,), guardrails=limited(Level.ACCOUNT))
    ) == ["scope_limits"]
    assert rules(
        plan(
            world(),
            invited,
            users=(newcomer("new@acme.example"),),
            guardrails=limited(Level.SITE),
        )
    ) == ["scope_limits"]


def test_a_scope_limit_about_a_role_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PolicyError) as caught:
        plan(world(ANA), STANDING, guardrails=limited(Level.SITE, "SOCC"))

    assert caught.value.problems[0].code == "unknown-role"


def test_overrides_are_told_in_every_plan_and_so_is_their_end() -> None:
    until = NOW + timedelta(days=9)
    guardrails = replace(
        RELAXED,
        overrides=(
            Override("max_revokes", 40, "merger", until, PLACE),
            Override("max_revoke_fraction", 0.5, "merger", NOW, PLACE),
            Override("max_revokes", 90, "shadowed", until, PLACE),
        ),
    )

    made = plan(world(ANA), STANDING, guardrails=guardrails)

    assert [(one.code, one.message, one.place) for one in made.warnings] == [
        (
            "override-ended",
            "The override of max_revoke_fraction to 0.5 ended at 2026-11-22T09:00:00Z: merger",
            PLACE,
        ),
        (
            "override-in-force",
            "max_revokes is lifted to 40 until 2026-12-01T09:00:00Z: merger",
            PLACE,
        ),
    ]
