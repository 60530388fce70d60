"""The guards at their edges: what looks like a loss and is none, and who comes first when told."""

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
    VIEWER,
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
    NothingLeft,
    PrivilegedRule,
    Rolling,
    SeparationRule,
)
from reconciler.domain.plan import Plan
from reconciler.domain.policy import Window

HOUR = timedelta(hours=1)
NOTHING = replace(RELAXED, max_revokes=0, max_revoke_fraction=0.0)
ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def privileged(max_duration: timedelta) -> Guardrails:
    rule = PrivilegedRule(
        ("Admin",), max_duration, require_reason=False, standing_allowed=True, place=PLACE
    )
    return replace(RELAXED, privileged=(rule,))


# What is a loss


def test_a_standing_grant_that_is_dated_without_an_end_is_not_lost() -> None:
    dated = assign("ana@acme.example", "SOC", "EMEA/Berlin", start=NOW - HOUR)

    assert rules(plan(world(ANA), dated, base=(STANDING,), guardrails=NOTHING)) == []


def test_an_end_for_what_nobody_holds_takes_nothing_away() -> None:
    ending = assign("ana@acme.example", "SOC", "EMEA/Lyon", end=NOW + HOUR)
    base = (STANDING, assign("ana@acme.example", "SOC", "EMEA/Lyon"))

    assert rules(plan(world(ANA), STANDING, ending, base=base, guardrails=NOTHING)) == []


def test_a_share_is_told_in_the_remedy_as_it_must_be_allowed() -> None:
    everybody = [user(str(20 + n), f"u{n}@acme.example", grant(SOC, BERLIN)) for n in range(4)]
    leavers = tuple(gone(one.name.label) for one in everybody[:3])
    stay = assign(everybody[3].name.label, "SOC", "EMEA/Berlin")

    made = plan(
        world(*everybody),
        stay,
        former=leavers,
        guardrails=replace(RELAXED, max_revoke_fraction=0.5),
    )

    (refusal,) = made.refusals
    assert "{rule: max_revoke_fraction, value: 0.75, reason: why" in refusal.remedy
    lifted = replace(RELAXED, max_revoke_fraction=0.75)
    assert rules(plan(world(*everybody), stay, former=leavers, guardrails=lifted)) == []


def test_a_refusal_tells_its_places_in_order() -> None:
    bo = user("11", "bo@acme.example", grant(SOC, BERLIN))
    lowered = tuple(
        assign(name, "Viewer", "EMEA/Berlin", line=line)
        for name, line in (("ana@acme.example", 30), ("bo@acme.example", 4))
    )

    made = plan(world(ANA, bo), *lowered, guardrails=replace(RELAXED, additive_only=True))
    twice = plan(
        world(ANA),
        *(assign("ana@acme.example", "Viewer", "EMEA/Berlin", line=n) for n in (30, 4, 17)),
        guardrails=replace(RELAXED, protected=(ANA.name,)),
    )

    assert [place.line for place in made.refusals[0].places] == [4, 30]
    assert [place.line for place in twice.refusals[0].places] == [4, 17, 30]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1), "24 hours"),
        (timedelta(hours=60), "60 hours"),
        (timedelta(minutes=90), "90 minutes"),
    ],
)
def test_the_time_of_a_budget_is_told_exactly(over: timedelta, words: str) -> None:
    made = plan(
        world(ANA, user("11", "bo@acme.example", grant(SOC, BERLIN))),
        former=(gone("ana@acme.example"), gone("bo@acme.example")),
        guardrails=replace(RELAXED, rolling=Rolling(1, over)),
    )

    assert f"after 0 in the last {words};" in made.refusals[0].message


# What a reviewer approves


def test_the_name_of_whoever_is_invited_is_part_of_what_is_approved() -> None:
    wish = assign("new@acme.example", "SOC", "EMEA/Berlin")
    one, two = (
        plan(world(), wish, users=(newcomer("new@acme.example", name),)) for name in ("N. Ew", "M.")
    )

    assert one.content_digest != two.content_digest


def test_the_name_of_whoever_is_there_is_not() -> None:
    more = assign("ana@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon")

    one, two = (plan(world(replace(ANA, full_name=name)), more) for name in ("Ana", "Anna"))

    assert one.content_digest == two.content_digest


def test_windows_without_a_start_unite_to_the_longest() -> None:
    short = assign("ana@acme.example", "Admin", "EMEA/Lyon", end=NOW + HOUR)
    long = assign("ana@acme.example", "Admin", "EMEA/Lyon", end=NOW + 3 * HOUR, line=2)

    for windows in ((short, long), (long, short)):
        made = plan(world(ANA), STANDING, *windows)
        assert made.operations[0].changes[0].window == Window(None, NOW + 3 * HOUR)


# Who may hold what


