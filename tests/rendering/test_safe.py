"""What others wrote, on one harmless line: every renderer, the whole hostile corpus."""

import inspect
import json
from collections.abc import Callable

import pytest
from builders import NOW
from hostile import GROUPS, HOSTILE, Corpus
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan
from reconciler.errors import Place, PolicyError, Problem, ReconcilerError, RefusedError
from reconciler.rendering import as_text, messages, outcomes
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_text import bound_text, drift_text, plan_text
from reconciler.rendering.messages import error_text, problems_text
from reconciler.rendering.outcomes import (
    others_text,
    outcome_text,
    outcomes_summary,
    remaining_text,
    token_text,
    undo_text,
    unfinished_text,
    unverified_text,
)
from reconciler.rendering.safe import short, visible
from reconciler.rendering.tree import plan_tree

Full = Callable[[str], Plan]
Check = Callable[..., None]


def everything(text: str, full: Full, *, color: bool) -> list[str]:
    """Every text the product prints, with `text` in every field that others choose."""
    made = full(text)
    tree = plan_tree(made, text)
    problems = made.warnings
    results = [Outcome(made.operations[0], result, text) for result in Result]
    errors: list[ReconcilerError] = [
        RefusedError(text, text),
        RefusedError(text),
        PolicyError(problems),
    ]
    return [
        plan_text(tree, color=color),
        drift_text(tree, color=color),
        bound_text(tree),
        problems_text(problems, color=color),
        *(error_text(error, color=color) for error in errors),
        *(outcome_text(outcome, color=color) for outcome in results),
        outcomes_summary(results, "sha256:0"),
        remaining_text([text, text]),
        undo_text(text, [text, text]),
        token_text(text or "x", NOW, "sha256:0"),
        others_text({text: text, text + "2": text}),
        unfinished_text([(text, text, text), (text, text, text)]),
        unverified_text("by whom", text),
    ]


def test_every_renderer_meets_the_corpus() -> None:
    """A new one that `everything` forgets fails here."""
    renderers = {
        name
        for module in (as_text, messages, outcomes)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }

    # Part of the others' lines, never a line of its own; and what tells of no text at all.
    renderers -= {"place_text", "on_its_way_text"}
    source = inspect.getsource(everything)
    assert [name for name in sorted(renderers) if f"{name}(" not in source] == []


def test_the_parts_are_the_whole_corpus() -> None:
    texts = [text for group in GROUPS.values() for text in group.values()]

    assert texts == list(HOSTILE.values())


def test_a_text_for_which_a_check_does_not_hold_is_named_and_so_are_all_others() -> None:
    seen: list[str] = []

    def holds(text: str) -> None:
        seen.append(text)
        assert text not in {"1", "4"}
        assert 6 / int(text) > 0

    with pytest.raises(AssertionError) as told:
        Corpus({"one": "1", "two": "2", "nought": "0", "four": "4"}).check(holds)

    assert seen == ["1", "2", "0", "4"]
    lines = str(told.value).splitlines()
    assert lines[0] == "3 of 4 texts:"
    assert [line.partition(": ")[0] for line in lines[1:]] == ["one", "nought", "four"]
    assert lines[2] == "nought: ZeroDivisionError: division by zero"


@pytest.mark.parametrize("color", [False, True])
def test_nothing_printed_is_obeyed_by_a_terminal_or_a_runner(
    corpus: Corpus, color: bool, full: Full, check_harmless: Check
) -> None:
    """Nor does a value ever add a line."""
    usual = [told.count("\n") for told in everything("x", full, color=color)]

    def holds(text: str) -> None:
        made = everything(text, full, color=color)

        for told in made:
            check_harmless(told, color=color)
        assert color or "\x1b" not in "".join(made)
        # An error without a remedy has no line for it; everything else keeps its line.
        shown = made if text else everything(" ", full, color=color)
        assert [told.count("\n") for told in shown] == usual

    corpus.check(holds)


