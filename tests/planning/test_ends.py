"""Which ends were judged before: by the journal's last word, else by what was committed when."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    EMEA,
    EVER,
    LYON,
    NOW,
    PLACE,
    RELAXED,
    SOC,
    VIEWER,
    assign,
    grant,
    newcomer,
    plan,
    rules,
    service,
    user,
    world,
)

from reconciler.domain.access import Grant
from reconciler.domain.ends import End
from reconciler.domain.guardrails import PrivilegedRule
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Assignment

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NONE_LOST = replace(RELAXED, max_revokes=0)
NAME = "ana@acme.example"
ANA = user("10", NAME, grant(ADMIN, BERLIN), grant(VIEWER, LYON))
KEPT = assign(NAME, "Viewer", "EMEA/Lyon")
STANDING = assign(NAME, "Admin", "EMEA/Berlin")


def window(end: datetime | None, start: datetime | None = NOW - DAY) -> Assignment:
    return assign(NAME, "Admin", "EMEA/Berlin", start=start, end=end)


def judged(until: datetime | None, id_: str = "10", on: Grant | None = None) -> End:
    return End.of(PrincipalName.user(NAME), id_, on or grant(ADMIN, BERLIN), until)


def made(*assignments: Assignment, now: datetime = NOW, **around: object) -> Plan:
    return plan(world(ANA), KEPT, *assignments, guardrails=NONE_LOST, now=now, **around)  # type: ignore[arg-type]


# --- closings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "is_forgiven"),
    [
        (judged(NOW - HOUR), True),
        (judged(NOW - 2 * HOUR), True),  # drawn out since: it ends later than was judged
        (judged(NOW + HOUR), False),  # brought closer since
        (judged(None), False),
        (judged(NOW - HOUR, id_="11"), False),
        (judged(NOW - HOUR, id_=""), True),  # was invited
        (judged(NOW - HOUR, on=grant(ADMIN, LYON)), False),
        (judged(NOW - HOUR, on=grant(SOC, BERLIN)), False),
    ],
)
def test_with_a_journal_its_last_word_forgives_a_closing(end: End, is_forgiven: bool) -> None:
    closed = window(NOW - HOUR)

    told = made(closed, judged=[end], base=(KEPT, closed))

    assert rules(told) == ([] if is_forgiven else ["max_revokes"])


def test_a_journal_that_judged_nothing_is_no_reason_to_ask_git() -> None:
    closed = window(NOW - HOUR)

    assert rules(made(closed, judged=[], base=(KEPT, closed))) == ["max_revokes"]
    assert rules(made(closed, base=(KEPT, closed))) == []


CLOSED = window(NOW - HOUR)
JUST, LATER = NOW - HOUR - timedelta(seconds=1), NOW - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("versions", "is_forgiven"),
    [
        (((JUST, (CLOSED,)),), True),
        (((LATER, (CLOSED,)), (JUST, (CLOSED,)), (EVER, (STANDING,))), True),
        (((NOW - HOUR, (CLOSED,)),), False),  # committed when it had closed
        (((LATER, (CLOSED,)), (JUST, ())), False),
        (((LATER, (CLOSED,)), (JUST, (STANDING,))), False),
        (((LATER, (CLOSED,)), (JUST, (CLOSED, STANDING))), False),
        (((LATER, (STANDING,)), (JUST, (CLOSED,))), False),  # for good in between
        (((JUST, (window(NOW),)),), False),
        ((), False),
    ],
)
def test_without_a_journal_every_commit_since_just_before_the_closing_must_have_it(
    versions: tuple[tuple[datetime, tuple[Assignment, ...]], ...], is_forgiven: bool
) -> None:
    told = made(CLOSED, versions=versions, base=(KEPT, CLOSED))

    assert rules(told) == ([] if is_forgiven else ["max_revokes"])


def test_a_standing_grant_in_the_base_forgives_no_closing() -> None:
    told = made(CLOSED, versions=((JUST, (CLOSED,)),), base=(KEPT, STANDING))

    assert rules(told) == ["max_revokes"]


def test_what_is_not_forgiven_says_what_would_have_shown_it() -> None:
    told = made(CLOSED)

    assert told.refusals[0].remedy.endswith(
        "One of them is a window that closed, and nothing shows that its end was judged while it "
        "was to come: keep the journal of all runs (--journal), or plan in a git work tree with "
        "its history."
    )
    assert "journal" not in made().refusals[0].remedy


# --- endings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        ((), True),
        ((judged(None),), True),
        ((judged(NOW + 2 * HOUR),), True),
        ((judged(NOW + HOUR),), False),
        ((judged(NOW + HOUR, id_=""),), False),
        ((judged(NOW + HOUR, id_="11"),), True),
        ((judged(NOW - HOUR),), False),
    ],
)
def test_with_a_journal_an_end_counts_unless_it_was_judged(
    before: tuple[End, ...], counts: bool
) -> None:
    told = made(window(NOW + HOUR), judged=before)

    assert (rules(told), told.taken) == ((["max_revokes"], 1) if counts else ([], 0))


@pytest.mark.parametrize(
    ("base", "counts"),
    [
        ((KEPT, STANDING), True),
        ((KEPT, window(None)), True),
        ((KEPT, window(NOW + 2 * HOUR)), True),
        ((KEPT, window(NOW + HOUR)), False),
        ((KEPT, window(NOW + HOUR / 2)), False),
        ((KEPT, window(NOW + 3 * HOUR, start=NOW + 2 * HOUR)), False),
        ((KEPT,), False),  # granted since by the commit that brought the window
        ((), True),  # unlisted until now
        (None, False),  # then its closing will count
    ],
)
def test_without_a_journal_an_end_counts_when_the_base_had_none_or_a_later_one(
    base: tuple[Assignment, ...] | None, counts: bool
) -> None:
    told = made(window(NOW + HOUR), base=base)

    assert (rules(told), told.taken) == ((["max_revokes"], 1) if counts else ([], 0))


def test_the_end_of_an_unlisted_admin_counts_as_losing_the_admin() -> None:
    people = [user(str(n), f"a{n}@acme.example", grant(ADMIN, EMEA)) for n in (31, 32)]
    ended = assign("a31@acme.example", "Admin", account="EMEA", end=NOW + HOUR)
    guardrails = replace(RELAXED, min_admins=2)

    assert rules(plan(world(*people), ended, guardrails=guardrails, base=())) == ["min_admins"]


# --- what goes on record ----------------------------------------------------------------------


def test_the_record_begins_with_every_end_and_goes_on_with_what_is_new() -> None:
    robot = service("20", "robot")
    coming = assign("new@acme.example", "Viewer", "EMEA/Lyon", end=NOW + 3 * HOUR)
    wishes = (KEPT, window(NOW + HOUR), coming, assign("service:robot", "SOC", "EMEA/Lyon"))
    known = judged(NOW + HOUR)

    def ends(*before: End, is_first: bool = False) -> tuple[End, ...] | None:
        around = None if is_first else before
        users = (newcomer("new@acme.example"),)
        return plan(
            world(ANA, robot), *wishes, users=users, judged=around, base=(KEPT, STANDING)
        ).ends

    invited = End.of(
        PrincipalName.user("new@acme.example"), "", grant(VIEWER, LYON), NOW + 3 * HOUR
    )
    assert ends(is_first=True) == ends() == (known, invited)
    assert ends(known) == (invited,)
    assert ends(known, invited) == ()
    assert ends(judged(NOW + 9 * HOUR), invited) == (known,)


def test_a_grant_that_lasts_for_good_again_goes_on_record() -> None:
    told = made(STANDING, judged=[judged(NOW + HOUR)])

    assert told.ends == (judged(None),)
    assert made(STANDING, judged=[judged(None)]).ends == ()


def test_a_window_beside_the_same_standing_grant_is_no_end() -> None:
    assert made(STANDING, window(NOW + HOUR), judged=[]).ends == ()


def test_a_closing_that_git_forgave_stays_forgiven_when_its_write_fails() -> None:
    first = made(CLOSED, versions=((JUST, (CLOSED,)),), base=(KEPT, CLOSED))

    assert first.ends == (judged(NOW - HOUR),)
    assert rules(made(CLOSED, judged=first.ends)) == []


def test_where_nothing_tells_a_held_window_is_not_recorded_as_judged() -> None:
    assert made(window(NOW + HOUR)).ends == ()


def test_a_part_does_not_begin_the_record_and_may_go_on_with_it() -> None:
    bo = user("11", "bo@acme.example", grant(SOC, BERLIN))
    wishes = (KEPT, window(NOW + HOUR), assign("bo@acme.example", "SOC", "EMEA/Berlin"))

    def ends(before: list[End] | None) -> tuple[End, ...] | None:
        return plan(
            world(ANA, bo), *wishes, targets=(NAME,), judged=before, base=(KEPT, STANDING)
        ).ends

    assert ends(None) is None
    assert ends([]) == (judged(NOW + HOUR),)


# --- what lasts longer than was judged --------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "until", "is_refused"),
    [
        (window(NOW + 9 * HOUR), NOW + HOUR, True),
        (window(None), NOW + HOUR, True),
        (STANDING, NOW + HOUR, True),
        (window(NOW + 9 * HOUR), NOW + 9 * HOUR, False),
        (window(NOW + 9 * HOUR), None, False),
        (window(NOW + 30 * HOUR, start=NOW + HOUR), NOW - HOUR, False),
    ],
)
def test_a_privileged_grant_that_outlasts_what_was_judged_is_asked_for_anew(
    wish: Assignment, until: datetime | None, is_refused: bool
) -> None:
    rule = PrivilegedRule(("Admin",), 2 * HOUR, False, False, PLACE)  # noqa: FBT003 - its fields

    told = plan(
        world(ANA),
        KEPT,
        wish,
        guardrails=replace(RELAXED, privileged=(rule,)),
        base=(KEPT, wish),
        judged=[judged(until)],
    )

    assert rules(told) == (["privileged"] if is_refused else [])


# --- a role for a time in the place of one that would have lasted -----------------------------


@pytest.mark.parametrize(
    ("beside", "before", "counts"),
    [
        ((), (), True),
        ((STANDING,), (), False),  # suspended; it comes back
        ((assign(NAME, "Viewer", "EMEA/Berlin"),), (), False),  # another role follows
        ((), (judged(NOW + 9 * HOUR),), True),
        ((), (judged(NOW + HOUR),), False),
    ],
)
def test_a_role_replaced_for_a_time_with_nothing_to_follow_counts(
    beside: tuple[Assignment, ...], before: tuple[End, ...], counts: bool
) -> None:
    instead = assign(NAME, "SOC", "EMEA/Berlin", end=NOW + HOUR)

    told = made(instead, *beside, judged=before)

    assert [operation.taken for operation in told.operations] == [int(counts)]
    assert rules(told) == (["max_revokes"] if counts else [])
