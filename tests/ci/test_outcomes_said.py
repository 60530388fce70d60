"""What an apply said on a request stays: it names the journal's head."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from codehost import exchange

from reconciler.ci.marker import Marker, marked
from reconciler.ci.result import ANY, Result

Make = Callable[..., Result]


@pytest.fixture
def outcome(make_result: Make) -> Make:
    return partial(make_result, command="apply")


def said(bench: Any) -> list[str]:
    return [comment.body.split("\n", 1)[1].strip() for comment in bench.comments]


@pytest.mark.parametrize("run", ["100", "101"], ids=["again", "another"])
def test_a_further_outcome_is_a_comment_of_its_own(bench: Any, outcome: Make, run: str) -> None:
    bench.publish(outcome(), "Applied. Journal head sha256:1.")

    told = bench.publish(outcome(run=run), "Refused: nothing was written.")

    assert said(bench) == ["Applied. Journal head sha256:1.", "Refused: nothing was written."]
    assert (told.done, told.warnings) == (["A comment was added."], [])


def test_an_earlier_run_that_comes_late_is_heard_too(bench: Any, outcome: Make) -> None:
    bench.publish(outcome(run="101"), "later")

    bench.publish(outcome(), "Applied. Journal head sha256:1.")

    assert said(bench) == ["later", "Applied. Journal head sha256:1."]


@pytest.mark.parametrize("text", ["### Applied\n", "### Applied\n/close\n  /merge\n"])
def test_the_same_again_is_not_said_twice(bench: Any, outcome: Make, text: str) -> None:
    bench.publish(outcome(), text)
    bench.publish(outcome(), "Refused.")
    bench.host.start_over()

    told = bench.publish(outcome(), text)

    assert bench.writes() == []
    assert told.done == ["The comment says this already."]


def test_an_outcome_that_somebody_else_copied_is_said_all_the_same(
    bench: Any, outcome: Make
) -> None:
    bench.say(marked(Marker.of(outcome()), "Applied."))

    bench.publish(outcome(), "Applied.")

    assert said(bench) == ["Applied.", "Applied."]


def test_a_run_that_does_not_know_its_console_replaces_no_outcome(
    bench: Any, outcome: Make
) -> None:
    bench.publish(outcome(), "Applied.")

    bench.publish(outcome(run="101", key=ANY), "No address.")
    bench.publish(outcome(run="102"), "Applied again.")

    assert said(bench) == ["Applied.", "No address.", "Applied again."]


FAULTS = [exchange.LOST, exchange.CUT, exchange.answer(502, is_after=True)]


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_lost_answer_a_further_outcome_stands_there_once(
    bench: Any, outcome: Make, fault: exchange.Fault
) -> None:
    bench.publish(outcome(), "Applied.")
    bench.host.fail(fault, method="POST", path="comments|notes")

    told = bench.publish(outcome(), "Refused.")

    assert said(bench) == ["Applied.", "Refused."]
    assert told.warnings == []


def test_a_further_outcome_that_did_not_arrive_is_sent_again(bench: Any, outcome: Make) -> None:
    bench.publish(outcome(), "Applied.")
    bench.host.fail(exchange.answer(502), method="POST", path="comments|notes")

    bench.publish(outcome(), "Refused.")

    assert said(bench) == ["Applied.", "Refused."]


def test_without_having_looked_no_outcome_is_added(bench: Any, outcome: Make) -> None:
    bench.host.fail(exchange.answer(500), method="GET", path="comments|notes", times=9)

    told = bench.publish(outcome(), "Applied.")

    assert bench.writes() == []
    assert len(told.warnings) == 1


def test_an_outcome_touches_neither_the_plan_nor_its_labels(
    bench: Any, make_result: Make, outcome: Make
) -> None:
    bench.publish(make_result(), "the plan")
    labels = list(bench.labels)

    bench.publish(outcome(run="101", verdict=("failed",)), "Failed.")

    assert said(bench) == ["the plan", "Failed."]
    assert bench.labels == labels
