"""Reports read back by an XML parser."""

import ast
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from hostile import Corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import planning
from reconciler.domain.plan import Plan
from reconciler.errors import Place, Problem
from reconciler.rendering.as_junit import (
    RULES,
    Case,
    junit,
    plan_junit,
    policy_tests_junit,
    validate_junit,
)
from reconciler.rendering.tree import plan_tree

LIMIT = Problem(Place("p/a.yaml", 3, 5), "unknown-key", "no such key `x`", "Remove it.")
OTHER = Problem(Place("p/a.yaml", 9, 1), "bad-value", "not a number", "Write one.")
NOWHERE = Problem(None, "no-base", "there is no base", "Name one.")


def read(told: str) -> Element:
    assert told.startswith("<?xml version='1.0' encoding='us-ascii'?>\n<testsuites ")
    assert told.isascii()
    return fromstring(told)  # noqa: S314 - our own report


def cases(told: str) -> dict[str, Element]:
    return {case.attrib["name"]: case for case in read(told).iter("testcase")}


def failure(case: Element) -> Element:
    found = case.find("failure")
    assert found is not None
    return found


def test_every_file_is_a_case_and_its_problems_are_its_failure() -> None:
    told = validate_junit(["p/a.yaml", "p/b.yaml"], [LIMIT, OTHER])

    found = cases(told)
    assert list(found) == ["p/a.yaml", "p/b.yaml"]
    assert found["p/a.yaml"].attrib == {
        "classname": "policies",
        "name": "p/a.yaml",
        "file": "p/a.yaml",
        "line": "3",
    }
    assert failure(found["p/a.yaml"]).attrib["message"] == (
        "p/a.yaml:3:5: unknown-key: no such key `x` (and 1 more)"
    )
    assert failure(found["p/a.yaml"]).text == (
        "p/a.yaml:3:5: unknown-key: no such key `x`\nfix: Remove it.\n"
        "p/a.yaml:9:1: bad-value: not a number\nfix: Write one."
    )
    assert list(found["p/b.yaml"]) == []


def test_the_sums_are_those_of_the_cases() -> None:
    root = read(validate_junit(["p/a.yaml", "p/b.yaml"], [LIMIT, OTHER]))

    for node in (root, root[0]):
        assert (node.attrib["tests"], node.attrib["failures"]) == ("2", "1")


def test_a_warning_is_told_and_fails_nothing() -> None:
    case = cases(validate_junit(["p/a.yaml"], [], [LIMIT]))["p/a.yaml"]

    assert case.find("failure") is None
    assert case.findtext("system-out") == (
        "p/a.yaml:3:5: unknown-key: no such key `x`\nfix: Remove it."
    )


def test_a_problem_of_no_file_or_of_one_that_was_not_read_has_a_case_too() -> None:
    found = cases(validate_junit([], [LIMIT, NOWHERE]))

    assert list(found) == ["p/a.yaml", "(no file)"]
    assert "file" not in found["(no file)"].attrib
    assert failure(found["(no file)"]).attrib["message"] == "no-base: there is no base"


def test_every_guardrail_is_a_case_and_a_refusal_its_failure(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    tree["refusals"][0]["rule"] = "max_revokes"

    found = cases(plan_junit(tree))

    assert list(found) == [*RULES, "rule"]
    assert [name for name in found if found[name].find("failure") is not None] == [
        "max_revokes",
        "rule",
    ]
    assert failure(found["max_revokes"]).text == "x\nfix: x\nat x:3:5\nat x"
    assert found["max_revokes"].attrib["line"] == "3"
    assert found["rule"].attrib == {"classname": "guardrails", "name": "rule"}


def test_several_refusals_of_a_rule_are_one_failure(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    for number, refusal in enumerate(tree["refusals"]):
        refusal |= {"rule": "protected", "message": f"m{number}"}

    assert failure(cases(plan_junit(tree))["protected"]).attrib["message"] == "m0 m1"


def test_every_rule_that_planning_knows_is_a_case() -> None:
    folder = Path(next(iter(planning.__path__)))
    calls = (
        node
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal"
    )
    rules = {node.args[0].value for node in calls if isinstance(node.args[0], ast.Constant)}

    assert rules
    assert rules <= set(RULES)


def test_policy_tests_are_cases_at_their_line() -> None:
    told = policy_tests_junit(
        [("two admins", "tests.yaml", None, "t.yaml", 4), ("none", "tests.yaml", "bo is", "t", 0)]
    )

    found = cases(told)
    assert found["two admins"].attrib == {
        "classname": "tests.yaml",
        "name": "two admins",
        "file": "t.yaml",
        "line": "4",
    }
    assert failure(found["none"]).text == "bo is"
    assert "line" not in found["none"].attrib


def test_a_hostile_text_is_valid_exact_and_obeyed_by_nothing(
    corpus: Corpus, full: Callable[[str], Plan], check_harmless: Callable[..., None]
) -> None:
    def holds(text: str) -> None:
        problem = Problem(Place(text, 3, 5), text, text, text)
        told = [
            plan_junit(plan_tree(full(text), text)),
            validate_junit([text], [problem], [problem]),
            policy_tests_junit([(text, text, text, text, 1)]),
        ]

        for report in told:
            check_harmless(report, color=False)
            shape = [node.tag for node in read(report).iter()]
            assert set(shape) <= {"testsuites", "testsuite", "testcase", "failure", "system-out"}
            assert shape.count("testsuite") == 1
        case = next(iter(cases(told[2]).values()))
        assert case.attrib["name"] == kept(text)
        assert failure(case).attrib["message"] == kept(text)

    corpus.check(holds)


def kept(value: str) -> str:
    """The value, with an escape for whatever XML 1.0 cannot hold."""
    return "".join(char if possible(char) else ascii(char)[1:-1] for char in value)


def possible(char: str) -> bool:
    code = ord(char)
    ranges = ((0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF))
    return char in "\t\n\r" or any(low <= code <= high for low, high in ranges)


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_every_text_is_valid_and_survives(value: str) -> None:
    told = junit("s", [Case(value, value, value, Place(value), (value,), (value,))])

    case = next(read(told).iter("testcase"))
    assert case.attrib["name"] == kept(value)
    assert not re.search(f"[^{re.escape(string.printable)}]", told)
    assert not list(lines_obeyed(told))


def lines_obeyed(told: str) -> Iterator[str]:
    for line in told.splitlines():
        if line.lstrip().startswith("::") or "##[" in line:
            yield line
