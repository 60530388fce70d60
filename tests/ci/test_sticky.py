"""One comment, kept current; never somebody else's, never two (T15)."""

from collections.abc import Callable
from typing import Any

import pytest
from codehost import exchange

from reconciler.ci.marker import Marker, marked, parse_marker
from reconciler.ci.result import ANY, Result
from reconciler.ci.sticky import keep_comment, ours
from reconciler.forge.base import Comment

Make = Callable[..., Result]


def bodies(bench: Any) -> list[str]:
    return [comment.body for comment in bench.comments]


def test_the_first_plan_is_a_comment_that_begins_with_its_marker(
    bench: Any, make_result: Make
) -> None:
    told = bench.publish(make_result(), "### Plan\n")

    assert bodies(bench)[0].rstrip() == f"{Marker.of(make_result()).line}\n### Plan"
    assert len(bench.comments) == 1
    assert (told.warnings, told.done[0]) == ([], "A comment was added.")


def test_the_next_plan_is_the_same_comment_with_another_text(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "one")
    first = bench.comments[0].id

    told = bench.publish(make_result(run="101"), "two")

    assert [comment.id for comment in bench.comments] == [first]
    marker = parse_marker(bodies(bench)[0])
    assert marker is not None
    assert marker.run == "101"
    assert bodies(bench)[0].rstrip().endswith("two")
    assert told.done[0] == "The comment was brought up to date."


def test_what_is_there_already_is_not_sent_again(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "one\n\ntwo  \n")
    bench.comments[0].body = bench.comments[0].body.replace("\n", "\r\n").rstrip()
    bench.host.start_over()

    told = bench.publish(make_result(), "one\n\ntwo  \n")

    assert bench.writes() == []
    assert told.done == ["The comment says this already.", "The labels are right already."]


def test_our_marker_in_somebody_elses_comment_counts_for_nothing(
    bench: Any, make_result: Make
) -> None:
    forged = marked(Marker.of(make_result(run="99999")), "**Approved.**")
    bench.say(forged)

    bench.publish(make_result(), "one")

    assert bodies(bench)[0] == forged
    assert len(bench.comments) == 2


def test_a_marker_elsewhere_in_our_own_comment_counts_for_nothing(
    bench: Any, make_result: Make
) -> None:
    line = Marker.of(make_result(run="99999")).line
    texts = [f"x\n{line}", f"```\n{line}\n```", f" {line}", f"{line} x\ny", f"> {line}"]
    for text in texts:
        bench.say_as_ours(text)

    bench.publish(make_result(), "one")

    assert bodies(bench)[:-1] == texts
    assert len(bench.comments) == len(texts) + 1


def test_another_console_or_another_kind_is_another_comment(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(), "one")
    bench.publish(make_result(key="b" * 12), "two")
    bench.publish(make_result(command="apply"), "three")

    assert [body.split("\n", 1)[1].strip() for body in bodies(bench)] == ["one", "two", "three"]


def test_further_ones_of_ours_are_folded_and_lose_their_marker(
    bench: Any, make_result: Make
) -> None:
    for run, text in (("97", "old"), ("99", "newest"), ("98", "older")):
        bench.say_as_ours(marked(Marker.of(make_result(run=run)), text))

    told = bench.publish(make_result(), "now")

    markers = [parse_marker(body) for body in bodies(bench)]
    assert [marker.run if marker else None for marker in markers] == [None, "100", None]
    assert bodies(bench)[1].rstrip().endswith("now")
    for body in (bodies(bench)[0], bodies(bench)[2]):
        assert body.startswith("<details><summary>Superseded</summary>")
        assert "The one that is kept: " in body
        assert str(bench.comments[1].id) in body
    assert told.done[0] == "The comment was brought up to date. 2 earlier folded."
    bench.host.start_over()
    bench.publish(make_result(), "now")
    assert bench.writes() == []


def test_an_older_run_does_not_overwrite_a_newer_one_nor_its_labels(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(run="1000"), "new")
    bench.host.start_over()

    # As text "999" would be the larger one.
    told = bench.publish(make_result(run="999", verdict=("revokes",)), "old")

    assert bench.writes() == []
    assert told.done == ["A later run has published already; what it said stays."]


def test_a_newer_run_of_another_console_is_in_nobodys_way(bench: Any, make_result: Make) -> None:
    bench.publish(make_result(run="1000", key="b" * 12), "other")

    bench.publish(make_result(run="999"), "ours")

    assert len(bench.comments) == 2


def test_a_host_that_says_no_is_not_asked_twice(hub_bench: Any, make_result: Make) -> None:
    refused = exchange.answer(403, {"message": "Unable to create comment because issue is locked."})
    hub_bench.host.fail(refused, method="POST", path="comments", times=9)

    told = hub_bench.publish(make_result(), "one")

    assert len(hub_bench.host.asked("POST", "comments")) == 1
    assert len(told.warnings) == 1


