"""Windows at their simplest: open means in force, else absent."""

from dataclasses import replace
from datetime import timedelta

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
    lines,
    newcomer,
    plan,
    rules,
    user,
    world,
)

from reconciler.domain.guardrails import NothingLeft
from reconciler.domain.plan import Reason
from reconciler.errors import PolicyError

HOUR = timedelta(hours=1)
ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


@pytest.mark.parametrize(
    ("offset", "is_open"),
    [(-1, False), (0, True), (1, True), (3599, True), (3600, False), (3601, False)],
)
def test_a_window_is_open_from_its_start_until_just_before_its_end(
    offset: int, is_open: bool
) -> None:
    wish = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW, end=NOW + HOUR)

    made = plan(world(ANA), STANDING, wish, now=NOW + timedelta(seconds=offset))

    assert lines(made) == (["+ ana@acme.example Viewer on EMEA/Lyon"] if is_open else [])


def test_an_open_window_wins_on_its_scopes_and_all_else_stays() -> None:
    both = assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon")
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))
    window = assign(
        "ana@acme.example", "Admin", "EMEA/Lyon", end=NOW + HOUR, reason="INC-1 containment"
    )

    made = plan(world(held), both, window)

    assert lines(made) == [
        "+ ana@acme.example Admin on EMEA/Lyon",
        "- ana@acme.example SOC on EMEA/Lyon",
    ]
    opened, suspended = made.operations[0].changes
    assert opened.reason is Reason.WINDOW_OPENED
    assert suspended.reason is Reason.SUSPENDED
    assert opened.window is not None
    assert (opened.window.end, opened.note) == (NOW + HOUR, "INC-1 containment")


def test_a_window_at_a_wider_level_replaces_the_whole_list_while_it_is_open() -> None:
    window = assign("ana@acme.example", "Admin", account="EMEA", end=NOW + HOUR)

    made = plan(world(ANA), STANDING, window)

    assert lines(made) == [
        "+ ana@acme.example Admin on EMEA",
        "- ana@acme.example SOC on EMEA/Berlin",
    ]


def test_when_a_window_closes_the_standing_grants_come_back() -> None:
    held = user("10", "ana@acme.example", grant(ADMIN, EMEA))
    window = assign("ana@acme.example", "Admin", account="EMEA", end=NOW - HOUR)

    made = plan(world(held), STANDING, window)

    assert lines(made) == [
        "+ ana@acme.example SOC on EMEA/Berlin",
        "- ana@acme.example Admin on EMEA",
    ]
    assert made.operations[0].changes[1].reason is Reason.WINDOW_CLOSED


def test_closing_a_window_counts_towards_no_limit() -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(ADMIN, LYON))
    window = assign("ana@acme.example", "Admin", "EMEA/Lyon", end=NOW - HOUR)

    closing = plan(
        world(held),
        STANDING,
        window,
        guardrails=replace(RELAXED, max_revokes=0),
        base=(STANDING, window),
    )
    plain = plan(world(held), STANDING, guardrails=replace(RELAXED, max_revokes=0))

    assert rules(closing) == []
    assert rules(plain) == ["max_revokes"]


def test_a_window_whose_end_would_leave_nothing_is_refused_before_it_opens() -> None:
    coming = assign("new@acme.example", "SOC", "EMEA/Berlin", start=NOW + HOUR, end=NOW + 2 * HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)
    invited = (newcomer("new@acme.example"),)

    assert rules(plan(world(), coming, users=invited, guardrails=careful)) == ["nothing_left"]
    assert rules(plan(world(), coming, users=invited)) == []


