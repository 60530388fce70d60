"""A later run counts when the host knows it, and not because a text says so."""

from collections.abc import Callable
from typing import Any

import pytest
from codehost import exchange

from reconciler.ci.issue import keep_issue
from reconciler.ci.marker import Marker, marked
from reconciler.ci.result import Result

Make = Callable[..., Result]
OTHER = "f" * 40
LATER = "A later run has published already; what it said stays."


def said(bench: Any) -> list[str]:
    return [comment.body.split("\n", 1)[1].strip() for comment in bench.comments]


@pytest.mark.parametrize("run", ["101", "9" * 20, str(2**63), "00000000000000000999"])
def test_a_run_that_nobody_started_is_overwritten(bench: Any, make_result: Make, run: str) -> None:
    forged = Marker.of(make_result(run=run))
    bench.say_as_ours(marked(forged, "No changes."))

    told = bench.publish(make_result(), "the truth")

    assert said(bench) == ["the truth"]
    assert (told.warnings, told.done[0]) == ([], "The comment was brought up to date.")


def test_a_later_run_of_the_same_is_left_alone(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(run="101"), "later")

    told = bench.publish(make_result(), "earlier")

    assert said(bench) == ["later"]
    assert told.done == [LATER]


RUNS: list[dict[str, Any]] = [
    {"event": "push"},
    {"event": "pull_request_target"},
    {"commit": OTHER},
]


@pytest.mark.parametrize("fields", RUNS)
def test_a_later_run_of_something_else_is_overwritten(
    bench: Any, make_result: Make, fields: dict[str, Any]
) -> None:
    bench.publish(make_result(run="101"), "later")
    bench.rerun("101", **fields)

    bench.publish(make_result(), "the truth")

    assert said(bench) == ["the truth"]


def test_a_later_run_of_a_fork_is_overwritten(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(run="101"), "forged")
    if "GITLAB_CI" in bench.environ:
        bench.host.world.requests[1].request.source_project = 99
    else:
        bench.rerun("101", repository="mallory/access")

    bench.publish(make_result(), "the truth")

    assert said(bench) == ["the truth"]


def test_a_run_of_a_commit_that_the_request_does_not_end_with_is_overwritten(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(run="101", head=OTHER), "forged")

    bench.publish(make_result(), "the truth")

    assert said(bench) == ["the truth"]


def test_a_later_run_of_what_the_request_has_now_is_left_alone(
    bench: Any, make_result: Make
) -> None:
    bench.host.world.push(int(bench.number), OTHER)
    bench.publish(make_result(run="101", head=OTHER), "later")

    assert bench.publish(make_result(), "earlier").done == [LATER]


def drift_of(bench: Any, make_drift: Make, **fields: Any) -> str:
    """Let a later run write the issue, change what the host knows of it, and write it again."""
    later = make_drift(run="101")
    bench.ran(later)
    bench.rerun("101", **fields)
    bench.open_issue_as_ours("Drift", marked(Marker.of(later), "later"), "access: drift")
    with bench.forge() as forge:
        keep_issue(forge, make_drift(), "the truth")
    return str(bench.issues[0].body.split("\n", 1)[1].strip())


def test_a_later_search_for_drift_is_left_alone(bench: Any, make_drift: Make) -> None:
    assert drift_of(bench, make_drift) == "later"


def test_a_run_of_another_branch_says_nothing_of_drift(bench: Any, make_drift: Make) -> None:
    is_lab = "GITLAB_CI" in bench.environ
    how = {"ref": "evil"} if is_lab else {"event": "push", "branch": "evil"}
    assert drift_of(bench, make_drift, **how) == "the truth"


def test_a_tag_of_the_branchs_name_says_nothing_either(bench: Any, make_drift: Make) -> None:
    is_lab = "GITLAB_CI" in bench.environ
    how = {"is_tag": True} if is_lab else {"event": "push", "commit": OTHER}
    assert drift_of(bench, make_drift, **how) == "the truth"


def test_who_may_not_ask_about_runs_overwrites(hub_bench: Any, make_result: Make) -> None:
    hub_bench.publish(make_result(run="101"), "later")
    token = hub_bench.host.world.actions_token({"pull-requests": "write", "issues": "write"})

    hub_bench.publish(make_result(), "now", hub_bench.environ | {"GITHUB_TOKEN": token})

    assert said(hub_bench) == ["now"]


def test_a_host_that_does_not_answer_leaves_the_comment(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(run="101"), "later")
    bench.host.fail(exchange.answer(500), path="actions/runs/101|jobs/101", times=9)

    told = bench.publish(make_result(), "earlier")

    assert said(bench) == ["later"]
    assert len(told.warnings) == 1


def test_a_request_that_is_not_open_keeps_its_plan_and_labels(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(), "the plan")
    bench.close_request()
    bench.host.start_over()

    told = bench.publish(make_result(run="101", verdict=("revokes",)), "another")

    assert bench.writes() == []
    assert told.done == ["The pull request is not open any more; its plan stays as it was."]


def test_a_merged_request_is_told_its_outcome(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "the plan")
    bench.close_request()

    bench.publish(make_result(command="apply", run="101"), "the outcome")

    assert said(bench) == ["the plan", "the outcome"]


def test_whether_a_request_is_open_has_to_be_known(bench: Any, make_result: Make) -> None:
    bench.host.fail(exchange.answer(500), path="pulls/1$|merge_requests/1$", times=9)

    told = bench.publish(make_result(), "the plan")

    assert bench.writes() == []
    assert len(told.warnings) == 1


@pytest.mark.parametrize("run", ["101", "9" * 20])
def test_an_issue_that_names_an_unknown_run_is_brought_up_to_date(
    bench: Any, make_drift: Make, run: str
) -> None:
    bench.open_issue_as_ours("Drift", marked(Marker.of(make_drift(run=run)), "x"), "access: drift")
    bench.close_issue(bench.issues[0].number)

    with bench.forge() as forge:
        kept = keep_issue(forge, make_drift(), "the drift")

    assert kept.told.endswith("was opened again.")
    assert bench.issues[0].is_open
    assert "the drift" in bench.issues[0].body
