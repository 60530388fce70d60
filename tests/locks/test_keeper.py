import threading
from typing import Any

import pytest

from reconciler.errors import SettingsError
from reconciler.locks.keeper import Keeper, Term

TERM = Term(30)


class Answers:
    """What renewing answers, one after the other: a truth, or an error to raise."""

    def __init__(self, answers: list[bool | Exception]) -> None:
        self.left = answers

    def __call__(self) -> bool:
        answer = self.left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def keeper(clock: Any, answers: list[bool | Exception] | None = None) -> Keeper:
    return Keeper(Answers(answers or []), TERM, clock.seconds, clock.monotonic)


def test_others_wait_at_least_half_as_long_again_as_we_trust_it() -> None:
    assert (TERM.every, TERM.trusted, TERM.again) == (10, 20, 2)
    assert TERM.lifetime >= 1.5 * TERM.trusted


def test_it_is_ours_until_two_thirds_of_its_life_have_passed(clock: Any) -> None:
    kept = keeper(clock)
    clock.passes(19.9)
    assert kept.is_fresh()
    clock.passes(0.1)
    assert not kept.is_fresh()


def test_a_renewal_counts_from_when_it_was_asked_for(clock: Any) -> None:
    def slow() -> bool:
        clock.passes(15)
        return True

    kept = Keeper(slow, TERM, clock.seconds, clock.monotonic)
    assert kept.beat() == TERM.every
    clock.passes(4.9)
    assert kept.is_fresh()
    clock.passes(0.2)
    assert not kept.is_fresh()


def test_a_renewal_that_gets_no_answer_is_tried_again_soon(clock: Any) -> None:
    kept = keeper(clock, [SettingsError("no answer"), True])
    clock.passes(10)
    assert kept.beat() == TERM.again
    assert kept.is_fresh()
    clock.passes(2)
    assert kept.beat() == TERM.every
    clock.passes(19)
    assert kept.is_fresh()


def test_what_somebody_else_has_is_lost_at_once_and_for_good(clock: Any) -> None:
    kept = keeper(clock, [False])
    kept.beat()
    assert not kept.is_fresh()
    assert kept.beat() == TERM.every  # asks no more: there is no answer left


def test_what_was_lost_by_time_is_not_renewed(clock: Any) -> None:
    kept = keeper(clock, [True])
    clock.passes(25)
    kept.beat()
    assert not kept.is_fresh()


@pytest.mark.parametrize("wrong", [False, ZeroDivisionError("a defect")])
def test_the_thread_ends_with_the_lock(clock: Any, wrong: bool | Exception) -> None:
    asked = threading.Event()
    answers = Answers([True, wrong])

    def renew() -> bool:
        try:
            return answers()
        finally:
            asked.set()

    kept = Keeper(renew, Term(0.003), clock.seconds, clock.monotonic).start()
    assert asked.wait(120)
    kept._thread.join(30)
    assert not kept._thread.is_alive()
    assert not kept.is_fresh()
    kept.stop()


def test_stopping_does_not_wait_for_the_next_renewal(clock: Any) -> None:
    kept = keeper(clock).start()
    kept.stop()
    assert not kept._thread.is_alive()
    assert kept.is_fresh()
