"""One issue about drift: news only, and never somebody else's."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from codehost import exchange

from reconciler.ci.issue import LABEL, News, keep_issue
from reconciler.ci.marker import Marker, marked, parse_marker
from reconciler.ci.result import Result

Make = Callable[..., Result]

TEXT = """### Drift: 2 missing, 0 not in the policies, 0 unlisted.

> [!NOTE]
> **Nothing of high risk, no revokes.**

Console `https://acme.sentinelone.net`, at `2026-11-23T09:00:00Z`.

| Who | Change |
| --- | --- |
| `ana@acme.example` | **+ grant** `SOC` until `2026-12-24T00:00:00Z` |

<sub>The whole plan: <https://ci.example/acme/access/actions/runs/100>. Content `sha256:dd`.</sub>

<sub>Run <https://ci.example/acme/access/actions/runs/100>, commit `cccccccc`.</sub>
"""
LATER = (
    TEXT.replace("runs/100", "runs/101").replace("09:00:00Z", "10:00:00Z").replace("c" * 8, "e" * 8)
)


def keep(bench: Any, result: Result, text: str = TEXT) -> News:
    bench.ran(result)
    with bench.forge() as forge:
        return keep_issue(forge, result, text).news


def clean(make_drift: Make, **fields: Any) -> Result:
    return make_drift(exit_code=0, verdict=("no-change",), title="No drift.", **fields)


def test_drift_opens_an_issue_with_our_label_and_marker(bench: Any, make_drift: Make) -> None:
    news = keep(bench, make_drift())

    (issue,) = bench.issues
    assert issue.labels == [LABEL]
    assert issue.title == (
        "Drift: 2 missing, 0 not in the policies, 0 unlisted (acme.sentinelone.net)"
    )
    assert parse_marker(issue.body) == Marker.of(make_drift())
    assert (issue.is_open, news) == (True, News.NEW)


def test_without_a_known_console_the_title_names_none(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift(console=""))

    assert bench.issues[0].title == make_drift().title


def test_the_same_drift_an_hour_later_writes_nothing(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift())
    bench.host.start_over()

    news = keep(bench, make_drift(run="101"), LATER)

    assert bench.writes() == []
    assert news is News.NONE


@pytest.mark.parametrize(
    ("old", "new", "news"),
    [
        ("`ana@acme.example`", "`bo@acme.example`", News.NEW),
        ("2026-12-24", "2027-12-24", News.NEW),
        ("`sha256:dd`", "`sha256:ee`", News.NONE),
    ],
)
def test_a_change_of_the_text_is_brought_up_to_date_and_told_when_it_is_news(
    bench: Any, make_drift: Make, old: str, new: str, news: News
) -> None:
    keep(bench, make_drift())

    assert keep(bench, make_drift(run="101"), LATER.replace(old, new)) is news

    (issue,) = bench.issues
    assert new in issue.body
    assert len(issue.notes) == (news is News.NEW)


def test_another_drift_is_news(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift())

    news = keep(bench, make_drift(run="101", content_digest="sha256:" + "e" * 64), LATER)

    (issue,) = bench.issues
    assert ([note.partition(".")[0] for note in issue.notes], news) == (
        ["Other drift than before"],
        News.NEW,
    )
    assert f"content=sha256:{'e' * 64}" in issue.body


def test_a_clean_run_closes_it_once_with_a_note_and_keeps_what_it_was(
    bench: Any, make_drift: Make
) -> None:
    keep(bench, make_drift())

    news = keep(bench, clean(make_drift, run="101"))

    (issue,) = bench.issues
    assert (issue.is_open, news) == (False, News.ENDED)
    assert len(issue.notes) == 1
    assert issue.notes[0].startswith("No drift any more. Run ")
    assert "`ana@acme.example`" in issue.body
    bench.host.start_over()
    assert keep(bench, clean(make_drift, run="102")) is News.NONE
    assert bench.writes() == []


def test_drift_that_returns_opens_it_again_with_a_note(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift())
    keep(bench, clean(make_drift, run="101"))

    news = keep(bench, make_drift(run="102"), LATER)

    (issue,) = bench.issues
    assert (issue.is_open, news) == (True, News.NEW)
    assert issue.notes[1].startswith("Drift again.")
    marker = parse_marker(issue.body)
    assert marker is not None
    assert marker.run == "102"


def test_a_run_without_an_address_is_not_linked(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift())
    keep(bench, clean(make_drift, run="101", run_url=""))

    assert bench.issues[0].notes == ["No drift any more."]


def test_what_a_person_closed_stays_closed_until_it_says_something_else(
    bench: Any, make_drift: Make
) -> None:
    keep(bench, make_drift())
    bench.close_issue(bench.issues[0].number)
    bench.host.start_over()

    merged = LATER.replace("`sha256:dd`", "`sha256:ee`")
    assert keep(bench, make_drift(run="101"), merged) is News.NONE
    assert bench.writes() == []

    other = make_drift(run="102", content_digest="sha256:" + "e" * 64)
    assert keep(bench, other, LATER) is News.NEW
    assert bench.issues[0].is_open


def test_a_refusal_without_a_plan_opens_again_what_we_closed(bench: Any, make_drift: Make) -> None:
    refused = {"exit_code": 3, "verdict": ("refused",), "content_digest": ""}
    keep(bench, make_drift(**refused))
    keep(bench, clean(make_drift, run="101"))

    assert keep(bench, make_drift(run="102", **refused), LATER) is News.NEW
    assert bench.issues[0].is_open


def test_drift_without_operations_opens_again_what_we_closed(bench: Any, make_drift: Make) -> None:
    # Somebody whom no policy names is drift, and the digest of what would be done is that of
    # a clean run.
    unlisted = {"verdict": ("no-change",)}
    keep(bench, make_drift(**unlisted))
    keep(bench, clean(make_drift, run="101"))

    assert keep(bench, make_drift(run="102", **unlisted), LATER) is News.NEW
    assert bench.issues[0].is_open


def test_without_drift_and_without_an_issue_nothing_is_written(
    bench: Any, make_drift: Make
) -> None:
    assert keep(bench, clean(make_drift)) is News.NONE
    assert bench.writes() == []


@pytest.mark.parametrize("code", [1, 130, 143])
def test_a_run_without_a_result_leaves_the_issue_as_it_is(
    bench: Any, make_drift: Make, code: int
) -> None:
    keep(bench, make_drift())
    bench.host.start_over()

    assert keep(bench, make_drift(run="101", exit_code=code, verdict=("failed",))) is News.NONE
    assert bench.host.log == []
    assert bench.issues[0].is_open


def test_drift_that_a_guardrail_refuses_to_mend_is_drift(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift(exit_code=3, verdict=("refused",)))

    assert bench.issues[0].is_open


def test_an_older_run_changes_nothing(bench: Any, make_drift: Make) -> None:
    keep(bench, make_drift(run="1000"))
    bench.host.start_over()

    assert keep(bench, clean(make_drift, run="999")) is News.NONE
    assert bench.writes() == []


def test_somebody_elses_issue_with_our_label_and_marker_is_not_touched(
    bench: Any, make_drift: Make
) -> None:
    forged = marked(Marker.of(make_drift(run="99999")), "Nothing to see.")
    bench.open_issue("Drift", forged, LABEL)

    keep(bench, make_drift())

    assert bench.issues[0].body == forged
    assert len(bench.issues) == 2


def test_an_issue_of_ours_about_something_else_is_not_touched(bench: Any, make_drift: Make) -> None:
    bench.open_issue_as_ours("Notes", "no marker", LABEL)
    keep(bench, make_drift(key="b" * 12))

    keep(bench, make_drift())

    assert [issue.body.split(" ")[0] for issue in bench.issues] == ["no", "<!--", "<!--"]


def test_of_two_issues_of_ours_the_older_is_closed(bench: Any, make_drift: Make) -> None:
    old = marked(replace(Marker.of(make_drift()), run="90"), "old")
    for _ in range(2):
        bench.open_issue_as_ours("Drift", old, LABEL)

    keep(bench, make_drift())

    one, two = bench.issues
    assert (one.is_open, two.is_open) == (False, True)
    assert re.fullmatch(r"#\d+ tells of this\.", one.notes[0])
    assert one.body == old
    assert "`ana@acme.example`" in two.body


def test_an_open_issue_is_kept_rather_than_a_newer_closed_one(bench: Any, make_drift: Make) -> None:
    old = marked(replace(Marker.of(make_drift()), run="90"), "old")
    for _ in range(2):
        bench.open_issue_as_ours("Drift", old, LABEL)
    bench.close_issue(bench.issues[1].number)

    keep(bench, make_drift())

    one, two = bench.issues
    assert (one.is_open, two.is_open) == (True, False)
    assert "`ana@acme.example`" in one.body
    assert two.body == old


@pytest.mark.parametrize("fault", [exchange.LOST, exchange.answer(502, is_after=True)])
def test_after_a_lost_answer_there_are_never_two_issues(
    bench: Any, make_drift: Make, fault: exchange.Fault
) -> None:
    bench.host.fail(fault, method="POST", path="issues$")

    assert keep(bench, make_drift()) is News.NEW
    assert len(bench.issues) == 1


def test_an_issue_that_did_not_arrive_is_a_warning_and_drift_counts_as_news(
    bench: Any, make_drift: Make
) -> None:
    bench.host.fail(exchange.answer(502), method="POST", path="issues$")

    told = bench.publish(make_drift(), TEXT)

    assert bench.issues == []
    assert (len(told.warnings), told.news) == (1, News.UNKNOWN)


def test_a_token_that_only_reads_is_a_warning(bench: Any, make_drift: Make) -> None:
    told = bench.publish(make_drift(), TEXT, bench.fork)

    assert bench.issues == []
    assert (len(told.warnings), told.news) == (1, News.UNKNOWN)


def test_publishing_drift_says_what_was_done_and_where(bench: Any, make_drift: Make) -> None:
    told = bench.publish(make_drift(), TEXT)

    number = bench.issues[0].number
    assert told.done == [f"The issue {number} was opened."]
    assert told.news is News.NEW
    assert told.url.endswith(f"/issues/{number}")


BY_HAND = "To apply by hand: digest `sha256:" + "e" * 64 + "`."


def test_the_note_that_closes_it_names_the_digest_to_start_by_hand(
    bench: Any, make_drift: Make
) -> None:
    keep(bench, make_drift())

    keep(bench, clean(make_drift, run="101"), f"### No drift.\n\n{BY_HAND}\n")

    assert bench.issues[0].notes[0].endswith(f"\n\n{BY_HAND}")


@pytest.mark.parametrize("text", ["### No drift.\n", f"x {BY_HAND}\n", f"{BY_HAND} @everybody\n"])
def test_nothing_but_a_digest_passes_into_that_note(
    bench: Any, make_drift: Make, text: str
) -> None:
    keep(bench, make_drift())

    keep(bench, clean(make_drift, run="101"), text)

    assert "digest" not in bench.issues[0].notes[0]


def test_what_only_opens_later_is_no_news(bench: Any, make_drift: Make) -> None:
    line = "- **opens later** `SOC` on `EMEA`"
    opens = f"<details><summary>2 grants open later</summary>\n\n{line}\n{line}\n\n</details>\n\n"
    calm, later = "**Nothing to change.**", "**Nothing to change now; 2 grants open later.**"
    before = TEXT.replace("**Nothing of high risk, no revokes.**", calm)
    after = (
        before.replace(calm, later)
        .replace("<sub>The", f"{opens}<sub>The")
        .replace("<sub>Run", f"{BY_HAND}\n\n<sub>Run")
    )
    keep(bench, make_drift(), before)

    assert keep(bench, make_drift(run="101"), after) is News.NONE

    assert line in bench.issues[0].body
    assert bench.issues[0].notes == []
