"""Speed as ratios within one run; on demand: `python -m pytest -m benchmark tests/benchmarks`."""

import time
from collections.abc import Callable

import pytest
from builders import SOC, assign, grant, plan, user, world
from ruamel.yaml import YAML

from reconciler.domain.state import Site

SITES = tuple(Site(str(10_000 + n), f"S{n}", "100", "EMEA", "active") for n in range(100))

pytestmark = pytest.mark.benchmark


def seconds(action: Callable[[], object]) -> float:
    """The best of three, which is the one least disturbed."""
    taken = []
    for _ in range(3):
        before = time.perf_counter()
        action()
        taken.append(time.perf_counter() - before)
    return min(taken)


def planned(people: int) -> Callable[[], object]:
    """A plan for so many people with ten grants each, every twentieth to be changed."""
    everybody = [
        user(
            str(10**6 + n),
            f"u{n}@acme.example",
            *(grant(SOC, SITES[(n + k) % 100]) for k in range(10)),
        )
        for n in range(people)
    ]
    wishes = [
        assign(
            f"u{n}@acme.example",
            "SOC",
            *(f"EMEA/S{(n + k + (n % 20 == 0)) % 100}" for k in range(10)),
        )
        for n in range(people)
    ]
    actual = world(*everybody, sites=SITES)
    return lambda: plan(actual, *wishes)


def test_a_plan_for_eight_times_the_people_takes_at_most_twelve_times_as_long() -> None:
    assert seconds(planned(1600)) / seconds(planned(200)) < 12


def test_the_c_parser_is_at_least_three_times_as_fast_as_the_other() -> None:
    text = "assignments:\n" + "  - members: [a@acme.example]\n    role: SOC\n" * 2000

    fast = seconds(lambda: list(YAML(typ="safe").parse(text)))
    slow = seconds(lambda: list(YAML(typ="safe", pure=True).parse(text)))

    assert slow / fast > 3
