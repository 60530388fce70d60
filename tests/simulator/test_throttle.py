"""Rate limits: exact buckets, and what a 429 says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.serve import Running
from reconciler.simulator.throttle import LIMITS, RateLimits, Throttle, longest_prefix

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OpenClient = Callable[[str], httpx.Client]


class Hands:
    """A clock that is moved by hand, in microseconds."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, microseconds: int) -> None:
        self.now += timedelta(microseconds=microseconds)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def throttle(hands: Hands) -> Throttle:
    return Throttle(hands, RateLimits())


def passed(throttle: Throttle, path: str, times: int, caller: str = "t") -> int:
    return sum(throttle.admit(caller, path) is None for _ in range(times))


@pytest.mark.parametrize(("prefix", "rate", "burst"), [(p, *r) for p, r in LIMITS.items()])
def test_a_full_bucket_gives_its_burst_and_refills_at_its_rate(
    throttle: Throttle, hands: Hands, prefix: str, rate: int, burst: int
) -> None:
    assert passed(throttle, prefix, burst + 5) == burst
    hands.move(1_000_000 * 3 // rate)
    assert passed(throttle, prefix, burst + 5) == min(burst, 3 - (1_000_000 * 3 % rate > 0))
    hands.move(3600 * 1_000_000)
    assert passed(throttle, prefix, burst + 5) == burst


def test_a_bucket_is_exact_to_the_microsecond(throttle: Throttle, hands: Hands) -> None:
    assert passed(throttle, "/service-users", 10) == 10
    hands.move(199_999)
    assert throttle.admit("t", "/service-users") == timedelta(microseconds=1)
    hands.move(1)
    assert throttle.admit("t", "/service-users") is None
    assert throttle.admit("t", "/service-users") == timedelta(microseconds=200_000)


@given(st.integers(1, 100), st.integers(1, 100), st.lists(st.integers(0, 3_000_000), max_size=60))
def test_never_more_than_burst_and_rate_allow(rate: int, burst: int, gaps: list[int]) -> None:
    hands = Hands()
    throttle = Throttle(hands, RateLimits({"/users": (rate, burst)}))
    admitted = 0
    for gap in gaps:
        hands.move(gap)
        wait = throttle.admit("t", "/users")
        admitted += wait is None
        elapsed = (hands.now - START) // timedelta(microseconds=1)
        assert admitted * 1_000_000 <= burst * 1_000_000 + elapsed * rate
        if wait is not None:  # whoever waits exactly as long as told is served
            hands.move(wait // timedelta(microseconds=1) - 1)
            assert throttle.admit("t", "/users") == timedelta(microseconds=1)
            hands.move(1)
            assert throttle.admit("t", "/users") is None
            admitted += 1


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/users", "/users"), ("/users/7", "/users"), ("/users/login", "/users/login"),
        ("/users/login/by-api-token", "/users/login"), ("/user", "/user"),
        ("/user-groups", "/user-groups"), ("/usersx", None), ("/system/info", None),
        ("/system/status/db", "/system/status"), ("/rbac/role/7", "/rbac"), ("/groups", None),
    ],
)  # fmt: skip
def test_the_longest_prefix_of_whole_parts_wins(path: str, prefix: str | None) -> None:
    assert longest_prefix(LIMITS, path) == prefix


def test_each_token_and_each_prefix_has_its_own_bucket(throttle: Throttle) -> None:
    assert passed(throttle, "/user", 9, "one") == 5
    assert passed(throttle, "/user", 9, "two") == 5
    assert passed(throttle, "/service-users/7", 20, "one") == 10
    assert passed(throttle, "/users", 100, "one") == 80


def test_the_status_is_limited_for_all_callers_together(throttle: Throttle) -> None:
    assert passed(throttle, "/system/status", 1, "one") == 1
    assert passed(throttle, "/system/status", 1, "two") == 0


def test_a_clock_that_goes_back_gives_nothing(throttle: Throttle, hands: Hands) -> None:
    assert passed(throttle, "/user", 9) == 5
    hands.move(-5_000_000)
    assert passed(throttle, "/user", 9) == 0


def test_limits_are_off_at_first(client: httpx.Client) -> None:
    assert {client.get("/user").status_code for _ in range(20)} == {200}


@pytest.mark.parametrize(
    ("form", "header"),
    [("none", None), ("seconds", "1"), ("date", "Mon, 23 Nov 2026 09:00:01 GMT")],
)
def test_a_429_is_a_page_of_the_gateway_and_says_what_it_is_told_to(
    console: Running, client: httpx.Client, form: str, header: str | None
) -> None:
    console.rehearse(rate_limits={"retry_after": form})
    assert [client.get("/user").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    refused = client.get("/user")
    assert refused.headers.get("retry-after") == header
    assert refused.headers["content-type"] == "text/html"
    assert "<center><h1>429 Too Many Requests</h1></center>" in refused.text
    console.rehearsal.clock.advance(0.5)
    assert [client.get("/user").status_code for _ in range(2)] == [200, 429]


def test_whoever_comes_back_at_the_date_is_served(console: Running, client: httpx.Client) -> None:
    console.rehearse(rate_limits={"retry_after": "date", "limits": {"/user": [1, 1]}})
    console.rehearsal.clock.advance(0.3)
    assert client.get("/user").status_code == 200
    console.rehearsal.clock.advance(0.3)
    told = client.get("/user").headers["retry-after"]
    assert told == "Mon, 23 Nov 2026 09:00:02 GMT"
    console.rehearsal.clock.freeze(START + timedelta(seconds=2))
    assert client.get("/user").status_code == 200


def test_a_refused_request_does_nothing_and_is_not_damaged(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("truncated@2", rate_limits={"limits": {"/users": [1, 1]}})
    path = "/users/1820000000000001025"
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 429
    assert console.changes == []
    assert console.log[-1].faults == ("rate-limit",)
    assert console.rehearsal.schedule.tallies[0].missed == 1


def test_an_answer_in_the_console_s_place_takes_nothing_from_the_bucket(
    console: Running, client: httpx.Client
) -> None:
    console.rehearse("503@1-3", rate_limits={"limits": {"/users": [1, 1]}})
    assert [client.get("/users").status_code for _ in range(5)] == [503] * 3 + [200, 429]
