"""Who looked at a run, and why each change was there, as people read it in the record."""

from typing import Any

import pytest

from reconciler.rendering.records import record_text
from reconciler.rendering.runs import led_by, runs_text

COMMIT, HEAD = "a" * 40, "b" * 40
REVIEW = {
    "trigger": "push",
    "commit": COMMIT,
    "run": "https://host/run/1",
    "started_by": "mx",
    "request": "7",
    "url": "https://host/pull/7",
    "head": HEAD,
    "author": "ann",
    "merged_by": "mx",
    "approvals": [{"by": "bob", "commit": HEAD}, {"by": "cy", "commit": ""}],
}
LED = (
    "pull request 7 (https://host/pull/7), author ann, approved by bob at bbbbbbbbbbbb and cy, "
    "merged by mx, push by mx, commit aaaaaaaaaaaa, https://host/run/1"
)


def text(kind: str, **data: Any) -> str:
    record = {"sequence": 1, "time": "09:00Z", "run": "r1", "kind": kind, "data": data}
    return record_text(record, color=False)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({}, "by hand"),
        ({"review": {}, "undo_of": ""}, "by hand"),
        ({"review": {}, "undo_of": "r0"}, "undo of r0, by hand"),
        ({"review": REVIEW}, LED),
        ({"review": {"trigger": "schedule", "commit": COMMIT}}, "schedule, commit aaaaaaaaaaaa"),
        ({"review": {"request": "7", "approvals": []}}, "pull request 7, approved by nobody"),
    ],
)
def test_what_led_to_a_run_is_told(run: Any, told: str) -> None:
    assert led_by(run) == told


def test_the_start_of_a_run_tells_who_looked_at_it_and_what_was_lifted() -> None:
    told = text(
        "run-started",
        operations=3,
        origin="https://acme",
        actor="service:x",
        review=REVIEW,
        overrides=["rolling is lifted to 9"],
    )

    assert told.splitlines() == [
        "    1  09:00Z  r1  run-started: 3 operations on https://acme by service:x",
        f"         {LED}",
        "         override in force: rolling is lifted to 9",
    ]


def test_a_refused_run_tells_who_asked_for_it() -> None:
    told = text("refused", rules=["rolling"], actor="service:x")

    assert "refused: rolling; asked for by service:x\n         by hand\n" in told


@pytest.mark.parametrize("kind", ["intent", "outcome"])
def test_a_change_tells_why_where_and_since_which_commit(kind: str) -> None:
    change = {
        "action": "grant",
        "role": "Admin",
        "scope": "Acme",
        "reason": "your change",
        "note": "CHG-9",
        "places": ["a.yaml:4:5"],
        "commit": COMMIT,
    }

    told = text(kind, principal={"name": "ana@acme.example"}, changes=[change])

    assert told.splitlines()[1:] == [
        "         + grant  Admin on Acme  your change",
        "                  reason: CHG-9, a.yaml:4:5, commit aaaaaaaaaaaa",
    ]


def test_a_change_for_a_time_tells_until_when() -> None:
    change = {"action": "grant", "role": "Admin", "scope": "Acme", "reason": "window opened"}
    change["until"] = "2026-11-23T12:00:00Z"

    told = text("intent", principal={"name": "ana@acme.example"}, changes=[change])

    assert told.splitlines()[1:] == [
        "         + grant  Admin on Acme until 2026-11-23T12:00:00Z  window opened"
    ]


def test_a_token_that_may_remain_is_told_with_the_outcome() -> None:
    principal = {"name": "ana@acme.example"}

    told = text("outcome", principal=principal, result="applied", detail="ok", remains="403\n")

    line = "    1  09:00Z  r1  outcome: ana@acme.example applied: ok; an API token may remain: "
    assert told == line + "403\\n\n"


def test_what_somebody_said_who_asked_by_hand_is_told() -> None:
    principal = {"name": "service:siem"}

    told = text("intent", operation="rotate", principal=principal, note="CHG-9", changes=[])

    assert told == "    1  09:00Z  r1  intent: rotate service:siem: CHG-9\n"


def test_names_from_elsewhere_are_made_visible() -> None:
    run = {"run": "r\x1b", "time": "t", "actor": "a\u202e", "origin": "", "review": {}}
    run |= {"undo_of": "", "results": {"applied": 2}, "end": "no end on record", "head": "h"}

    assert runs_text([run], color=False) == (
        "r\\x1b  t  by a\\u202e  by hand  2 applied, no end on record  h\n"
    )
