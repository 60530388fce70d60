import threading
from typing import Any

import pytest

from reconciler.console.limits import PUBLISHED, UNKNOWN, Limits, published_limit


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/users", "/users"),
        ("/users/1640", "/users"),
        ("/users/login", "/users/login"),
        ("/users/login/by-token", "/users/login"),
        ("/user", "/user"),
        ("/user-groups/1", "/user-groups"),
        ("/system/status/db", "/system/status"),
        ("/system/info", ""),
        ("/userships", ""),
        ("/settings/sso", ""),
    ],
)
def test_the_longest_published_prefix_of_whole_segments_wins(path: str, prefix: str) -> None:
    assert published_limit(path) == (prefix, PUBLISHED.get(prefix, UNKNOWN))


def test_the_burst_is_free_and_then_the_rate_holds(clock: Any) -> None:
    limits = Limits(clock.monotonic, clock.sleep)
    for _ in range(8):  # of 10: one in five is spared for what travels slowly
        limits.wait("/service-users")
    assert clock.slept == []
    for _ in range(5):
        limits.wait("/service-users/1")
    assert clock.slept == pytest.approx([0.2] * 5)


def test_time_gives_turns_back_but_never_more_than_the_burst(clock: Any) -> None:
    limits = Limits(clock.monotonic, clock.sleep)
    for _ in range(2):
        clock.seconds += 1000.0
        for _ in range(4):
            limits.wait("/user")
        assert clock.slept == []
    limits.wait("/user")
    assert clock.slept == [0.5]


def test_prefixes_do_not_hold_each_other_back(clock: Any) -> None:
    limits = Limits(clock.monotonic, clock.sleep)
    for _ in range(4):
        limits.wait("/user")
    limits.wait("/users")
    assert clock.slept == []


def test_a_clock_that_steps_back_gives_no_turns(clock: Any) -> None:
    limits = Limits(clock.monotonic, clock.sleep)
    for _ in range(4):
        limits.wait("/user")
    clock.seconds = -100.0
    limits.wait("/user")
    assert clock.slept == [0.5]


def test_threads_queue_up_for_their_turns() -> None:
    slept: list[float] = []
    limits = Limits(lambda: 0.0, slept.append)
    threads = [threading.Thread(target=limits.wait, args=("/service-users",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(slept) == pytest.approx([0.2 * turn for turn in range(1, 13)])