def test_service_users_have_no_mail_domain() -> None:
    robot = service("50", "robot", grant(VIEWER, BERLIN))
    guardrails = replace(RELAXED, allowed_domains=("acme.example",))

    made = plan(world(robot), assign("service:robot", "SOC", "EMEA/Berlin"), guardrails=guardrails)

    assert (len(made.operations), rules(made)) == (1, [])


def test_roles_held_together_already_may_lose_a_third() -> None:
    rule = SeparationRule("four-eyes", ("SOC", "Viewer"), PLACE)
    grants = (grant(SOC, BERLIN), grant(VIEWER, LYON))
    third = replace(BERLIN, id="105", name="Branch-1")
    held = user("10", "ana@acme.example", *grants, grant(ADMIN, third))

    made = plan(
        world(held),
        STANDING,
        assign("ana@acme.example", "Viewer", "EMEA/Lyon"),
        guardrails=replace(RELAXED, separation_of_duties=(rule,)),
    )

    assert (len(made.operations), rules(made)) == (1, [])


@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        (timedelta(days=30), timedelta(days=30, hours=2), False),
        (timedelta(days=30), timedelta(days=30, hours=3), True),
        (-HOUR, HOUR, False),
        (-2 * HOUR, HOUR, True),
        (None, 2 * HOUR, False),
        (None, 3 * HOUR, True),
    ],
)
def test_a_privileged_window_lasts_from_its_start_or_from_now(
    start: timedelta | None, end: timedelta, refused: bool
) -> None:
    window = assign(
        "ana@acme.example",
        "Admin",
        account="EMEA",
        start=None if start is None else NOW + start,
        end=NOW + end,
    )

    made = plan(world(ANA), STANDING, window, base=(STANDING,), guardrails=privileged(2 * HOUR))

    assert ("privileged" in rules(made)) is refused


def test_everybody_whose_window_leaves_nothing_is_told() -> None:
    refusing = replace(RELAXED, nothing_left=NothingLeft.REFUSE)
    names = ("a@acme.example", "b@acme.example", "c@acme.example")
    windows = [
        assign(name, "SOC", "EMEA/Berlin", start=NOW + HOUR, end=NOW + 2 * HOUR) for name in names
    ]
    stays = assign("b@acme.example", "SOC", "EMEA/Berlin")
    people = tuple(newcomer(name) for name in names)

    made = plan(world(), *windows, stays, users=people, guardrails=refusing)

    assert [refusal.message.split()[4] for refusal in made.refusals] == [names[0], names[2]]


# The order of execution


def order(made: Plan) -> list[str]:
    return [operation.name.label for operation in made.operations]


def test_whoever_only_gains_comes_before_a_new_admin() -> None:
    rising = user("10", "a@acme.example", grant(SOC, EMEA))
    gaining = user("11", "z@acme.example", grant(SOC, BERLIN))

    made = plan(
        world(rising, gaining),
        assign("a@acme.example", "Admin", account="EMEA"),
        assign("z@acme.example", "SOC", "EMEA/Berlin", "EMEA/Lyon"),
    )

    assert order(made) == ["z@acme.example", "a@acme.example"]


def test_one_admin_made_or_unmade_among_others_decides_the_rank() -> None:
    making = user("10", "z@acme.example", grant(SOC, BERLIN), grant(VIEWER, LYON))
    both = user("11", "y@acme.example", grant(ADMIN, BERLIN), grant(VIEWER, LYON))
    other = user("12", "a@acme.example", grant(SOC, BERLIN))

    made = plan(
        world(making, both, other),
        assign("z@acme.example", "Admin", "EMEA/Berlin"),
        assign("z@acme.example", "SOC", "EMEA/Lyon"),
        assign("y@acme.example", "SOC", "EMEA/Berlin"),
        assign("y@acme.example", "Admin", "EMEA/Lyon"),
        assign("a@acme.example", "Viewer", "EMEA/Berlin"),
    )

    assert order(made) == ["z@acme.example", "a@acme.example", "y@acme.example"]


def test_the_tools_own_identity_comes_after_everybody_else() -> None:
    own = service("900", "reconciler", grant(VIEWER, BERLIN))
    losing = user("11", "z@acme.example", grant(SOC, BERLIN), grant(SOC, LYON))

    made = plan(
        world(own, losing),
        assign("service:reconciler", "Viewer", "EMEA/Berlin", "EMEA/Lyon"),
        assign("z@acme.example", "SOC", "EMEA/Berlin"),
    )

    assert order(made) == ["z@acme.example", "service:reconciler"]


def test_namesakes_are_written_in_the_order_of_their_ids() -> None:
    twins = [service(id_, "export", grant(VIEWER, BERLIN)) for id_ in ("9", "50", "7")]
    wish = assign([f"service:id:{one.id}" for one in twins], "SOC", account="US")

    for people in (twins, twins[::-1]):
        made = plan(world(*people), wish)
        assert [one.principal_id for one in made.operations] == ["50", "7", "9"]
