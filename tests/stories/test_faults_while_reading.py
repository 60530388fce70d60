"""Whatever happens to a read: the plan is right, or there is no plan."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

LISTINGS = ("/users", "/service-users", "/rbac/roles", "/sites", "/accounts")
SUMMARY = "Plan: 3 to grant, 2 to revoke, 1 to invite, 1 to delete, 2 unlisted."
LATER = format_datetime(datetime(2026, 11, 23, 9, 0, 40, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize(
    ("path", "fault", "times"),
    [
        *((path, "503", 4) for path in ("/user", *LISTINGS)),
        *((path, "reset_before", 1) for path in ("/user", *LISTINGS)),
        ("/users", "429", 4),
        ("/users", "500", 1),
        ("/users", "502", 1),
        ("/users", "reset_after", 4),
    ],
)
def test_a_read_that_fails_is_tried_again_and_the_plan_is_right(
    desk: Any, proxy: Any, faults: Any, path: str, fault: str, times: int
) -> None:
    harm = faults.status(int(fault)) if fault.isdigit() else getattr(faults, fault)
    proxy.when(harm, path=path, times=times)

    told = desk.run("plan")

    assert told.code == 0, told.text
    assert SUMMARY in told.out
    assert proxy.count("GET", path) == times + 1
    assert len(desk.clock.slept) >= times


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), (LATER, 40.0), ("100000", 120.0), ("soon", None)]
)
def test_the_wait_that_the_console_asks_for_is_kept(
    desk: Any, proxy: Any, faults: Any, header: str, seconds: float | None
) -> None:
    proxy.when(faults.status(429, Retry_After=header), path="/sites")

    assert desk.run("plan").code == 0
    assert len(desk.clock.slept) == 1
    assert seconds is None or desk.clock.slept == [seconds]
    assert 0 <= desk.clock.slept[0] <= 120


def test_a_read_that_never_works_is_one_clear_error_and_no_plan(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.status(503), path="/users", times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1
    assert [line for line in told.err.splitlines() if line.startswith("error:")] == [
        "error: GET /users: the console answered 503"
    ]
    assert proxy.count("GET", "/users") == 5
    assert desk.console.changes == []


def drop_one(body: dict[str, Any]) -> None:
    body["data"].pop()


def total_up(body: dict[str, Any]) -> None:
    body["pagination"]["totalItems"] += 1


def total_down(body: dict[str, Any]) -> None:
    body["pagination"]["totalItems"] -= 1


def loop(body: dict[str, Any]) -> None:
    body["pagination"]["nextCursor"] = "YWdhaW4="


def twice(body: dict[str, Any]) -> None:
    body["data"].append(body["data"][0])
    body["pagination"]["totalItems"] += 1


def errors_beside(body: dict[str, Any]) -> None:
    body["errors"] = [{"code": 5000010, "title": "half of it", "detail": None}]


def no_pagination(body: dict[str, Any]) -> None:
    del body["pagination"]


def no_grants(body: dict[str, Any]) -> None:
    del body["data"][-1]["scopeRoles"]


def unknown_role(body: dict[str, Any]) -> None:
    body["data"][-1]["scopeRoles"][0]["roleId"] = "999"


def empty(body: dict[str, Any]) -> None:
    body["data"] = []


Harm = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize("path", ["/users", "/service-users"])
@pytest.mark.parametrize(
    "harm",
    [
        drop_one, total_up, total_down, loop, twice, errors_beside, no_pagination, no_grants,
        unknown_role, empty,
    ],
    ids=lambda harm: harm.__name__,
)  # fmt: skip
def test_nothing_is_planned_and_nothing_written_on_an_incomplete_read(
    desk: Any, proxy: Any, faults: Any, path: str, harm: Harm
) -> None:
    proxy.when(faults.repeated(harm), path=path, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1, told.text
    assert "revoke" not in told.text
    assert told.err.startswith("error: ")
    assert desk.console.changes == []
    assert proxy.count("GET", path) <= 6


@pytest.mark.parametrize(
    ("path", "harm"),
    [*((path, "html") for path in ("/user", *LISTINGS)), ("/users", "truncated")],
)
def test_an_answer_that_is_not_the_api_s_is_never_believed(
    desk: Any, proxy: Any, faults: Any, path: str, harm: str
) -> None:
    proxy.when(getattr(faults, harm), path=path, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1
    assert path in told.err
    assert desk.console.changes == []


def test_one_incomplete_read_is_repeated_and_the_plan_is_right(
    desk: Any, proxy: Any, faults: Any
) -> None:
    proxy.when(faults.changed(drop_one), path="/users", times=2)

    told = desk.run("plan")

    assert told.code == 0
    assert SUMMARY in told.out
    assert proxy.count("GET", "/users") == 3


@pytest.mark.parametrize("path", LISTINGS)
def test_a_forbidden_listing_is_an_error_with_the_remedy(
    desk: Any, proxy: Any, faults: Any, path: str
) -> None:
    proxy.when(faults.status(403), path=path, times=100)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1
    assert "permission" in told.err
    assert proxy.count("GET", path) == 1
    assert desk.console.changes == []


@pytest.mark.parametrize("at", range(6))
def test_a_console_that_dies_while_it_is_read_is_one_clear_error(
    desk: Any, proxy: Any, faults: Any, at: int, end: Any
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "reconciler.simulator"], stdout=subprocess.PIPE
    )
    end(process)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    proxy.upstream, desk.token = told["url"].removeprefix("http://"), told["token"]

    def kill() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    proxy.when(faults.before(kill), at=at)

    answer = desk.run("plan", "--detailed-exitcode")

    assert answer.code == 1
    assert answer.out == ""
    assert len([line for line in answer.err.splitlines() if line.startswith("error:")]) == 1
