"""What became of an apply, in Markdown: failures first, nothing hidden in silence, inert."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hostile import HOSTILE
from markdown_it import MarkdownIt

from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan
from reconciler.domain.review import Approval, Review
from reconciler.rendering.fitting import COMMENT
from reconciler.rendering.outcomes_markdown import Aftermath, outcomes_markdown

Full = Callable[[str], Plan]

PARSER = MarkdownIt("gfm-like")
HEAD = "sha256:" + "a" * 64
REVIEWED = Review(
    trigger="push",
    commit="c" * 40,
    started_by="bo",
    request="7",
    head="d" * 40,
    author="ana",
    merged_by="bo",
    approvals=(Approval("eve", "d" * 40),),
)


def skeleton(markdown: str) -> list[tuple[str, str, str]]:
    return [
        (each.type, each.tag, "" if each.type in {"code_inline", "inline"} else each.content)
        for token in PARSER.parse(markdown)
        for each in (token, *(token.children or ()))
    ]


def outside(markdown: str) -> str:
    html = github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return re.sub(r"<code>[^<]*</code>", "<code>", html)


def outcomes(plan: Plan, *results: Result, detail: str = "why") -> tuple[Outcome, ...]:
    operations = plan.operations
    return tuple(
        Outcome(operations[index % len(operations)], result, detail)
        for index, result in enumerate(results)
    )


def test_no_hostile_text_changes_anything_but_code_spans(full: Full) -> None:
    def told(text: str) -> str:
        review = Review("push", text, text, text, text, text, text, text, text)
        review = replace(review, approvals=(Approval(text, ""), Approval(text, f"{text}x")))
        made = outcomes(full(text), Result.FAILED, Result.APPLIED, detail=text)
        made += (replace(made[0], remains=text),)
        return outcomes_markdown(Aftermath(made, text, text, review, (text,)), full_at=text)

    usual = told("x")
    bad = []
    for name, text in HOSTILE.items():
        made = told(text or " ")
        if (
            len(made) > COMMENT
            or skeleton(made) != skeleton(usual)
            or outside(made) != outside(usual)
        ):
            bad.append((name, made[:200]))

    assert bad == []


def test_everything_applied_is_told_in_a_line_and_folded(full: Full) -> None:
    told = outcomes_markdown(Aftermath(outcomes(full("ana"), *[Result.APPLIED] * 3), HEAD))

    assert told.startswith(
        "### Apply: 3 applied, of 3.\n\n> [!NOTE]\n> **Everything was applied as planned.**"
    )
    assert "<details><summary>3 applied</summary>" in told
    assert "- `ana`: update; + `ana` on `ana`; - `ana` on `ana`" in told
    assert "Not as planned" not in told


def test_an_apply_without_operations_says_so(full: Full) -> None:
    del full
    told = outcomes_markdown(Aftermath((), HEAD))

    assert told.startswith("### Applied: nothing was to be changed.\n\n> [!NOTE]")


def test_failures_stand_first_with_their_detail(full: Full) -> None:
    order = (Result.APPLIED, Result.NOT_ATTEMPTED, Result.CONFLICT, Result.UNKNOWN, Result.FAILED)
    told = outcomes_markdown(Aftermath(outcomes(full("ana"), *order), HEAD))

    assert told.startswith(
        "### Apply: 1 applied, 1 conflict, 1 failed, 1 unknown, 1 not attempted, of 5."
    )
    assert "**4 operations of 5 did not end as planned" in told
    found = re.findall(r"\| \*\*(failed|unknown|conflict|not attempted)\*\* \| `why` \|", told)
    assert found == ["failed", "unknown", "conflict", "not attempted"]
    assert told.index("Not as planned") < told.index("<summary>1 applied")


def test_a_token_that_may_remain_is_not_as_planned(full: Full) -> None:
    (made,) = outcomes(full("ana"), Result.APPLIED, detail="")
    told = outcomes_markdown(Aftermath((replace(made, remains="no answer"),), HEAD))

    assert "**1 operation of 1 did not end as planned" in told
    assert "| **applied** | An API token may remain: `no answer` |" in told


def test_what_was_seen_afterwards_is_told(full: Full) -> None:
    made = outcomes(full("ana"), Result.APPLIED)

    told = outcomes_markdown(Aftermath(made, HEAD, notes=("Somebody changed bo.",)))

    assert "#### Seen afterwards\n\n- `Somebody changed bo.`" in told


def test_more_changes_than_are_shown_are_counted(full: Full) -> None:
    (made,) = outcomes(full("ana"), Result.APPLIED)
    many = replace(made.operation, changes=made.operation.changes * 4)

    told = outcomes_markdown(Aftermath((replace(made, operation=many),), HEAD))

    assert "; 3 more changes" in told


@pytest.mark.parametrize(
    ("review", "expected"),
    [
        (None, []),
        (
            REVIEWED,
            ["Written by `ana`, merged by `bo`, started by `bo`.", "Approved by `eve`."],
        ),
        (
            replace(REVIEWED, approvals=(Approval("eve", "e" * 40),)),
            ["Approved by `eve` (**of an earlier commit** `eeeeeeee`)."],
        ),
        (
            replace(REVIEWED, approvals=tuple(Approval(f"u{n}", "") for n in range(22))),
            ["`u19` and 2 more."],
        ),
        (replace(REVIEWED, approvals=()), ["**No approval is on record at the code host.**"]),
        (Review("schedule", "c" * 40), []),
    ],
)
def test_the_evidence_stands_at_the_foot(
    full: Full, review: Review | None, expected: list[str]
) -> None:
    made = outcomes(full("ana"), Result.APPLIED)

    told = outcomes_markdown(Aftermath(made, HEAD, "4f1c09d2a7b3e655", review))

    foot = told.rsplit("\n\n", 1)[-1]
    assert f"Journal head `{HEAD}`." in foot
    assert (
        "`reconciler plan --undo 4f1c09d2a7b3e655 --journal journal.jsonl --out undo.plan.json`"
        in foot
    )
    for part in expected:
        assert part in foot
    assert ("approval" in foot.lower() or "Approved" in foot) == bool(expected)


def test_without_a_journal_it_says_so(full: Full) -> None:
    told = outcomes_markdown(Aftermath(outcomes(full("ana"), Result.NOT_ATTEMPTED), ""))

    assert told.endswith("No journal was written.\n")


@pytest.mark.parametrize("limit", [3_000, 6_000, 12_000])
def test_what_does_not_fit_is_counted_and_applied_ones_go_first(full: Full, limit: int) -> None:
    made = outcomes(full("ana"), *[Result.APPLIED] * 200, *[Result.FAILED] * 60)

    told = outcomes_markdown(Aftermath(made, HEAD, notes=("seen",)), limit=limit)

    assert len(told) <= limit
    assert told.startswith("### Apply: 200 applied, 60 failed, of 260.")
    missing = re.search(r"for want of room: (?:(\d+) failures?, )?(?:1 note, )?(\d+) applied", told)
    assert missing is not None
    assert told.count("| **failed** |") + int(missing[1] or 0) == 60
    assert len(re.findall(r"^- `ana`: ", told, re.MULTILINE)) + int(missing[2]) == 200
    if missing[1]:
        assert int(missing[2]) == 200
    assert "The log of the run has all of it." in told
