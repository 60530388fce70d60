"""The clock opens and closes windows that were reviewed, and does nothing else for anybody."""

from typing import Any

import pytest
from stories.office import Office
from stories.test_in_ci import VIEWER, WINDOW

MIA = "mia@acme.example"
SNEAK = """\
version: 1
assignments:
  - members: [mia@acme.example]
    role: Admin
    sites: [Acme/Lyon]
    from: 2026-11-23T08:00:00Z
    until: 2036-11-23T12:00:00Z
"""
LATER = SNEAK.replace("2026-11-23T08", "2026-11-23T10")


def reviewed(office: Office, title: str, name: str, text: str) -> None:
    office.begin()
    pull = office.open(title, {f"policies/{name}.yaml": ("", text)})
    office.publish(office.plan(pull))
    office.merge(pull)
    applied = office.apply()
    assert applied.code == 0, applied.text


@pytest.mark.parametrize("text", [SNEAK, LATER], ids=["open already", "opens later"])
@pytest.mark.parametrize("how", ["no plan", "with a workflow", "guardrails loosened"])
def test_what_the_push_refused_the_clock_does_not_bring_in(
    office: Office, how: str, text: str
) -> None:
    strict = "version: 1\nprivileged: [{roles: [Admin], max_duration: 8h, require_reason: true}]\n"
    edits = {"policies/sneak.yaml": ("", text)}
    if how == "with a workflow":
        edits[".github/workflows/x.yml"] = ("", "on: push\n")
    if how == "guardrails loosened":
        edits["policies/guardrails.yaml"] = (strict, "version: 1\n")
        office.git("checkout", "-q", "-B", "main", "origin/main")
        office.write("policies/guardrails.yaml", strict)
        office.commit("Strict")
        office.git("push", "--quiet", "origin", "main")
    reviewed(office, "Viewer", "viewer", VIEWER)
    office.desk.console.changes.clear()
    pull = office.open("Sneak", edits)
    if how != "no plan":
        office.publish(office.plan(pull))
    office.merge(pull)
    assert office.apply().code == 3

    office.desk.clock.passes(hours=2)
    clock = office.scheduled()

    assert clock.code == 0, clock.text
    assert office.desk.written() == []


def test_what_somebody_took_away_by_hand_stays_away(office: Office) -> None:
    reviewed(office, "On call", "call", WINDOW)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]
    office.desk.make(MIA, "SOC")

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_a_window_closes_though_other_policies_wait_for_review(office: Office) -> None:
    reviewed(office, "On call", "call", WINDOW)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    unreviewed = office.open("Sneak", {"policies/sneak.yaml": ("", VIEWER)})
    office.merge(unreviewed)
    assert office.apply().code == 3

    office.desk.clock.passes(hours=2)
    closed = office.scheduled()

    assert closed.code == 0, closed.text
    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_a_window_whose_opening_failed_is_tried_again(
    office: Office, proxy: Any, faults: Any
) -> None:
    reviewed(office, "On call", "call", WINDOW)
    office.desk.clock.passes(hours=1, minutes=5)
    proxy.when(faults.status(400), method="PUT")
    assert office.scheduled().code == 4

    office.desk.clock.passes(minutes=35)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["Admin Lyon"]


def test_before_anything_was_reviewed_the_clock_does_nothing(office: Office) -> None:
    waiting = office.scheduled()
    assert waiting.code == 0
    assert "wait for the first" in waiting.text
    assert office.desk.written() == []
