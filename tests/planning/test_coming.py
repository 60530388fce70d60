"""What opens later is part of every plan, with what of it is new."""

from datetime import timedelta

import pytest
from builders import (
    ADMIN,
    BERLIN,
    BRANCH1,
    EMEA,
    LYON,
    NOW,
    SOC,
    VIEWER,
    assign,
    grant,
    newcomer,
    plan,
    service,
    user,
    world,
)

from reconciler.domain.plan import Plan, Risk
from reconciler.domain.policy import Assignment
from reconciler.planning.causes import as_drift

HOUR = timedelta(hours=1)
ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
BO = user("11", "bo@acme.example", grant(VIEWER, LYON))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def later(
    members: str | list[str] = "ana@acme.example",
    *sites: str,
    start: int = 1,
    end: int | None = 3,
    role: str = "Admin",
    line: int = 7,
) -> Assignment:
    """An assignment with a window that opens and ends these hours after now."""
    until = None if end is None else NOW + end * HOUR
    places = sites or ("EMEA/Lyon",)
    return assign(members, role, *places, start=NOW + start * HOUR, end=until, line=line)


def told(made: Plan) -> list[str]:
    """What opens later, one line each, a star where it is new."""
    return [
        f"{'*' * each.is_new}{each.name} {each.grant.role.name} on {each.grant.scope.name}"
        for each in made.coming
    ]


def test_a_window_that_opens_later_is_told_though_nothing_changes_now() -> None:
    wish = assign(
        "ana@acme.example",
        "Admin",
        account="EMEA",
        start=NOW + HOUR,
        end=NOW + 3 * HOUR,
        reason="INC-1",
        line=7,
    )

    made = plan(world(ANA), STANDING, wish, base=(STANDING,))

    assert made.is_empty
    (each,) = made.coming
    assert (str(each.name), each.principal_id) == ("ana@acme.example", "10")
    assert (each.grant.role.name, each.grant.scope) == ("Admin", EMEA.scope)
    assert (each.window.start, each.window.end) == (NOW + HOUR, NOW + 3 * HOUR)
    assert (each.note, each.places) == ("INC-1", (wish.members[0].place,))
    assert (each.risk, each.is_new) == (Risk.HIGH, True)


@pytest.mark.parametrize(("passed", "is_told"), [(-1, True), (0, False), (3600, False)])
def test_from_its_start_on_a_window_opens_no_more(passed: int, is_told: bool) -> None:
    now = NOW + HOUR + timedelta(seconds=passed)

    made = plan(world(ANA), STANDING, later(), now=now)

    assert bool(made.coming) is is_told


def test_a_window_without_a_start_and_one_that_is_over_open_no_more() -> None:
    ended = assign("ana@acme.example", "Viewer", "EMEA/Lyon", end=NOW - HOUR)

    assert plan(world(ANA), STANDING, ended).coming == ()


def test_windows_stand_in_the_order_in_which_they_open() -> None:
    wishes = (later(start=2), later("bo@acme.example"), later("bo@acme.example", start=3, end=4))

    made = plan(world(ANA, BO), STANDING, *wishes)

    assert told(made) == [
        "bo@acme.example Admin on EMEA/Lyon",
        "ana@acme.example Admin on EMEA/Lyon",
        "bo@acme.example Admin on EMEA/Lyon",
    ]
    assert made.coming == plan(world(ANA, BO), *wishes[::-1], STANDING).coming


def test_a_pattern_stays_one() -> None:
    made = plan(world(ANA), STANDING, later("ana@acme.example", "EMEA/Branch-*", "EMEA/Lyon"))

    assert told(made) == [
        "ana@acme.example Admin on EMEA/Branch-*",
        "ana@acme.example Admin on EMEA/Lyon",
    ]
    assert [each.grant.scope.id for each in made.coming] == ["", "102"]


def test_the_same_window_from_two_places_is_one_with_both() -> None:
    made = plan(world(ANA), STANDING, later(line=9), later(line=7))

    (each,) = made.coming
    assert [place.line for place in each.places] == [7, 9]


def test_a_service_user_named_by_name_and_by_id_is_one_principal() -> None:
    robot = service("53", "robot", grant(VIEWER, BERLIN))

    made = plan(world(robot), later("service:robot"), later("service:id:53", line=9))

    assert told(made) == ["service:robot Admin on EMEA/Lyon"]


def test_somebody_who_is_to_be_invited_is_told_too() -> None:
    made = plan(world(), later("new@acme.example"), users=(newcomer("new@acme.example"),))

    assert told(made) == ["new@acme.example Admin on EMEA/Lyon"]
    assert made.coming[0].principal_id is None


def test_a_targeted_plan_tells_what_opens_for_those_it_is_about() -> None:
    wish = later(["ana@acme.example", "bo@acme.example"])

    made = plan(world(ANA, BO), STANDING, wish, targets=("BO@acme.example",))

    assert told(made) == ["bo@acme.example Admin on EMEA/Lyon"]


