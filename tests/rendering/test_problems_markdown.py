"""Problems of the files and errors in Markdown: told in full, worst first, inert (T11, T16)."""

import re
from html.parser import HTMLParser

import pytest
from cmarkgfm import github_flavored_markdown_to_html  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hostile import HOSTILE
from markdown_it import MarkdownIt

from reconciler.errors import (
    ConsoleError,
    Place,
    PolicyError,
    Problem,
    ReconcilerError,
    RefusedError,
)
from reconciler.rendering.fitting import COMMENT
from reconciler.rendering.problems_html import problems_html
from reconciler.rendering.problems_markdown import error_markdown, problems_markdown

PARSER = MarkdownIt("gfm-like")


def skeleton(markdown: str) -> list[tuple[str, str, str]]:
    """Everything that a document consists of, except what stands in code spans."""
    return [
        (each.type, each.tag, "" if each.type in {"code_inline", "inline"} else each.content)
        for token in PARSER.parse(markdown)
        for each in (token, *(token.children or ()))
    ]


def outside(markdown: str) -> str:
    """What GitHub's own parser makes of a document, code left out."""
    html = github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return re.sub(r"<code>[^<]*</code>", "<code>", html)


def problem(text: str, line: int = 3) -> Problem:
    return Problem(Place(text, line, 5), text, text, text)


def every_shape(text: str) -> list[str]:
    problems = (problem(text), Problem(None, text, text, text))
    return [
        problems_markdown(problems, (problem(text),), full_at=text),
        error_markdown(ConsoleError(text, text)),
        error_markdown(RefusedError(text, text)),
    ]


def test_no_hostile_text_changes_anything_but_code_spans() -> None:
    usual = [(skeleton(told), outside(told)) for told in every_shape("x")]

    bad = []
    for name, text in HOSTILE.items():
        for told, (tokens, page) in zip(every_shape(text or " "), usual, strict=True):
            if len(told) > COMMENT or (skeleton(told), outside(told)) != (tokens, page):
                bad.append((name, told[:200]))

    assert bad == []


def test_the_check_itself_finds_what_is_not_inert() -> None:
    for active in ("<b>x</b>", "[x](http://e.example)", "@ana\n# x", "x |\n| y"):
        assert skeleton(f"- {active}") != skeleton("- `x`")


def test_every_problem_is_told_with_its_place_and_its_remedy() -> None:
    told = problems_markdown(
        [Problem(Place("policies/a.yaml", 3, 5), "unknown-site", "There is no site.", "Name one.")]
    )

    assert told.startswith("### 1 problem in the policy files\n\n> [!CAUTION]")
    assert (
        "| `policies/a.yaml:3:5` | **`unknown-site`**<br>`There is no site.` | `Name one.` |"
        in told
    )


def test_a_problem_without_place_or_remedy_has_empty_cells() -> None:
    told = problems_markdown([Problem(None, "no-files", "There are none.", "")])

    assert "|  | **`no-files`**<br>`There are none.` |  |" in told


def test_errors_stand_before_warnings() -> None:
    told = problems_markdown([problem("worst")], [problem("mild"), problem("milder")])

    assert told.index("`worst`") < told.index("#### Warnings") < told.index("`mild`")


def test_warnings_alone_do_not_read_as_an_error() -> None:
    told = problems_markdown([], [problem("mild")])

    assert told.startswith("### The policy files are valid\n\n> [!NOTE]\n> **1 warning.**")
    assert "CAUTION" not in told


@pytest.mark.parametrize("limit", [1_000, 5_000, 10_000])
def test_what_does_not_fit_is_counted(limit: int) -> None:
    problems = [problem(f"e{number}") for number in range(300)]
    warnings = [problem(f"w{number}") for number in range(300)]

    told = problems_markdown(problems, warnings, limit=limit, full_at="https://ci.example/1")

    assert len(told) <= limit
    shown = len(re.findall(r"^\| `e\d+:", told, re.MULTILINE))
    missing = re.search(r"\*\*(\d+) problems? and 300 warnings not shown here", told)
    assert missing is not None
    assert shown + int(missing[1]) == 300
    assert "All of them: <https://ci.example/1>" in told


def test_all_of_it_is_told_where_there_is_just_room() -> None:
    problems = [problem(f"e{number}") for number in range(30)]
    whole = problems_markdown(problems)

    assert problems_markdown(problems, limit=len(whole)) == whole
    cut = problems_markdown(problems, limit=len(whole) - 1)
    assert "The log of the run has them all." in cut


def test_no_room_at_all_still_says_how_many_there_are() -> None:
    told = problems_markdown([problem("x")] * 7, limit=10)

    assert "**7 problems not shown here for want of room.**" in told


@pytest.mark.parametrize(
    ("error", "head"),
    [
        (ConsoleError("The console is away.", "Try later."), "### Failed"),
        (RefusedError("Locked.", "Wait."), "### Refused"),
        (PolicyError((problem("x"),)), "### 1 problem in the policy files"),
        (ReconcilerError("No remedy."), "### Failed"),
    ],
)
def test_each_error_is_told_as_what_it_is(error: ReconcilerError, head: str) -> None:
    told = error_markdown(error)

    assert told.startswith(head)
    assert ("  - fix: " in told) == bool(error.remedy)


def test_a_long_error_is_cut_only_where_it_has_no_room() -> None:
    error = ConsoleError("m" * 1_500, "r" * 1_500)

    assert "m" * 1_500 in error_markdown(error)
    short = error_markdown(error, limit=2_000)
    assert len(short) <= 2_000
    assert "(1500 characters)" in short


# --- as a page ------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"<{tag} {attrs}>")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"<!--{data}-->")


def test_no_hostile_text_changes_an_element_of_the_page() -> None:
    def page(text: str) -> list[str]:
        return Tags(problems_html([problem(text)], [problem(text)])).tags

    assert [name for name, text in HOSTILE.items() if page(text) != page("x")] == ["nothing"]
    assert page("") != page("x")  # an empty remedy is none


def test_the_page_says_whether_there_is_a_plan() -> None:
    assert "2 problems found; there is no plan." in problems_html([problem("x"), problem("y")])
    calm = problems_html([], [Problem(None, "x", "y", "")])
    assert "The policy files are valid." in calm
    assert "problem" not in calm.partition("<body>")[2]
