"""Every limit just below, at and just above, for fleets of every size; each override alone (R14).

The numbers expected are worked out here with whole numbers, from the contract.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    EMEA,
    NOW,
    PLACE,
    RELAXED,
    SOC,
    assign,
    grant,
    plan,
    rules,
    user,
    world,
)

from reconciler.domain.access import Grant
from reconciler.domain.guardrails import Guardrails, Override, Rolling

FLEETS = (0, 1, 2, 3, 9, 10, 11, 100, 10_000)
HOUR = timedelta(hours=1)
AROUND = (-1, 0, 1)
MANY = 1000


def around(limit: int, most: int) -> Iterator[int]:
    """Just below, at and just above a limit, as far as there are so many."""
    return (limit + step for step in AROUND if 0 <= limit + step <= most)


def ruled(
    fleet: int, lost: int, guardrails: Guardrails, held: Grant, past: tuple[datetime, ...] = ()
) -> list[str]:
    """Move some of a fleet, one grant each, to another site; return the rules that refuse it."""
    people = [user(str(10**6 + n), f"u{n}@acme.example", held) for n in range(fleet)]
    return rules(
        plan(
            world(*people),
            *(
                [assign([one.name.label for one in people[:lost]], "SOC", "EMEA/Lyon")]
                if lost
                else []
            ),
            guardrails=guardrails,
            past_revokes=past,
        )
    )


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("limit", [0, 5])
def test_max_revokes_for_every_fleet(fleet: int, limit: int) -> None:
    guardrails = replace(RELAXED, max_revokes=limit)

    decided = {
        lost: ruled(fleet, lost, guardrails, grant(SOC, BERLIN)) for lost in around(limit, fleet)
    }

    assert decided == {lost: ["max_revokes"] if lost > limit else [] for lost in decided}


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("percent", [0, 10, 29])
def test_max_revoke_fraction_for_every_fleet(fleet: int, percent: int) -> None:
    guardrails = replace(RELAXED, max_revokes=10**6, max_revoke_fraction=percent / 100)
    limit = max(1, fleet * percent // 100)

    decided = {
        lost: ruled(fleet, lost, guardrails, grant(SOC, BERLIN)) for lost in around(limit, fleet)
    }

    assert decided == {lost: ["max_revoke_fraction"] if lost > limit else [] for lost in decided}


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("floor", [2, 5])
def test_min_admins_for_every_fleet(fleet: int, floor: int) -> None:
    guardrails = replace(RELAXED, max_revokes=10**6, min_admins=floor)
    # Of a large fleet only few leave: the floor is near in small ones.
    remaining = {fleet, max(0, fleet - 1)} if fleet > MANY else {*around(floor, fleet), fleet}

    decided = {
        kept: ruled(fleet, fleet - kept, guardrails, grant(ADMIN, EMEA)) for kept in remaining
    }

    assert decided == {
        kept: ["min_admins"] if kept < min(floor, fleet) else [] for kept in remaining
    }


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("past", [0, 1, 8, 9])
def test_the_rolling_budget_for_every_fleet(fleet: int, past: int) -> None:
    guardrails = replace(RELAXED, rolling=Rolling(9, timedelta(days=7)))
    earlier = (NOW - HOUR,) * past

    decided = {
        lost: ruled(fleet, lost, guardrails, grant(SOC, BERLIN), earlier)
        for lost in around(9 - past, fleet)
    }

    assert decided == {lost: ["rolling"] if lost and lost + past > 9 else [] for lost in decided}


STRICT = replace(
    RELAXED,
    max_revokes=2,
    max_revoke_fraction=0.1,
    min_admins=9,
    rolling=Rolling(4, timedelta(days=7)),
)
LIFTED = {"max_revokes": 3, "max_revoke_fraction": 0.3, "min_admins": 7, "rolling": 5}
"""Ten admins, of whom three are lost, two more having gone before: this is just enough."""


@pytest.mark.parametrize("rule", sorted(LIFTED))
@pytest.mark.parametrize("step", AROUND)
@pytest.mark.parametrize("seconds", AROUND)
def test_each_override_lifts_its_own_limit_to_its_own_value_until_its_own_end(
    rule: str, step: int, seconds: int
) -> None:
    # One more admin than needed, one revoke more than allowed, one percent less.
    size = 0.1 if rule == "max_revoke_fraction" else -1 if rule == "min_admins" else 1
    until = NOW + timedelta(seconds=seconds)
    override = Override(rule, LIFTED[rule] + step * size, "merger", until, PLACE)
    guardrails = replace(STRICT, overrides=(override,))

    refused = ruled(10, 3, guardrails, grant(ADMIN, EMEA), (NOW - HOUR,) * 2)

    is_lifted = seconds > 0 and step >= 0
    assert set(refused) == set(LIFTED) - ({rule} if is_lifted else set())


def test_all_overrides_together_lift_all_limits() -> None:
    overrides = tuple(
        Override(rule, value, "merger", NOW + HOUR, PLACE) for rule, value in LIFTED.items()
    )

    past = (NOW - HOUR,) * 2

    assert ruled(10, 3, replace(STRICT, overrides=overrides), grant(ADMIN, EMEA), past) == []