def test_a_gap_between_two_windows_leaves_nothing_too() -> None:
    first = assign("new@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR)
    second = assign("new@acme.example", "SOC", "EMEA/Berlin", start=NOW + 2 * HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    made = plan(world(), first, second, users=(newcomer("new@acme.example"),), guardrails=careful)

    assert rules(made) == ["nothing_left"]


def test_windows_that_meet_leave_no_gap() -> None:
    first = assign("new@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR)
    second = assign("new@acme.example", "SOC", "EMEA/Berlin", start=NOW + HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    made = plan(world(), first, second, users=(newcomer("new@acme.example"),), guardrails=careful)

    assert rules(made) == []


def test_overlapping_windows_of_one_triple_unite_to_the_widest() -> None:
    first = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW - HOUR, end=NOW + HOUR)
    second = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW, end=NOW + 3 * HOUR)

    made = plan(world(ANA), STANDING, first, second)

    window = made.operations[0].changes[0].window
    assert window is not None
    assert (window.start, window.end) == (NOW - HOUR, NOW + 3 * HOUR)


def test_a_closed_window_on_a_vanished_site_does_not_stop_a_plan() -> None:
    window = assign("ana@acme.example", "Viewer", "EMEA/Nowhere", end=NOW - HOUR)

    assert plan(world(ANA), STANDING, window).is_empty


def test_a_coming_window_on_an_unknown_site_stops_the_plan_already_now() -> None:
    window = assign("ana@acme.example", "Viewer", "EMEA/Nowhere", start=NOW + HOUR)

    with pytest.raises(PolicyError) as caught:
        plan(world(ANA), STANDING, window)

    assert [problem.code for problem in caught.value.problems] == ["unknown-site"]


def test_a_coming_window_for_somebody_unknown_is_told_before_it_opens() -> None:
    window = assign("who@acme.example", "Viewer", "EMEA/Lyon", start=NOW + HOUR)

    with pytest.raises(PolicyError) as caught:
        plan(world(ANA), STANDING, window)

    assert [problem.code for problem in caught.value.problems] == ["unknown-user"]


def test_a_window_at_a_narrower_level_needs_replaces_standing() -> None:
    held = user("10", "ana@acme.example", grant(VIEWER, EMEA))
    standing = assign("ana@acme.example", "Viewer", account="EMEA")

    with pytest.raises(PolicyError):
        plan(
            world(held), standing, assign("ana@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR)
        )
    made = plan(
        world(held),
        standing,
        assign("ana@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR, replaces_standing=True),
    )

    assert lines(made) == [
        "+ ana@acme.example SOC on EMEA/Berlin",
        "- ana@acme.example Viewer on EMEA",
    ]


def test_somebody_elses_window_does_not_stop_a_targeted_run() -> None:
    coming = assign("new@acme.example", "SOC", "EMEA/Berlin", start=NOW + HOUR, end=NOW + 2 * HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    made = plan(
        world(ANA),
        STANDING,
        coming,
        users=(newcomer("new@acme.example"),),
        guardrails=careful,
        targets=("ana@acme.example",),
    )

    assert rules(made) == []


def test_a_window_that_is_open_already_stops_nothing() -> None:
    only = assign("ana@acme.example", "SOC", "EMEA/Berlin", start=NOW - HOUR, end=NOW + HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    assert rules(plan(world(ANA), only, guardrails=careful, base=(only,))) == []


@pytest.mark.parametrize("is_known", [True, False])
def test_a_held_grant_whose_end_would_leave_nothing_is_refused_when_it_is_written(
    is_known: bool,
) -> None:
    only = assign("ana@acme.example", "SOC", "EMEA/Berlin", end=NOW + HOUR)
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)
    base = (STANDING,) if is_known else None

    made = plan(world(ANA), only, guardrails=careful, base=base)

    assert (lines(made), rules(made)) == ([], ["nothing_left"])


def test_dropping_the_standing_grant_under_an_open_window_is_refused_when_it_is_written() -> None:
    held = user("10", "ana@acme.example", grant(ADMIN, LYON))
    window = assign("ana@acme.example", "Admin", "EMEA/Lyon", start=NOW - HOUR, end=NOW + HOUR)
    beside = assign("ana@acme.example", "SOC", "EMEA/Lyon")
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    made = plan(world(held), window, guardrails=careful, base=(beside, window))

    assert rules(made) == ["nothing_left"]
    assert made.is_empty


def test_windows_that_meet_are_shown_as_the_one_span_they_are() -> None:
    first = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW - HOUR, end=NOW + HOUR)
    second = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW + HOUR, end=NOW + 2 * HOUR)
    later = assign("ana@acme.example", "Viewer", "EMEA/Lyon", start=NOW + 9 * HOUR)

    made = plan(world(ANA), STANDING, first, second, later)

    window = made.operations[0].changes[0].window
    assert window is not None
    assert (window.start, window.end) == (NOW - HOUR, NOW + 2 * HOUR)


def test_windows_that_are_over_cannot_stop_a_plan_any_more() -> None:
    # Names that were two sites then may be one id now; what is over is over.
    one = assign("ana@acme.example", "Viewer", "EMEA/Lyon", end=NOW - HOUR)
    two = assign("ana@acme.example", "Admin", "id:102", end=NOW - HOUR)

    assert plan(world(ANA), STANDING, one, two).is_empty
