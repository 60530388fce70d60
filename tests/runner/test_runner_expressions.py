"""The expression language, as GitHub documents it."""

from typing import Any

import pytest
from runner.expressions import ExpressionError, Scope, Strict, condition, evaluate, fill

CONTEXTS: dict[str, Any] = {
    "github": Strict({"event": {"number": 7.0, "Label": "Bug"}, "ref": "refs/heads/main"}),
    "env": {"EMPTY": "", "A-B": "dash"},
    "steps": Strict({"one": {"outputs": {"x": "1"}, "outcome": "success"}}),
    "list": ["a", "B", {"c": True}],
}


def scope(*, failed: bool = False) -> Scope:
    functions = {
        "always": lambda: True,
        "success": lambda: not failed,
        "failure": lambda: failed,
        "cancelled": lambda: False,
    }
    return Scope(CONTEXTS, functions)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("-1.5e1", -15.0),
        ("0x1F", 31),
        ("null", None),
        ("github.ref == 'REFS/heads/MAIN'", True),
        ("github.event.label != 'bug'", False),
        ("github.event['number'] == '7'", True),
        ("github.event.missing.deeper", None),
        ("env.missing == ''", True),
        ("env.missing == null", True),
        ("null == null", True),
        ("null == 0", True),
        ("'abc' == 0", False),
        ("true == '1'", True),
        ("list == list", True),
        ("list == 'Array'", False),
        ("list[1]", "B"),
        ("list[9]", None),
        ("list[2].c", True),
        ("env.A-B", "dash"),
        ("'' || 'other'", "other"),
        ("'one' && 'two' || 'three'", "two"),
        ("env.EMPTY && 'two'", ""),
        ("!env.EMPTY && !(1 > 2)", True),
        ("2 >= 2 && 1 <= 2 && 1 < 2", True),
        ("contains('Hello', 'ELL')", True),
        ("contains(list, 'b')", True),
        ("startsWith(github.ref, 'refs/') && endsWith(github.ref, 'MAIN')", True),
        ("format('{0} {{x}} {1}', 'a', 7.0)", "a {x} 7"),
        ("join(list, '-')", "a-B-Object"),
        ("join('one')", "one"),
        ("fromJSON('{\"a\": [1]}').a[0]", 1),
        ("toJSON(steps.one.outputs)", '{\n  "x": "1"\n}'),
        ("steps.one.outcome == 'success' && steps.one.outputs.none", None),
        ("(true)", True),
    ],
)
def test_an_expression_has_this_value(text: str, value: Any) -> None:
    assert evaluate(text, scope()) == value


@pytest.mark.parametrize(
    "text",
    ["", "1 2", "(1", "'open", "a.", "a..b", "nowhere.x", "hashFiles('x')", "steps.two.outcome",
     "github.reff", "== 1", "contains('a' 'b')", '"double"', "list[0", "list.*.c"],
)  # fmt: skip
def test_what_is_wrong_or_unknown_raises(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, scope())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ 7 }}", 7.0),
        (" ${{ true }} ", True),
        ("a ${{ true }} ${{ null }}${{ 7.5 }} b", "a true 7.5 b"),
        ("${{ '}}' }}", "}}"),
        ("plain", "plain"),
        (3, 3),
    ],
)
def test_holes_are_filled_and_one_alone_keeps_its_type(text: Any, value: Any) -> None:
    assert fill(text, scope()) == value


def test_a_hole_must_be_closed() -> None:
    with pytest.raises(ExpressionError, match="not closed"):
        fill("${{ 1 }", scope())


@pytest.mark.parametrize(
    ("text", "fine", "after_a_failure"),
    [
        (None, True, False),
        (True, True, False),
        ("github.ref == 'refs/heads/main'", True, False),
        ("${{ always() }}", True, True),
        ("!cancelled() && env.EMPTY == ''", True, True),
        ("failure()", False, True),
        ("success() || failure()", True, True),
        ("false || always() && false", False, False),
    ],
)
def test_success_is_part_of_a_condition_that_names_no_status(
    text: Any, fine: bool, after_a_failure: bool
) -> None:
    assert condition(text, scope()) is fine
    assert condition(text, scope(failed=True)) is after_a_failure


def test_a_condition_half_in_braces_is_a_mistake() -> None:
    with pytest.raises(ExpressionError, match="always true"):
        condition("${{ false }} && true", scope())