def test_with_colour_only_the_colours_come_on_top(full: Full) -> None:
    painted = "".join(everything("x", full, color=True))
    plain = "".join(everything("x", full, color=False))

    assert "\x1b[1;31m" not in plain
    assert painted != plain
    for code in ("1", "2", "31", "32", "33", "31;1", "1;33", "32;1", "0"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plain


def test_json_is_ascii_and_carries_the_exact_value(corpus: Corpus, full: Full) -> None:
    def holds(value: str) -> None:
        tree = plan_tree(full(value), value)

        text = to_json(tree)

        assert text.isascii()
        assert "##[" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
        assert all(char == "\n" or char.isprintable() for char in set(text))
        assert json.loads(text) == tree

    corpus.check(holds)


@given(text=st.text(st.characters(codec=None), max_size=40), color=st.booleans())
def test_no_text_at_all_is_obeyed(
    text: str, color: bool, full: Full, check_harmless: Check
) -> None:
    for told in everything(text, full, color=color):
        check_harmless(told, color=color)


@given(
    text=st.text(st.sampled_from(":#[ \u00a0\u3000\n\r\t\x1bx\u202e\ud800\u0301管"), max_size=12)
)
def test_no_text_made_of_dangerous_characters_is_obeyed(
    text: str, full: Full, check_harmless: Check
) -> None:
    for told in everything(text, full, color=False):
        check_harmless(told, color=False)


@given(text=st.text(st.characters(codec=None)))
def test_json_carries_any_text(text: str) -> None:
    # Two halves of a pair side by side are the character they stand for.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    assert json.loads(to_json({"a": [text]})) == {"a": [joined]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ana Ruíz", "Ana Ruíz"),
        ("管理者", "管理者"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("ana\u202enimda", r"ana\u202enimda"),
        ("x\n::add-mask::1", r"x\n::add-mask::1"),
        ("  ::add-mask::1", r"  \x3a:add-mask::1"),
        ("##[error]", r"#\x23[error]"),
        ("EMEA\u00a0Berlin", r"EMEA\xa0Berlin"),
        ("Lang\u3164weg", r"Lang\u3164weg"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("Acme EMEA/Berlin: #1 [x]", "Acme EMEA/Berlin: #1 [x]"),
    ],
)
def test_what_is_hidden_becomes_a_visible_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_two_hundred_characters_are_shown_whole_and_one_more_is_cut() -> None:
    assert short("a" * 200) == "a" * 200
    assert short("a" * 201) == "a" * 200 + "… (201 characters)"


def test_a_very_long_name_keeps_a_plan_readable(full: Full) -> None:
    told = plan_text(plan_tree(full("A" * 10_240), "1"), color=False)
    names = [line for line in told.splitlines() if "A" * 200 in line and "fix:" not in line]

    assert any(line.startswith("~ ") and len(line) < 300 for line in names)
    assert "… (10240 characters)" in told


def test_a_problem_without_a_place_starts_with_its_code() -> None:
    assert problems_text([Problem(None, "a-code", "What.", "Do.")], color=False) == (
        "a-code: What.\n    Do.\n"
    )


def test_a_problem_is_told_as_editors_understand_it() -> None:
    problem = Problem(Place("policies/a.yaml", 3, 5), "a-code", "What.", "Do.")

    assert problems_text([problem], color=False) == (
        "policies/a.yaml:3:5: a-code: What.\n    Do.\n"
    )
    assert problems_text([], color=False) == ""


def test_a_policy_error_tells_every_problem_and_that_nothing_was_written() -> None:
    problems = (Problem(None, "b", "Two.", "Do."), Problem(None, "a", "One.", "Do."))

    assert error_text(PolicyError(problems), color=False) == (
        "a: One.\n    Do.\nb: Two.\n    Do.\n\nerror: 2 problems found; nothing was written.\n"
    )


def test_an_error_is_told_with_its_remedy() -> None:
    assert error_text(RefusedError("No.", "Do."), color=False) == "error: No.\n  fix: Do.\n"
    assert error_text(RefusedError("No."), color=False) == "error: No.\n"
