"""The clock of a rehearsal over the clock on the wall."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.simulator.clock import Clock

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Wall:
    """Goes on by a second at each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def test_it_runs_with_the_clock_beneath_and_stands_when_frozen() -> None:
    clock = Clock(Wall())
    assert clock() < clock()
    clock.freeze()
    assert clock() == clock()
    stood = clock()
    clock.thaw()
    assert timedelta(0) < clock() - stood <= timedelta(seconds=2)


def test_thawing_a_running_clock_changes_nothing() -> None:
    clock = Clock(lambda: START)
    clock.advance(5)
    clock.thaw()
    assert clock() == START + timedelta(seconds=5)


def test_an_impossible_step_leaves_it_where_it_was() -> None:
    clock = Clock(lambda: START)
    with pytest.raises(OverflowError):
        clock.advance(1e12)
    assert clock() == START
    clock.freeze()
    with pytest.raises(OverflowError):
        clock.advance(-1e12)
    assert clock() == START
