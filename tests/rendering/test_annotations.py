"""Workflow commands, taken apart by the rules of GitHub's runner."""

from collections.abc import Callable
from typing import Any

import pytest
from hostile import Corpus
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.plan import Plan
from reconciler.errors import Place, Problem
from reconciler.rendering.annotations import SHOWN, plan_annotations, problem_annotations
from reconciler.rendering.safe import visible
from reconciler.rendering.tree import plan_tree, problem_tree

Full = Callable[[str], Plan]
Tree = dict[str, Any]
Command = tuple[str, dict[str, str], str]


def taken_apart(line: str) -> Command:
    """Read one line as `ActionCommand.TryParseV2` of the runner does."""
    text = line.lstrip()
    assert text.startswith("::"), line
    end = text.index("::", 2)
    name, _, rest = text[2:end].partition(" ")
    properties = {}
    for pair in filter(None, rest.strip().split(",")):
        key, _, value = pair.partition("=")
        properties[key] = _unescaped(value, {"%3A": ":", "%2C": ","})
    return name, properties, _unescaped(text[end + 2 :], {})


def _unescaped(text: str, more: dict[str, str]) -> str:
    for escape, char in ({"%0D": "\r", "%0A": "\n"} | more | {"%25": "%"}).items():
        text = text.replace(escape, char)
    return text


def commands(told: str) -> list[Command]:
    return [taken_apart(line) for line in told.splitlines()]


def problems(text: str, count: int = 1) -> list[Tree]:
    place = Place(text, 3, 5)
    return [problem_tree(Problem(place, text, text, text)) for _ in range(count)]


def shape(told: str) -> list[tuple[str, list[str], str | None, int]]:
    """All of the commands that no value may decide."""
    return [
        (name, list(properties), properties.get("line"), message.count("\n"))
        for name, properties, message in commands(told)
    ]


def test_a_hostile_name_changes_nothing_but_the_words(corpus: Corpus, full: Full) -> None:
    usual = [
        shape(plan_annotations(plan_tree(full("x"), "x"))),
        shape(problem_annotations(problems("x"))),
    ]

    def holds(text: str) -> None:
        # An empty reason is none; everything else keeps its place.
        name = text or " "
        made = [
            plan_annotations(plan_tree(full(name), name)),
            problem_annotations(problems(name)),
        ]
        assert [shape(told) for told in made] == usual
        for told in made:
            for command, properties, message in commands(told):
                assert command in {"error", "warning", "notice"}
                assert set(properties) <= {"file", "line", "col", "title"}
                assert properties.get("file", visible(name)) == visible(name)
                assert all(line == visible(line) for line in message.split("\n"))
            told.encode("utf-8")
            assert "##[" not in told

    corpus.check(holds)


@given(
    text=st.text(st.one_of(st.characters(codec=None), st.sampled_from("%:,=\r\n# ")), min_size=1)
)
def test_no_text_begins_a_command_of_its_own(text: str) -> None:
    told = problem_annotations(problems(text))

    assert shape(told) == shape(problem_annotations(problems("x")))
    (_, properties, message), *_ = commands(told)
    assert properties["file"] == visible(text)
    assert message == f"{visible(text)}\n{visible(text)}"


@given(text=st.text(st.characters(codec=None), min_size=1))
def test_the_runner_finds_one_command_a_line_in_any_plan(text: str, full: Full) -> None:
    told = plan_annotations(plan_tree(full(text), text))

    assert shape(told) == shape(plan_annotations(plan_tree(full("x"), "x")))


def test_a_problem_stands_on_its_line_as_the_runner_demands() -> None:
    place = Place("policies/50%, a:b.yaml", 3, 5)
    problem = Problem(place, "unknown-site", "No site Lyon: 100%.", "Name one, or two.")

    assert problem_annotations([problem_tree(problem)]) == (
        "::error file=policies/50%25%2C a%3Ab.yaml,line=3,col=5,title=unknown-site"
        "::No site Lyon: 100%25.%0AName one, or two.\n"
    )


def test_what_stands_in_no_file_or_on_no_line_is_told_without() -> None:
    nowhere = problem_tree(Problem(None, "a-code", "What.", ""))
    in_file = problem_tree(Problem(Place("policies/a.yaml"), "a-code", "What.", ""))

    assert problem_annotations([nowhere]) == "::error title=a-code::What.\n"
    assert problem_annotations([in_file]) == "::error file=policies/a.yaml,title=a-code::What.\n"
    assert problem_annotations([]) == ""


@pytest.mark.parametrize(("count", "lines"), [(9, 9), (10, 10), (11, 10), (25, 10)])
def test_the_tenth_of_a_level_says_what_was_left_out(count: int, lines: int) -> None:
    told = commands(problem_annotations(problems("x", count)))

    assert len(told) == lines
    rest = count - SHOWN + 1
    is_last = told[-1][2] == f"{rest} more errors like these; the log names them all."
    assert is_last is (count > SHOWN)


@pytest.fixture
def tree(full: Full) -> Tree:
    return plan_tree(full("x"), "1")


def changed(tree: Tree, *changes: tuple[str, str, str, int]) -> list[Command]:
    """Annotations of a plan with these changes: action, risk, level and line."""
    operation = tree["operations"][0]
    likes = operation["changes"][0]
    made = [
        {
            **likes,
            "action": action,
            "risk": risk,
            "scope": {"level": level, "id": "1", "name": f"{action} {risk}"},
            "places": [{"file": "a.yaml", "line": line, "column": 1}] if line else [],
            "note": None,
            "window": None,
            "reason": "policy",
        }
        for action, risk, level, line in changes
    ]
    rest: Tree = {"refusals": [], "role_changes": [], "warnings": [], "roles": [], "coming": []}
    return commands(
        plan_annotations({**tree, **rest, "operations": [{**operation, "changes": made}]})
    )


def test_the_worst_line_comes_first_and_its_level_says_so(tree: Tree) -> None:
    told = changed(
        tree,
        ("grant", "low", "site", 1),
        ("grant", "medium", "site", 2),
        ("revoke", "low", "site", 3),
        ("grant", "high", "account", 4),
        ("grant", "high", "tenant", 5),
        ("grant", "low", "site", 0),
    )

    assert [(name, properties["line"]) for name, properties, _ in told] == [
        *(("warning", "5"), ("warning", "4"), ("warning", "2"), ("warning", "3")),
        ("notice", "1"),
    ]


def test_changes_of_one_line_share_an_annotation_worst_first(tree: Tree) -> None:
    lows = [("grant", "low", "site", 7)] * 6
    ((name, properties, message),) = changed(
        tree, *lows, ("revoke", "low", "site", 7), ("grant", "high", "tenant", 7)
    )

    assert name == "warning"
    assert properties == {"file": "a.yaml", "line": "7", "col": "1", "title": "plan: 8 changes"}
    assert message.split("\n") == [
        "+ grant x on grant high: x (HIGH)",
        "- revoke x on revoke low: x",
        *(["+ grant x on grant low: x"] * 3),
        "and 3 more changes by this line",
    ]


def test_refusals_are_errors_and_changed_roles_come_before_changes(tree: Tree) -> None:
    told = commands(plan_annotations(tree))

    assert [name for name, *_ in told] == ["error"] * 2 + ["warning"] * 7
    assert told[0][1]["title"] == "refused: x"
    assert told[2][2] == "x is not what it was when pinned and gives access. Held by 2 principals."
    assert told[4][1]["title"] == "plan: 2 changes"
    assert "x on x: x (HIGH, gives access, window opened" in told[4][2]
