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

    assert told[4] == "Refused. Nothing will be written while this stands:"


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
    *("grant", "revoke", "high", "medium", "low", "invite", "update", "delete"),
    *("tenant", "account", "site", "window opened", "policy"),
}
"""Words that the schema lists; nothing else gets past it."""
