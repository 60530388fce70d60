"""Labels by result: ours follow the plan, those of others are left alone."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.ci.labels import LABELS, labels_for
from reconciler.ci.result import Result

Make = Callable[..., Result]

EXIT_CODES = {"refused": 3, "failed": 1}


@pytest.mark.parametrize(
    "verdict",
    [
        ("no-change",),
        ("grants",),
        ("revokes",),
        ("grants", "revokes"),
        ("refused",),
        ("failed",),
        ("unplanned",),
    ],
)
def test_each_verdict_has_its_labels_and_stale_ones_go(
    bench: Any, make_result: Make, verdict: tuple[str, ...]
) -> None:
    bench.host.world.labels = set(LABELS.values())
    bench.labels.extend([*LABELS.values(), "bug", "access: granted by hand"])
    code = EXIT_CODES.get(verdict[0], 0)

    told = bench.publish(make_result(verdict=verdict, exit_code=code), "x")

    wanted = {LABELS[word] for word in verdict}
    assert set(bench.labels) == wanted | {"bug", "access: granted by hand"}
    assert told.warnings == []


def test_labels_that_are_right_already_are_not_sent(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "x")
    bench.host.start_over()

    bench.publish(make_result(run="101"), "y")

    assert [asked for asked in bench.writes() if "label" in f"{asked.path}{asked.body!r}"] == []


def test_a_label_that_the_repository_writes_otherwise_is_the_same_label(
    hub_bench: Any, make_result: Make
) -> None:
    hub_bench.host.world.labels |= {"Access: Grants", "ACCESS: REVOKES"}
    hub_bench.labels.extend(["Access: Grants", "ACCESS: REVOKES"])
    hub_bench.publish(make_result(), "x")
    assert hub_bench.labels == ["Access: Grants"]
    hub_bench.host.start_over()

    told = hub_bench.publish(make_result(), "x")

    assert hub_bench.writes() == []
    assert told.done[1] == "The labels are right already."


def test_a_token_that_may_not_make_labels_still_takes_stale_ones_off(
    hub_bench: Any, make_result: Make
) -> None:
    hub_bench.labels.extend(["access: no change", "bug"])
    token = hub_bench.host.world.actions_token({"pull-requests": "write"})

    told = hub_bench.publish(make_result(), "x", hub_bench.environ | {"GITHUB_TOKEN": token})

    assert hub_bench.labels == ["bug"]
    assert "make them once (access: failed, access: grants," in told.warnings[0].remedy
    assert len(hub_bench.comments) == 1


def test_no_change_holds_only_when_every_console_of_the_repository_says_so(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(verdict=("revokes",)), "x")
    bench.publish(make_result(key="b" * 12, verdict=("no-change",)), "x")
    assert set(bench.labels) == {"access: revokes"}

    bench.publish(make_result(verdict=("no-change",)), "x")
    assert set(bench.labels) == {"access: no change"}


def test_an_apply_leaves_the_labels_as_they_are(bench: Any, make_result: Make) -> None:
    bench.labels.append("access: revokes")

    bench.publish(make_result(command="apply", exit_code=4, verdict=("failed",)), "x")

    assert bench.labels == ["access: revokes"]


def test_the_outcome_of_an_apply_says_nothing_of_the_next_plan(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(command="apply", exit_code=4, verdict=("failed",)), "x")

    bench.publish(make_result(run="101"), "x")

    assert set(bench.labels) == {"access: grants"}


def test_the_labels_of_several_verdicts_are_all_there_is_to_know() -> None:
    assert labels_for([("no-change",), ("no-change",)]) == {"access: no change"}
    assert labels_for([("grants",), ("failed",)]) == {"access: grants", "access: failed"}
    assert labels_for([(), ("grants",)]) == {"access: grants"}
