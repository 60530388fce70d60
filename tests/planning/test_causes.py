"""Your change or console drift, and which commit brought it."""

import pytest
from builders import (
    ADMIN,
    BERLIN,
    BRANCH1,
    LYON,
    NOW,
    RELAXED,
    SOC,
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

from reconciler.domain.plan import Commit, Options, Plan
from reconciler.domain.policy import Policy
from reconciler.domain.wanted import Wanted
from reconciler.errors import Place
from reconciler.planning.causes import History, Recent, as_drift, with_commits
from reconciler.planning.make import make_plan
from reconciler.rendering.tree import differing, plan_tree

ANA = "ana@acme.example"
OLD = Commit("0" * 40, "Noor", "The first policies")
NEW = Commit("1" * 40, "Ada", "Ana moves to Lyon")
NEWER = Commit("2" * 40, "Ada", "Something else")
PLACE = Place("policies/a.yaml", 1, 5)


def reasons(made: Plan) -> list[str]:
    changes = [change for operation in made.operations for change in operation.changes]
    return [
        f"{line}: {change.reason.value}" for line, change in zip(lines(made), changes, strict=True)
    ]


def test_what_only_the_head_asks_for_is_your_change() -> None:
    made = plan(
        world(user("10", ANA, grant(SOC, BERLIN))),
        assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon"),
        base=(assign(ANA, "SOC", "EMEA/Berlin"),),
    )

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Lyon: your change"]


@pytest.mark.parametrize(
    ("applied", "reason"),
    [(None, "console drift"), (frozenset({"base"}), "console drift"), (frozenset(), "policy")],
)
def test_nobody_is_said_to_have_changed_what_was_never_applied(
    applied: frozenset[str] | None, reason: str
) -> None:
    standing = assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon")
    wanted = Wanted(
        Policy((standing,)),
        RELAXED,
        Options(),
        base=Policy((standing,), digest="base"),
        applied=applied,
    )

    made = make_plan(wanted, world(user("10", ANA, grant(SOC, BERLIN))), NOW)

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Lyon: {reason}"]


def test_what_the_base_asked_for_too_was_taken_away_in_the_console() -> None:
    standing = assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon")
    made = plan(world(user("10", ANA, grant(SOC, BERLIN))), standing, base=(standing,))

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Lyon: console drift"]


def test_somebody_deleted_in_the_console_is_invited_again_as_drift() -> None:
    standing = assign(ANA, "SOC", "EMEA/Berlin")
    made = plan(world(), standing, base=(standing,), users=(newcomer(ANA),))

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Berlin: console drift"]


def test_what_only_the_base_asked_for_is_revoked_by_your_change() -> None:
    made = plan(
        world(user("10", ANA, grant(SOC, BERLIN), grant(SOC, LYON))),
        assign(ANA, "SOC", "EMEA/Berlin"),
        base=(assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon"),),
    )

    assert reasons(made) == [f"- {ANA} SOC on EMEA/Lyon: your change"]


def test_what_neither_asked_for_was_granted_in_the_console() -> None:
    standing = assign(ANA, "SOC", "EMEA/Berlin")
    made = plan(
        world(user("10", ANA, grant(SOC, BERLIN), grant(ADMIN, LYON))), standing, base=(standing,)
    )

    assert reasons(made) == [f"- {ANA} Admin on EMEA/Lyon: console drift"]


def test_whoever_the_base_did_not_manage_loses_the_rest_by_your_change() -> None:
    made = plan(
        world(user("10", ANA, grant(SOC, BERLIN), grant(ADMIN, LYON))),
        assign(ANA, "SOC", "EMEA/Berlin"),
        base=(assign("bo@acme.example", "Viewer"),),
    )

    assert reasons(made) == [f"- {ANA} Admin on EMEA/Lyon: your change"]


def test_one_change_can_meet_drift_on_the_same_scope() -> None:
    made = plan(
        world(user("10", ANA, grant(VIEWER, BERLIN))),
        assign(ANA, "Admin", "EMEA/Berlin"),
        base=(assign(ANA, "SOC", "EMEA/Berlin"),),
    )

    assert reasons(made) == [
        f"+ {ANA} Admin on EMEA/Berlin: your change",
        f"- {ANA} Viewer on EMEA/Berlin: console drift",
    ]


def test_without_a_base_it_is_left_open() -> None:
    made = plan(world(user("10", ANA, grant(SOC, BERLIN))), assign(ANA, "SOC", "EMEA/Lyon"))

    assert {reason.rpartition(": ")[2] for reason in reasons(made)} == {"policy"}


def test_a_window_that_was_coming_in_the_base_is_not_drift() -> None:
    window = assign(ANA, "Admin", "EMEA/Berlin", end=NOW.replace(hour=12))
    standing = assign(ANA, "SOC", "EMEA/Berlin")
    made = plan(
        world(user("10", ANA, grant(SOC, BERLIN))), standing, window, base=(standing, window)
    )

    assert reasons(made) == [
        f"+ {ANA} Admin on EMEA/Berlin: window opened",
        f"- {ANA} SOC on EMEA/Berlin: suspended while a window is open",
    ]


def test_a_window_of_the_base_made_standing_is_your_change_only_where_it_was_closed() -> None:
    over = assign(ANA, "SOC", "EMEA/Lyon", end=NOW)
    standing = assign(ANA, "SOC", "EMEA/Lyon", "EMEA/Berlin")
    made = plan(world(user("10", ANA, grant(SOC, BERLIN))), standing, base=(over,))

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Lyon: your change"]


def test_a_new_site_keeps_its_own_word() -> None:
    pattern = assign(ANA, "SOC", "EMEA/Branch-*")
    made = plan(world(user("10", ANA, grant(SOC, BRANCH1))), pattern, base=(pattern,))

    assert reasons(made) == [f"+ {ANA} SOC on EMEA/Branch-2: site appeared"]


def test_a_leaver_stays_a_leaver_whatever_the_base_said() -> None:
    former = Policy(former=(gone(ANA),))
    made = make_plan(
        Wanted(former, RELAXED, Options(), base=former),
        world(user("10", ANA, grant(SOC, BERLIN))),
        NOW,
    )

    assert reasons(made) == [f"- {ANA} SOC on EMEA/Berlin: offboarding"]


def test_service_users_of_one_name_are_told_apart_by_id() -> None:
    twins = (service("20", "siem", grant(VIEWER, LYON)), service("21", "siem"))
    standing = assign("service:id:20", "Viewer", "EMEA/Berlin", "EMEA/Lyon")
    made = plan(world(*twins), standing, base=(standing,))

    assert reasons(made) == ["+ service:siem Viewer on EMEA/Berlin: console drift"]


def test_drift_compares_with_the_policies_themselves() -> None:
    window = assign(ANA, "Admin", "EMEA/Branch-1", end=NOW.replace(hour=12))
    made = plan(world(user("10", ANA, grant(SOC, LYON))), assign(ANA, "SOC", "EMEA/Berlin"), window)

    assert reasons(as_drift(made)) == [
        f"+ {ANA} SOC on EMEA/Berlin: console drift",
        f"+ {ANA} Admin on EMEA/Branch-1: window opened",
        f"- {ANA} SOC on EMEA/Lyon: console drift",
    ]


def one_new_grant() -> Plan:
    return plan(
        world(user("10", ANA, grant(SOC, BERLIN))),
        assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon"),
        base=(assign(ANA, "SOC", "EMEA/Berlin"),),
    )


def one_new_revoke() -> Plan:
    return plan(
        world(user("10", ANA, grant(SOC, BERLIN), grant(SOC, LYON))),
        assign(ANA, "SOC", "EMEA/Berlin"),
        base=(assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon"),),
    )


def recent(commit: Commit, *, added: str = "", removed: str = "") -> Recent:
    return Recent(commit, frozenset(added.split()), frozenset(removed.split()))


def brought(made: Plan, history: History) -> list[Commit | None]:
    told = with_commits(made, history)
    return [change.commit for operation in told.operations for change in operation.changes]


@pytest.mark.parametrize(
    ("history", "commit"),
    [
        pytest.param(History({PLACE: NEW}, (recent(NEW),)), NEW, id="the line is new"),
        pytest.param(
            History({PLACE: OLD}, (recent(NEWER), recent(NEW, added=ANA))),
            NEW,
            id="the line is old, a group took the name in",
        ),
        pytest.param(
            History({PLACE: OLD}, (recent(NEW),), is_clean=True), NEW, id="the only commit"
        ),
        pytest.param(History({PLACE: OLD}, (recent(NEW),)), None, id="perhaps uncommitted"),
        pytest.param(
            History({PLACE: OLD}, (recent(NEWER), recent(NEW)), is_clean=True),
            None,
            id="one of several",
        ),
        pytest.param(
            History({}, (recent(NEW, added=ANA),), is_clean=True), None, id="an uncommitted line"
        ),
        pytest.param(History(), None, id="no history"),
    ],
)
def test_a_new_grant_names_the_commit_that_brought_it(
    history: History, commit: Commit | None
) -> None:
    assert brought(one_new_grant(), history) == [commit]


@pytest.mark.parametrize(
    ("history", "commit"),
    [
        pytest.param(
            History({PLACE: NEWER}, (recent(NEWER), recent(NEW, removed=ANA))),
            NEW,
            id="the name was taken out",
        ),
        pytest.param(History({PLACE: NEW}, (recent(NEW),)), NEW, id="the line was rewritten"),
        pytest.param(
            History({PLACE: OLD}, (recent(NEW),), is_clean=True), NEW, id="the only commit"
        ),
        pytest.param(
            History({PLACE: OLD}, (recent(NEW, removed="joana@acme.example"),)),
            None,
            id="somebody else was taken out",
        ),
    ],
)
def test_a_new_revoke_names_the_commit_that_took_the_line_out(
    history: History, commit: Commit | None
) -> None:
    assert brought(one_new_revoke(), history) == [commit]


def test_drift_names_the_commit_that_asked_for_the_grant_and_none_for_a_revoke() -> None:
    standing = assign(ANA, "SOC", "EMEA/Berlin")
    made = plan(world(user("10", ANA, grant(SOC, LYON))), standing, base=(standing,))
    history = History({PLACE: OLD}, (recent(NEW),), is_clean=True)

    assert brought(made, history) == [OLD, None]


def test_offboarding_names_the_commit_that_wrote_the_line() -> None:
    made = plan(world(user("10", ANA, grant(SOC, BERLIN))), former=(gone(ANA),))

    assert brought(made, History({Place("policies/a.yaml", 95, 5): OLD})) == [OLD]


def test_neither_reason_nor_commit_is_part_of_what_is_bound() -> None:
    made = one_new_grant()
    told = with_commits(made, History({PLACE: NEW}, (recent(NEW),)))
    without_base = plan(
        world(user("10", ANA, grant(SOC, BERLIN))), assign(ANA, "SOC", "EMEA/Berlin", "EMEA/Lyon")
    )
    trees = [plan_tree(each, "0") for each in (told, without_base, as_drift(without_base))]

    assert made.content_digest == without_base.content_digest
    assert [differing(plan_tree(made, "0"), tree) for tree in trees] == [[], [], []]
