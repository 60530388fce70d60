"""What is published where, and what is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.ci.event import Event
from reconciler.ci.issue import News
from reconciler.ci.publish import check_origin, publish
from reconciler.ci.result import Folder, Result
from reconciler.domain.review import Trigger
from reconciler.errors import RefusedError

Make = Callable[..., Result]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_without_a_code_host_nothing_is_published(make_result: Make, command: str) -> None:
    told = publish(Folder(make_result(command=command), "x"), None)

    assert told.done == ["No code host is known here; nothing was published."]
    assert told.warnings == []


@pytest.mark.parametrize(
    ("code", "verdict", "news"),
    [
        (0, "no-change", News.NONE),
        (1, "failed", News.NONE),
        (2, "grants", News.UNKNOWN),
        (3, "refused", News.UNKNOWN),
    ],
)
def test_without_a_code_host_any_drift_may_be_news(
    make_drift: Make, code: int, verdict: str, news: News
) -> None:
    told = publish(Folder(make_drift(exit_code=code, verdict=(verdict,)), "x"), None)

    assert (told.news, told.url) == (news, "")


def test_a_run_that_belongs_to_no_pull_request_says_so(bench: "object", make_result: Make) -> None:
    told = bench.publish(make_result(command="apply", number=""), "x")  # type: ignore[attr-defined]

    assert told.done == ["No pull request belongs to this run; nothing was published."]


EVENT = Event(
    trigger=Trigger.REQUEST,
    commit="c" * 40,
    run="100",
    run_url="",
    started_by="ada",
    number="1",
    head="a" * 40,
)


def test_a_folder_of_this_run_may_be_published(make_result: Make) -> None:
    check_origin(make_result(), EVENT)
    # An apply finds the pull request itself: the push does not say it.
    check_origin(make_result(command="apply"), replace(EVENT, number="", head=""))


@pytest.mark.parametrize(
    ("field", "value"), [("commit", "f" * 40), ("number", "2"), ("number", ""), ("head", "f" * 40)]
)
def test_a_folder_of_another_run_speaks_to_no_pull_request(
    make_result: Make, field: str, value: str
) -> None:
    with pytest.raises(RefusedError, match="The folder is of the commit"):
        check_origin(make_result(**{field: value}), EVENT)
