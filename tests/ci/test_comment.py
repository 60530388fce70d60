"""The texts for people: framed, within the host's limit, inert."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, assign, plan, user, world
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from hostile import HOSTILE

from reconciler.ci.bound import bound_digest
from reconciler.ci.comment import (
    ON_MERGE,
    Frame,
    clean_body,
    drift_body,
    error_body,
    outcome_body,
    plan_body,
    unplanned_body,
)
from reconciler.ci.marker import LENGTH
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan
from reconciler.errors import ConsoleError, Place, PolicyError, Problem
from reconciler.rendering.outcomes_markdown import Aftermath
from reconciler.rendering.tree import plan_tree

Draw = Callable[[dict[str, Any], Frame], str]

RUN = "https://ci.example/acme/access/actions/runs/100"
FRAME = Frame(RUN, "c" * 40, ON_MERGE)
FOOT = f"<sub>Run <{RUN}>, commit `cccccccc`"


def made(people: int = 1) -> Plan:
    names = [f"user{number:04}@acme.example" for number in range(people)]
    actual = world(*(user(str(number), name) for number, name in enumerate(names, 1000)))
    return plan(actual, assign(names, "SOC", "EMEA/Berlin"))


@pytest.fixture(scope="module")
def tree() -> dict[str, Any]:
    return plan_tree(made(), "1")


def refused(tree: dict[str, Any]) -> dict[str, Any]:
    refusal = {"rule": "max_revokes", "message": "Too many.", "remedy": "Ask.", "places": []}
    return {**tree, "refusals": [refusal]}


def test_a_plan_says_how_it_is_applied_and_where_it_comes_from(tree: dict[str, Any]) -> None:
    told = plan_body(tree, FRAME)

    assert told.startswith("### Plan: 1 to grant")
    assert f"\n**{ON_MERGE}**\n" in told
    assert told.endswith(f"{FOOT}, content `{tree['content_digest'][:19]}`.</sub>\n")
    assert f"The whole plan: <{RUN}>" in told


def test_a_refused_plan_does_not_say_that_it_will_be_applied(tree: dict[str, Any]) -> None:
    told = plan_body(refused(tree), FRAME)

    assert "[!CAUTION]" in told
    assert ON_MERGE not in told


def test_without_a_frame_nothing_stands_around_a_plan(tree: dict[str, Any]) -> None:
    told = plan_body(tree, Frame())

    assert told.count("<sub>") == 2
    assert "Run" not in told


def test_drift_says_how_it_is_mended_by_the_digest_that_was_read(tree: dict[str, Any]) -> None:
    told = drift_body(tree, FRAME)

    assert told.startswith("### Drift: 1 missing")
    assert f"run the apply workflow with the digest `{bound_digest(tree)}`" in told
    assert ON_MERGE not in told


def test_drift_that_nothing_can_be_applied_for_names_no_digest(tree: dict[str, Any]) -> None:
    assert "apply workflow" not in drift_body({**tree, "operations": []}, FRAME)
    told = drift_body(refused(tree), FRAME)
    assert "A guardrail refuses to mend it" in told
    assert "apply workflow" not in told


def test_no_drift_is_told_as_such() -> None:
    tree = plan_tree(plan(world()), "1")
    told = clean_body(tree, FRAME)

    assert told.startswith("### No drift.")
    assert "**The console holds what the policies say.**" in told
    assert f"\nTo apply by hand: digest `{bound_digest(tree)}`.\n" in told
    assert FOOT in told


def test_what_could_not_be_planned_does_not_read_as_no_change() -> None:
    told = unplanned_body(FRAME)

    assert told.startswith("### The policies are valid. Not planned.")
    assert FOOT in told


def test_broken_policies_and_failed_reading_have_a_text_too() -> None:
    broken = PolicyError((Problem(Place("a.yaml", 1, 2), "unknown-site", "None.", "Fix it."),))

    assert error_body(broken, FRAME).startswith("### 1 problem in the policy files")
    told = error_body(ConsoleError("The console is away.", "Try later."), FRAME)
    assert told.startswith("### Failed")
    for text in (told, error_body(broken, FRAME)):
        assert FOOT in text
        assert ON_MERGE not in text


def test_an_outcome_has_its_frame() -> None:
    outcomes = tuple(Outcome(each, Result.APPLIED) for each in made().operations)

    told = outcome_body(Aftermath(outcomes, "sha256:" + "a" * 64), FRAME)

    assert told.startswith("### Apply: 1 applied, of 1.")
    assert FOOT in told


def test_every_text_has_room_beside_its_marker_in_the_longest_comment() -> None:
    large = made(1_000)
    tree = plan_tree(large, "1")
    problems = tuple(
        Problem(Place("a.yaml", line, 1), "unknown-site", "m" * 100, "r") for line in range(1_000)
    )
    outcomes = tuple(Outcome(each, Result.FAILED, "d" * 100) for each in large.operations)

    for limit in (65_536, 20_000):
        frame = Frame(RUN, "c" * 40, ON_MERGE, limit)
        for told in (
            plan_body(tree, frame),
            drift_body(tree, frame),
            error_body(PolicyError(problems), frame),
            outcome_body(Aftermath(outcomes, "a" * 64), frame),
        ):
            assert limit * 0.9 < len(told) <= limit - LENGTH
            assert "for want of room" in told
            assert FOOT in told


@pytest.mark.parametrize("draw", [plan_body, drift_body])
def test_the_limit_is_kept_to_the_character_with_the_marker_before_it(draw: Draw) -> None:
    tree = plan_tree(made(100), "1")
    whole = draw(tree, Frame(RUN, "c" * 40, ON_MERGE, 1_000_000))
    just = len(whole) + LENGTH

    for more in (0, 1):
        assert draw(tree, Frame(RUN, "c" * 40, ON_MERGE, just + more)) == whole
    cut = draw(tree, Frame(RUN, "c" * 40, ON_MERGE, just - 1))
    assert len(cut) < len(whole)
    assert "for want of room" in cut


def test_no_hostile_address_or_commit_changes_a_text(tree: dict[str, Any]) -> None:
    def page(text: str) -> str:
        told = drift_body(tree, Frame(text, text)) + error_body(
            ConsoleError("x"), Frame(text, text)
        )
        return re.sub(r"<code>[^<]*</code>", "", github_flavored_markdown_to_html(told))

    usual = page("x")
    bad = [name for name, text in HOSTILE.items() if text and page(text) != usual]
    # What is a plain https address may be a link: it comes from the runner's own variables.
    assert [name for name in bad if not HOSTILE[name].startswith("https://")] == []
    assert all(HOSTILE[name].startswith("https://") for name in bad)


def later(**window: str | None) -> dict[str, Any]:
    """A report in machine form with one window to come, and what is changed of it."""
    wish = assign(
        "user0000@acme.example",
        "Admin",
        "EMEA/Lyon",
        start=NOW + timedelta(hours=1),
        end=NOW + timedelta(hours=3),
    )
    tree = plan_tree(plan(world(user("1000", "user0000@acme.example")), wish), "1")
    tree["coming"][0]["window"] |= window
    return tree


def test_the_digest_to_start_by_hand_stands_for_each_part_of_what_opens_later() -> None:
    usual = later()
    others = [
        {**usual, "coming": []},
        later(**{"from": "2026-11-22T10:30:00Z"}),
        later(until="2026-11-22T12:30:00Z"),
        later(until=None),
    ]
    for part, inner in (("principal", "name"), ("role", "id"), ("role", "name"), ("scope", "name")):
        other = later()
        other["coming"][0][part][inner] += "9"
        others.append(other)

    digests = {bound_digest(tree) for tree in (usual, *others)}

    assert len(digests) == 1 + len(others)
    known = later()
    known["coming"][0] |= {"is_new": True, "places": [], "note": "x"}
    # What lasts longer is told against a base, and a report has another than the apply.
    known["coming"].append({**known["coming"][0], "is_longer": True})
    assert bound_digest(known) == bound_digest(usual)


def test_nothing_to_do_still_names_the_digest_and_what_opens_later() -> None:
    tree = later()

    for told in (
        clean_body(tree, FRAME),
        drift_body(tree, FRAME),
        drift_body(refused(tree), FRAME),
    ):
        assert "- **opens later** `Admin` on `EMEA/Lyon`" in told
        assert f"\nTo apply by hand: digest `{bound_digest(tree)}`." in told


def test_what_opens_later_leaves_room_for_the_digest() -> None:
    names = [f"user{number:04}@acme.example" for number in range(2_000)]
    actual = world(*(user(str(number), name) for number, name in enumerate(names, 1000)))
    wish = assign(names, "SOC", "EMEA/Berlin", start=NOW + timedelta(hours=1))
    tree = plan_tree(plan(actual, wish), "1")

    for draw in (clean_body, drift_body):
        told = draw(tree, Frame(RUN, "c" * 40, "", 20_000))
        assert len(told) <= 20_000 - LENGTH
        assert "later grants" in told
        assert f"digest `{bound_digest(tree)}`" in told
