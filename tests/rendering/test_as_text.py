"""What the words of a plan must say beside what the approved plans show."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from builders import (
    ADMIN,
    BERLIN,
    LYON,
    RELAXED,
    SOC,
    VIEWER,
    assign,
    gone,
    grant,
    plan,
    user,
    world,
)
from hostile import Corpus
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.guardrails import NothingLeft, Unlisted
from reconciler.domain.plan import Plan
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_text import bound_text, drift_text, plan_text
from reconciler.rendering.summary import drift_summary, summary
from reconciler.rendering.tree import plan_tree

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
BO = user("11", "bo@acme.example", grant(ADMIN, LYON))
COUNTS = {"grant": 0, "revoke": 0, "invite": 0, "delete": 0, "unlisted": 0}


def drift(made: Plan) -> str:
    return drift_text(plan_tree(made, "1"), color=False)


def text(made: Plan) -> str:
    return plan_text(plan_tree(made, "1"), color=False)


def test_the_sum_of_a_plan_is_worded_as_the_contract_says() -> None:
    counts = {"grant": 7, "revoke": 3, "invite": 1, "delete": 0, "unlisted": 2}

    assert summary(counts, 0) == (
        "Plan: 7 to grant, 3 to revoke, 1 to invite, 0 to delete, 2 unlisted."
    )
    assert summary(COUNTS | {"unlisted": 4}, 0) == "No changes. 4 unlisted."
    assert summary(COUNTS, 1).startswith("Plan: 0 to grant")


@pytest.mark.parametrize("key", COUNTS)
def test_no_drift_means_nothing_at_all(key: str) -> None:
    assert drift_summary(COUNTS, 0) == "No drift."
    assert drift_summary(COUNTS | {key: 1}, 0).startswith("Drift: ")


def test_what_may_not_be_revoked_is_drift_all_the_same() -> None:
    careful = replace(RELAXED, nothing_left=NothingLeft.REFUSE)

    made = plan(world(ANA), former=(gone("ana@acme.example"),), guardrails=careful)

    assert made.is_empty
    assert drift(made).endswith("Drift: 0 missing, 0 not in the policies, 0 unlisted, 1 refused.\n")


def test_somebody_unlisted_who_is_revoked_is_not_said_to_be_untouched() -> None:
    strict = replace(RELAXED, unlisted=Unlisted.REVOKE)
    standing = assign("ana@acme.example", "SOC", "EMEA/Berlin")

    assert "not touched" in text(plan(world(ANA, BO), standing))
    assert "not touched" not in text(plan(world(ANA, BO), standing, guardrails=strict))


def test_a_plan_for_some_says_for_whom() -> None:
    both = assign(["ana@acme.example", "bo@acme.example"], "Viewer", "EMEA/Berlin")

    made = plan(world(ANA, BO), both, targets=("bo@acme.example",), no_revokes=True)

    assert text(made).splitlines()[1:3] == ["Only for bo@acme.example.", "Without revokes."]


def test_the_worst_change_is_read_first() -> None:
    made = plan(
        world(ANA, BO),
        assign("ana@acme.example", "Viewer", "EMEA/Lyon"),
        assign("bo@acme.example", "Admin"),
    )

    told = text(made)
    assert told.index("~ bo@acme.example") < told.index("~ ana@acme.example")


def test_refusals_stand_before_everything_else(full: Callable[[str], Plan]) -> None:
    told = text(full("x")).splitlines()

    assert told[5] == "Refused. Nothing will be written while this stands:"


def test_a_reviewed_plan_is_not_read_out_again() -> None:
    made = plan(world(ANA), assign("ana@acme.example", "Viewer", "EMEA/Berlin"))

    assert bound_text(plan_tree(made, "1")) == (
        "The reviewed plan for https://acme.sentinelone.net at 2026-11-22T09:00:00Z, "
        "read as service:reconciler, still holds.\n"
        "Plan: 1 to grant, 1 to revoke, 0 to invite, 0 to delete, 0 unlisted.\n"
    )


def test_wide_and_combining_letters_do_not_break_the_columns() -> None:
    sites = (replace(BERLIN, name="管理者" * 30), replace(LYON, name="o\u0308" * 40))
    people = [
        user("10", "ana@acme.example", *(grant(VIEWER, site) for site in sites)),
    ]

    told = text(plan(world(*people, sites=sites), assign("ana@acme.example", "Viewer")))

    assert told.count("- revoke Viewer") == 2


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [("update", True, False), ("update", False, True), ("invite", True, True)],
)
def test_a_file_that_contradicts_itself_can_still_be_shown(
    kind: str, before: bool, after: bool, full: Callable[[str], Plan]
) -> None:
    tree = plan_tree(full("x"), "1")
    operation = tree["operations"][0]
    operation["kind"] = kind
    operation["before"] = operation["before"] if before else None
    operation["after"] = operation["after"] if after else None

    assert "x" in plan_text(tree, color=False)


@given(data=st.data())
def test_no_text_of_a_saved_plan_is_obeyed(
    data: st.DataObject, full: Callable[[str], Plan], check_harmless: Callable[..., None]
) -> None:
    """Whoever edits a saved plan may change every text in it, also those that are ours."""
    tree = json.loads(to_json(plan_tree(full("x"), "1")))
    hostile = data.draw(st.sampled_from(["\x1b[2J", "\n::error::x", "::x", "\u202e", "##[x]"]))

    def spoil(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: spoil(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [spoil(inner) for inner in node]
        is_word = isinstance(node, str) and node not in _WORDS
        return node + hostile if is_word and data.draw(st.booleans()) else node

    check_harmless(plan_text(spoil(tree), color=False), color=False)


_WORDS = {
    *("grant", "revoke", "high", "medium", "low", "invite", "update", "delete", "revoke token"),
    *("tenant", "account", "site", "window opened", "policy"),
}
"""Words that the schema lists; nothing else gets past it."""


# --- what is new, and how it fits a terminal --------------------------------------------------


def test_a_role_that_changed_is_told_before_all_changes(full: Callable[[str], Plan]) -> None:
    told = plan_text(plan_tree(full("x"), "1"), color=False)

    assert (
        "\nRoles are not what they were; this reaches everybody who holds them:\n"
        "  ! x (id:4) permits something else than when it was pinned, and now gives access; "
        "held by 2: x, service:x\n"
        "    at x:3:5\n"
        "  ! x (id:5) permits something else than when it was pinned; held by nobody\n"
    ) in told
    assert told.index("Refused.") < told.index("Roles are not") < told.index("~ x")


def test_a_role_that_gives_access_is_flagged_where_it_is_granted(
    full: Callable[[str], Plan],
) -> None:
    tree = plan_tree(full("x"), "1")
    told = plan_text(tree, color=False)

    assert "+ grant  x on x  HIGH, gives access  window opened" in told
    assert "- revoke x on x\n" in told
    tree["roles"] = []
    assert "gives access  window" not in plan_text(tree, color=False)


def test_roles_whose_pages_were_not_read_are_named_once(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    tree["roles"] = [{**tree["roles"][1], "name": name} for name in ("SOC", "Triage")]

    told = plan_text(tree, color=False)

    line = "What these roles permit is not known, nor what their holders gain or lose: SOC, Triage."
    assert told.count(line) == 1


def test_a_commit_is_its_short_id_and_subject(full: Callable[[str], Plan]) -> None:
    assert '"x"  x:3:5  and 2 more places  ccccccc x\n' in text(full("x"))


def lines_at(tree: dict[str, Any], width: int) -> list[str]:
    return plan_text(tree, color=False, width=width).splitlines()


def fitting_change(**parts: Any) -> dict[str, Any]:
    place = {"file": "policies/people/emea.yaml", "line": 22, "column": 5}
    commit = {"id": "abcdef0" * 5 + "abcde", "author": "Ana", "subject": "Berlin gets a second SOC"}
    change = {
        "action": "grant",
        "risk": "low",
        "role": {"id": "3", "name": "SOC"},
        "scope": {"level": "site", "id": "101", "name": "EMEA/Berlin"},
        "reason": "your change",
        "window": None,
        "note": None,
        "places": [place],
        "commit": commit,
    }
    return change | parts


def with_change(tree: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    operation = {**tree["operations"][0], "changes": [change], "effects": [], "notes": []}
    return {**tree, "operations": [operation]}


@pytest.mark.parametrize(
    ("width", "tail"),
    [
        (120, "  your change  policies/people/emea.yaml:22:5  abcdef0 Berlin gets a second SOC"),
        (100, "  your change  policies/people/emea.yaml:22:5  abcdef0 Berlin gets a…"),
        (90, "  your change  policies/people/emea.yaml:22:5  abcdef0"),
        (80, "  your change  policies/people/emea.yaml:22:5"),
        (67, "  your change  …/emea.yaml:22:5"),
        (50, "  your change  …"),
    ],
)
def test_a_narrow_terminal_loses_the_commit_first_and_then_the_place(
    width: int, tail: str, full: Callable[[str], Plan]
) -> None:
    tree = with_change(plan_tree(full("x"), "1"), fitting_change())

    (line,) = [line for line in lines_at(tree, width) if line.startswith("    + grant")]
    assert line.startswith(f"    + grant  SOC on EMEA/Berlin{tail}")


def test_reasons_get_a_line_of_their_own_where_there_is_no_room(
    full: Callable[[str], Plan],
) -> None:
    change = fitting_change(reason="suspended while a window is open", risk="high")

    told = lines_at(with_change(plan_tree(full("x"), "1"), change), 50)

    at = told.index("    + grant  SOC on EMEA/Berlin  HIGH")
    assert told[at + 1] == "        suspended while a window is open  …"


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_width_hides_who_what_where_or_a_refusal(
    width: int, full: Callable[[str], Plan]
) -> None:
    name = "Überaus langer Name 管理者 " * 3 + "Ende"
    tree = plan_tree(full(name), "1")
    wide, narrow = plan_text(tree, color=False), plan_text(tree, color=False, width=width)

    for start in ("~ ", "+ ", "- ", "    + grant ", "    - revoke"):
        heads = [line for line in wide.splitlines() if line.startswith(start)]
        kept = [line for line in narrow.splitlines() if line.startswith(start)]
        assert len(kept) == len(heads)
        assert all(name in line for line in kept)
    together = " ".join(narrow.split())
    for refusal in tree["refusals"]:
        assert f"{refusal['rule']}: {' '.join(name.split())} fix: " in together


def test_with_room_enough_a_width_changes_nothing(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")

    assert plan_text(tree, color=False, width=500) == plan_text(tree, color=False)
    assert drift_text(tree, color=False, width=500) == drift_text(tree, color=False)


@pytest.mark.parametrize(("width", "color"), [(40, True), (80, False)])
def test_a_width_makes_no_value_obeyed(
    corpus: Corpus,
    width: int,
    color: bool,
    full: Callable[[str], Plan],
    check_harmless: Callable[..., None],
) -> None:
    def holds(text: str) -> None:
        tree = plan_tree(full(text), text)

        check_harmless(plan_text(tree, color=color, width=width), color=color)
        check_harmless(drift_text(tree, color=color, width=width), color=color)

    corpus.check(holds)


def test_fifty_operations_and_more_are_all_listed(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    tree["operations"] *= 40

    told = plan_text(tree, color=False, width=80)

    assert told.count("    - revoke x on x") == 120
    assert told.count("    + grant  x on x") == 80