@pytest.mark.parametrize(
    ("base", "is_new"),
    [
        (later(line=90), False),
        (later(start=0, end=4), False),
        (later(end=None), False),
        (later("ana@acme.example", "EMEA/*"), False),
        (later(end=2), True),
        (later(start=2), True),
        (later(role="SOC"), True),
        (later("ana@acme.example", "EMEA/Berlin"), True),
        (later("bo@acme.example"), True),
        (assign("ana@acme.example", "Admin", "EMEA/Lyon"), True),
    ],
    ids=[
        *("the same elsewhere", "wider", "without an end", "by a pattern"),
        *("ends sooner", "begins later", "another role", "another site", "somebody else"),
        "for good: it may have been taken away since",
    ],
)
def test_what_the_base_asked_for_as_much_is_not_new(base: Assignment, is_new: bool) -> None:
    made = plan(world(ANA, BO), STANDING, later(), base=(STANDING, base))

    assert [each.is_new for each in made.coming] == [is_new]


def test_one_more_member_is_new_and_the_others_are_not() -> None:
    wish = later(["ana@acme.example", "bo@acme.example"])

    made = plan(world(ANA, BO), STANDING, wish, base=(STANDING, later()))

    assert told(made) == [
        "ana@acme.example Admin on EMEA/Lyon",
        "*bo@acme.example Admin on EMEA/Lyon",
    ]


@pytest.mark.parametrize(
    ("before", "is_new"), [("EMEA/Branch-1", True), ("EMEA/*", True), ("EMEA/Branch-?", False)]
)
def test_a_pattern_is_known_by_what_it_says_and_not_by_what_it_finds_today(
    before: str, is_new: bool
) -> None:
    sites = (BERLIN, LYON, BRANCH1)
    wish = later("ana@acme.example", "EMEA/Branch-?")

    made = plan(
        world(ANA, sites=sites),
        STANDING,
        wish,
        base=(STANDING, later("ana@acme.example", before)),
    )

    assert [each.is_new for each in made.coming] == [is_new]


OPEN = later(start=-1, end=2)


@pytest.mark.parametrize(
    ("wishes", "lasting"),
    [
        ((later(start=-1, end=5),), (2, 5)),
        ((later(start=-1, end=None),), (2, None)),
        ((later(start=-1, end=2), later(start=2, end=6, line=9)), (2, 6)),
        ((assign("ana@acme.example", "Admin", "EMEA/Lyon"),), (2, None)),
        ((later("ana@acme.example", "EMEA/L*", start=-1, end=5),), (2, 5)),
        ((OPEN,), None),
        ((later(start=-1, end=1),), None),
    ],
    ids=["longer", "endless", "another after it", "for good", "by a pattern", "as it is", "less"],
)
def test_an_open_window_that_lasts_longer_is_told_from_its_old_end_on(
    wishes: tuple[Assignment, ...], lasting: tuple[int, int | None] | None
) -> None:
    held = user("10", "ana@acme.example", grant(SOC, BERLIN), grant(ADMIN, LYON))

    made = plan(world(held), STANDING, *wishes, base=(STANDING, OPEN))

    assert made.is_empty
    assert [(each.window.start, each.window.end) for each in made.coming] == (
        []
        if lasting is None
        else [(NOW + 2 * HOUR, None if lasting[1] is None else NOW + lasting[1] * HOUR)]
    )
    assert all(each.is_new for each in made.coming)
    drift = as_drift(made)
    assert [each.is_new for each in drift.coming] == [False] * (len(wishes) - 1)


def test_of_two_service_users_with_one_name_the_one_that_is_meant_lasts_longer() -> None:
    twins = (service("53", "robot", grant(ADMIN, LYON)), service("54", "robot", grant(VIEWER)))
    kept, longer = (later("service:id:53", start=-1, end=end) for end in (2, 5))

    made = plan(world(*twins), longer, base=(kept,))

    assert [(each.principal_id, each.is_longer) for each in made.coming] == [("53", True)]


def test_without_a_base_and_in_a_drift_report_nothing_is_new() -> None:
    assert told(plan(world(ANA), STANDING, later())) == ["ana@acme.example Admin on EMEA/Lyon"]
    drift = as_drift(plan(world(ANA), STANDING, later(), base=(STANDING,)))
    assert told(drift) == ["ana@acme.example Admin on EMEA/Lyon"]


def test_what_opens_later_is_no_part_of_the_content() -> None:
    one, two = (plan(world(ANA), STANDING, *more) for more in ((), (later(),)))

    assert one.coming != two.coming
    assert one.content_digest == two.content_digest


def test_a_thousand_people_on_a_thousand_sites_by_a_pattern_stay_a_thousand_lines() -> None:
    people = [user(str(n), f"u{n}@acme.example", grant(VIEWER, LYON)) for n in range(1000, 2000)]
    wish = later([str(one.name) for one in people], "EMEA/*")

    assert len(plan(world(*people), wish).coming) == 1_000
