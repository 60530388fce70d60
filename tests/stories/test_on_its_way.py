"""What a run sent right before its end may arrive after it; the next one waits that out (T55)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

LENA, BO, SIEM, EVE = "lena@acme.example", "bo@acme.example", "service:siem", "eve@acme.example"
PATHS = {
    LENA: "/users",
    BO: "/users/1820000000000001004",
    SIEM: "/service-users/1820000000000002003",
    EVE: "/users/1820000000000001005",
}
WRITES = pytest.mark.parametrize(
    ("method", "name"), [("PUT", SIEM), ("POST", LENA), ("PUT", BO), ("DELETE", EVE)]
)


class Sleeping(list[float]):
    """What was slept; something happens during a long sleep."""

    def __init__(self, during: Callable[[], object]) -> None:
        super().__init__()
        self._during = during

    def append(self, seconds: float) -> None:
        super().append(seconds)
        if seconds > 30:
            self._during()

    def long(self) -> list[float]:
        return [seconds for seconds in self if seconds > 2]


@pytest.fixture
def held(desk: Any, proxy: Any, faults: Any) -> Callable[[str, str], list[Any]]:
    """End a run whose write a gateway has taken and not passed on, and which cannot read."""

    def run(method: str, name: str) -> list[Any]:
        requests: list[Any] = []

        def hold(exchange: Any) -> None:
            requests.append(exchange)
            proxy.when(faults.status(401), method="GET", times=1)
            exchange.reset()

        proxy.when(hold, method=method, path=PATHS[name])
        assert desk.run("apply", "--auto-approve").code == 4
        assert desk.results()[name] == "unknown"
        proxy.start_over()
        return requests

    return run


@WRITES
def test_a_write_that_arrives_after_the_run_that_sent_it_is_told_by_the_next_one(
    desk: Any, held: Any, method: str, name: str
) -> None:
    requests = held(method, name)
    before = len(desk.written())
    desk.clock.slept = slept = Sleeping(requests[0].forward)
    desk.clock.passes(seconds=10)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert slept.long() == [50.0]
    assert "waiting 50 s, until its request can no longer arrive" in told.err
    (resolved,) = [each["data"] for each in desk.journal() if each["kind"] == "resolved"]
    assert (resolved["principal"]["name"], resolved["result"]) == (name, "applied")
    assert sum(name.removeprefix("service:") in each for each in desk.written()) <= 1
    assert len(desk.written()) >= before + 1


@pytest.mark.parametrize(
    ("age", "waited"),
    [
        (timedelta(0), [60.0]),
        (timedelta(seconds=59), [1.0]),
        (timedelta(seconds=60), []),
        (timedelta(days=3), []),
        # Written by a clock that is ahead of ours.
        (timedelta(days=-3), [60.0]),
    ],
)
def test_the_wait_counts_from_the_last_record_of_that_run(
    desk: Any, held: Any, age: timedelta, waited: list[float]
) -> None:
    held("PUT", BO)
    desk.clock.instant += age
    desk.clock.slept = Sleeping(lambda: None)

    assert desk.run("apply", "--auto-approve").code == 0

    assert [seconds for seconds in desk.clock.slept if seconds in {60.0, 1.0}] == waited


def test_a_run_that_left_nothing_open_is_not_waited_for(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    desk.make(BO, "Viewer")

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "waiting" not in told.err
    assert desk.clock.slept == []


def test_a_service_user_s_token_is_not_renewed_while_another_renewal_may_arrive(
    desk: Any, held: Any
) -> None:
    requests = held("PUT", SIEM)
    desk.clock.slept = slept = Sleeping(requests[0].forward)

    told = desk.run("service-user", "rotate", "siem", "--secret-file", "t", "--auto-approve")

    assert told.code == 0, told.text
    assert slept.long() == [60.0]
    assert "applied" in told.err
