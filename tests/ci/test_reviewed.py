"""Which comment is believed after a merge, by what each host knows of its run and its times."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.ci.event import Event
from reconciler.ci.result import Result
from reconciler.ci.reviewed import Reviewed, merged_request, reviewed
from reconciler.domain.review import Trigger
from reconciler.errors import RefusedError
from reconciler.forge.base import ForgeError

Make = Callable[..., Result]
MERGE = "e" * 40
EVENT = Event(Trigger.PUSH, MERGE, "200", "https://ci.example/runs/200", "bea", "main", "main")
MINUTE = timedelta(minutes=1)


def found(bench: Any, key: str = "0123456789ab") -> Reviewed:
    with bench.forge() as forge:
        return reviewed(forge, EVENT, merged_request(forge, EVENT), key)


@pytest.fixture
def shown(bench: Any, make_result: Make) -> Any:
    """A request whose plan is shown; ten minutes later it is merged."""
    bench.publish(make_result(), "### Plan")
    bench.host.now += 10 * MINUTE
    bench.merge(MERGE)
    return bench


def test_the_plan_of_a_run_that_the_host_knows_is_what_was_reviewed(shown: Any) -> None:
    plan = found(shown)

    assert (plan.run, plan.content, plan.plan) == ("100", "sha256:" + "d" * 64, None)
    assert plan.comment.strip() == "### Plan"
    assert plan.review.head == "a" * 40


RUNS: list[tuple[dict[str, Any], str]] = [
    ({"event": "push"}, "not started by a pull request of this repository"),
    ({"event": "schedule"}, "not started by a pull request of this repository"),
    ({"event": "external"}, "not started by a pull request of this repository"),
    ({"commit": "f" * 40}, "was of ffffffff and not of the merged aaaaaaaa"),
    ({"status": "in_progress"}, "has not ended"),
]


@pytest.mark.parametrize(("fields", "said"), RUNS)
def test_another_kind_of_run_proves_nothing(shown: Any, fields: dict[str, Any], said: str) -> None:
    shown.rerun("100", **fields)

    with pytest.raises(RefusedError, match=said) as told:
        found(shown)

    assert "by hand" in told.value.remedy


def test_a_run_of_a_fork_proves_nothing(hub_bench: Any, make_result: Make) -> None:
    hub_bench.publish(make_result(), "### Plan")
    hub_bench.merge(MERGE)
    hub_bench.rerun("100", repository="mallory/access")

    with pytest.raises(RefusedError, match="not started by a pull request of this repository"):
        found(hub_bench)


def test_a_pipeline_that_a_member_started_for_a_fork_proves_nothing(
    lab_bench: Any, make_result: Make
) -> None:
    lab_bench.publish(make_result(), "### Plan")
    lab_bench.merge(MERGE)
    lab_bench.host.world.requests[1].request.source_project = 99

    with pytest.raises(RefusedError, match="not started by a pull request of this repository"):
        found(lab_bench)


def test_a_run_that_the_host_does_not_know_proves_nothing(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "### Plan")
    comment = bench.comments[0]
    comment.body = comment.body.replace("run=100", "run=" + "9" * 20)
    bench.merge(MERGE)

    with pytest.raises(RefusedError, match="knows none of that number"):
        found(bench)


def test_who_may_not_ask_about_runs_is_told(hub_bench: Any, make_result: Make) -> None:
    hub_bench.publish(make_result(), "### Plan")
    hub_bench.merge(MERGE)
    token = hub_bench.host.world.actions_token({"pull-requests": "read"})
    hub_bench.environ = hub_bench.environ | {"GITHUB_TOKEN": token}

    with pytest.raises(ForgeError) as told:
        found(hub_bench)

    assert "actions: read" in told.value.remedy


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (-1 * MINUTE, "and not by its run"),
        (3 * MINUTE, "and not by its run"),
        (10 * MINUTE + timedelta(seconds=1), "after the merge"),
    ],
)
def test_a_comment_was_written_by_its_run_and_before_the_merge(
    shown: Any, late: timedelta, said: str
) -> None:
    shown.comments[0].updated += late

    with pytest.raises(RefusedError, match=said):
        found(shown)


@pytest.mark.parametrize("late", [timedelta(0), 2 * MINUTE])
def test_clocks_of_a_host_may_differ_by_two_minutes(shown: Any, late: timedelta) -> None:
    shown.comments[0].updated += late

    assert found(shown).run == "100"


def test_a_run_that_ended_again_after_the_merge_leaves_the_comment_valid(shown: Any) -> None:
    shown.rerun("100", updated=shown.host.now + MINUTE)

    assert found(shown).run == "100"


@pytest.mark.parametrize(
    "hidden", ["updated", "merged_at"], ids=["when it was written", "when it was merged"]
)
def test_times_that_the_host_does_not_say_prove_nothing(
    hub_bench: Any, make_result: Make, hidden: str
) -> None:
    hub_bench.publish(make_result(), "### Plan")
    hub_bench.merge(MERGE)
    with hub_bench.forge() as forge:
        merged = merged_request(forge, EVENT)
        if hidden == "updated":
            hub_bench.comments[0].updated = None
        else:
            merged = replace(merged, merged_at=None)
        with pytest.raises(RefusedError, match="at a time that the code host does not say"):
            reviewed(forge, EVENT, merged, "0123456789ab")


@pytest.mark.parametrize("verdict", ["refused", "failed", "unplanned"])
def test_what_was_no_plan_to_apply_is_none_later(
    bench: Any, make_result: Make, verdict: str
) -> None:
    bench.publish(make_result(verdict=(verdict,)), "### Plan")
    bench.merge(MERGE)

    with pytest.raises(RefusedError, match=f"was {verdict} when it was read"):
        found(bench)


def test_a_marker_without_a_verdict_is_none_of_ours(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(verdict=()), "### Plan")
    bench.merge(MERGE)

    with pytest.raises(RefusedError, match="was without a verdict when it was read"):
        found(bench)


def test_on_gitlab_a_pipeline_of_the_merged_result_is_of_the_requests_last_commit(
    lab_bench: Any, make_result: Make
) -> None:
    lab_bench.publish(make_result(), "### Plan")
    lab_bench.host.world.parents["f" * 40] = ["b" * 40, "a" * 40]
    lab_bench.rerun("100", commit="f" * 40, ref="refs/merge-requests/1/merge")
    lab_bench.merge(MERGE)

    assert found(lab_bench).run == "100"
