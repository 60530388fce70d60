"""Drift tells who last changed somebody, where the console's log does."""

from typing import Any

import pytest


@pytest.fixture
def applied(desk: Any) -> Any:
    assert desk.run("apply", "--auto-approve").code == 0
    return desk


def test_drift_has_a_name_on_it(applied: Any) -> None:
    applied.make("bo@acme.example", "Admin")

    told = applied.run("drift")

    assert told.code == 2
    assert "note: last changed by Ada at 2026-11-23T09:00:00.000000Z" in told.out


def test_only_what_drifted_is_asked_about(applied: Any) -> None:
    applied.console.requests.clear()

    applied.run("drift")

    assert not [path for _, path in applied.console.requests if "/activities" in path]


@pytest.mark.parametrize("status", [403, 404, 500, 501])
def test_a_log_that_is_not_shown_is_one_line_and_changes_nothing(
    applied: Any, proxy: Any, faults: Any, status: int
) -> None:
    applied.make("bo@acme.example", "Admin")
    proxy.when(faults.status(status), path="/activities", times=9)

    told = applied.run("drift")

    assert told.code == 2
    assert "last changed by" not in told.out
    assert told.err.count("Not known, who changed this: ") == 1


def test_nobody_is_named_whom_the_log_does_not_name(applied: Any) -> None:
    applied.make("bo@acme.example", "Admin")
    for activity in applied.console.world.activities:
        activity["data"]["byUser"] = None

    assert "last changed by nobody named at" in applied.run("drift").out


def test_what_the_log_has_forgotten_has_no_name(applied: Any) -> None:
    applied.make("bo@acme.example", "Admin")
    applied.console.world.activities.clear()

    told = applied.run("drift")

    assert (told.code, told.err) == (2, "")
    assert "last changed by" not in told.out


def test_a_plan_names_nobody(applied: Any) -> None:
    applied.make("bo@acme.example", "Admin")

    assert "last changed by" not in applied.run("plan").out