def test_a_comment_beyond_the_first_page_is_found(bench: Any, make_result: Make) -> None:
    for number in range(150):
        bench.say(f"comment {number}")
    bench.publish(make_result(), "one")

    bench.publish(make_result(run="101"), "two")

    assert len(bench.comments) == 151


@pytest.mark.parametrize(
    "fault", [exchange.LOST, exchange.CUT, exchange.answer(502, is_after=True)]
)
def test_after_a_lost_answer_there_are_never_two(
    bench: Any, make_result: Make, fault: exchange.Fault
) -> None:
    bench.host.fail(fault, method="POST", path="comments|notes")

    told = bench.publish(make_result(), "one")

    assert len(bench.comments) == 1
    assert (told.warnings, told.done[0]) == ([], "A comment was added.")


def test_a_comment_that_did_not_arrive_is_added_again(bench: Any, make_result: Make) -> None:
    bench.host.fail(exchange.answer(502), method="POST", path="comments|notes")

    told = bench.publish(make_result(), "one")

    assert len(bench.comments) == 1
    assert told.warnings == []


def test_a_host_that_takes_no_comment_at_all_is_a_warning(bench: Any, make_result: Make) -> None:
    bench.host.fail(exchange.answer(500), method="POST", path="comments|notes", times=9)

    told = bench.publish(make_result(), "one")

    assert len(bench.comments) == 0
    assert len(told.warnings) == 1
    assert set(bench.labels) == {"access: grants"}


def test_when_the_comments_cannot_be_listed_none_is_added(bench: Any, make_result: Make) -> None:
    bench.host.fail(exchange.answer(500), method="GET", path="comments|notes", times=9)

    told = bench.publish(make_result(), "one")

    assert len(bench.comments) == 0
    assert len(told.warnings) == 1


def test_a_fork_is_a_warning_and_nothing_is_written(bench: Any, make_result: Make) -> None:
    told = bench.publish(make_result(), "one", bench.fork)

    assert len(bench.comments) == 0
    assert bench.labels == []
    assert told.done == []
    assert told.warnings


def test_a_text_just_within_the_limit_is_sent_whole(hub_bench: Any, make_result: Make) -> None:
    room = 65_536 - len(marked(Marker.of(make_result()), ""))

    hub_bench.publish(make_result(), "ü" * room)

    assert len(hub_bench.comments[0].body) == 65_536


def test_a_text_above_the_limit_is_not_shown_in_part(hub_bench: Any, make_result: Make) -> None:
    room = 65_536 - len(marked(Marker.of(make_result()), ""))

    hub_bench.publish(make_result(), "ü" * (room + 1))

    body = hub_bench.comments[0].body
    assert "Do not approve by this comment" in body
    assert "ü" not in body
    assert parse_marker(body) == Marker.of(make_result())


class Edited:
    """Stands where the host's address would be a real one, which a test's host has not."""

    comment_limit = 65_536

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def edit_comment(self, number: str, comment_id: str, body: str) -> None:
        self.said[f"{number}/{comment_id}"] = body


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://github.com/acme/access/pull/1#issuecomment-9",
            "<https://github.com/acme/access/pull/1#issuecomment-9>",
        ),
        ("https://gitlab.example/a/-/merge_requests/1#note_9", "1#note_9>"),
        ("javascript:alert(1)//#a-1", "`javascript:alert(1)//#a-1`"),
        ("", "how it stands now.\n"),
    ],
)
def test_a_folded_comment_links_to_the_one_that_is_kept(
    make_result: Make, url: str, shown: str
) -> None:
    marker = Marker.of(make_result())
    forge: Any = Edited()
    found = [Comment(number, marked(marker, "x"), is_ours=True, url=url) for number in ("9", "8")]

    keep_comment(forge, "1", marker, "x", ours(found))

    assert list(forge.said) == ["1/8"]
    assert shown in forge.said["1/8"]


def test_a_run_without_its_console_speaks_in_the_comment_there_is_and_is_replaced(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(), "the plan")

    bench.publish(make_result(run="101", key=ANY, verdict=("failed",)), "no address")
    assert [body.rstrip().endswith("no address") for body in bodies(bench)] == [True]

    bench.publish(make_result(run="102"), "the plan again")
    assert [body.rstrip().endswith("the plan again") for body in bodies(bench)] == [True]
    assert ANY not in bodies(bench)[0]


def test_among_several_consoles_a_run_without_its_own_keeps_to_itself(
    bench: Any, make_result: Make
) -> None:
    bench.publish(make_result(), "one")
    bench.publish(make_result(run="101", key="f" * 12), "two")
    bench.publish(make_result(run="102", command="apply"), "an outcome")

    bench.publish(make_result(run="103", key=ANY, verdict=("failed",)), "no address")

    ends = ("one", "two", "an outcome", "no address")
    assert [body.rstrip().endswith(end) for body, end in zip(bodies(bench), ends, strict=True)] == (
        [True] * 4
    )
