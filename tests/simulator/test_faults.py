"""Which fault hits which request: a matter of counters and a seed."""

import pytest

from reconciler.simulator.faults import Fault, Schedule, Tally, strikes

USERS = ("GET", "/web/api/v2.1/users")
USER = ("PUT", "/web/api/v2.1/users/7")


def hits(schedule: Schedule, *requests: tuple[str, str]) -> list[int]:
    """Numbers of the requests that were hit, from 1."""
    return [n for n, request in enumerate(requests, 1) if schedule.next(*request)]


def test_a_fault_without_a_pattern_counts_every_request() -> None:
    schedule = Schedule([Fault("500", first=2, last=3)])
    assert hits(schedule, USERS, USER, USERS, USERS) == [2, 3]


def test_a_fault_with_a_pattern_counts_what_matches() -> None:
    schedule = Schedule([Fault("500", method="PUT", path="/users/*", first=2, last=2)])
    assert hits(schedule, USER, USERS, USERS, USER, USER) == [4]


def test_a_fault_without_an_end_goes_on_and_a_count_ends_it() -> None:
    assert hits(Schedule([Fault("500", first=2)]), *[USERS] * 5) == [2, 3, 4, 5]
    assert hits(Schedule([Fault("500", first=2, count=2)]), *[USERS] * 5) == [2, 3]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/users", "/web/api/v2.1/users", True),
        ("/web/api/v2.1/users", "/web/api/v2.1/users", True),
        ("/users", "/web/api/v2.1/users/7", False),
        ("/users/*", "/web/api/v2.1/users/7", True),
        ("/users/*", "/web/api/v2.1/users/7/api-token-details", False),
        ("/users/**", "/web/api/v2.1/users/7/api-token-details", True),
        ("/*users", "/web/api/v2.1/service-users", True),
        ("/user.", "/web/api/v2.1/users", False),
        ("", "/anything", True),
        ("/elsewhere", "/elsewhere", True),
    ],
)
def test_a_pattern_is_a_path_with_stars(pattern: str, path: str, matches: bool) -> None:
    assert Fault("500", path=pattern).matches("GET", path) is matches


def test_two_faults_can_hit_one_request_in_the_order_of_the_list() -> None:
    schedule = Schedule([Fault("latency"), Fault("500")])
    assert [fault.kind for fault, _ in schedule.next(*USERS)] == ["latency", "500"]


def test_chance_follows_the_seed_and_nothing_else() -> None:
    fault = Fault("502", chance=0.3, method="GET")
    first = hits(Schedule([fault], seed=4), *[USERS] * 200)
    assert first == hits(Schedule([fault], seed=4), *[USERS] * 200)
    assert first != hits(Schedule([fault], seed=5), *[USERS] * 200)
    assert 40 < len(first) < 80
    mixed = hits(Schedule([fault], seed=4), *[USERS, USER] * 200)
    assert [(n + 1) // 2 for n in mixed] == first


def test_two_faults_of_one_chance_draw_on_their_own() -> None:
    one = Fault("502", chance=0.5)
    schedule = Schedule([one, one], seed=1)
    both = [len(schedule.next(*USERS)) for _ in range(100)]
    assert set(both) == {0, 1, 2}


@pytest.mark.parametrize(("chance", "hit"), [(0.0, False), (1.0, True)])
def test_no_chance_is_never_and_a_full_one_always(chance: float, hit: bool) -> None:
    fault = Fault("500", chance=chance)
    assert {strikes(fault, Tally(matched=n), 0, 0) for n in range(1, 100)} == {hit}


def test_the_tally_tells_what_matched_and_what_was_hit() -> None:
    schedule = Schedule([Fault("500", method="GET", first=2)])
    hits(schedule, USERS, USER, USERS, USERS)
    assert schedule.tallies == [Tally(matched=3, hits=2)]
    schedule.restart()
    assert schedule.tallies == [Tally()]
