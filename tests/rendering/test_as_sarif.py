"""Findings read back, and held against what SARIF 2.1.0 and GitHub ask of them.

The grammar below is our own, of the part that is used here and stricter than the standard's;
the output was held against the schema of OASIS by hand, which may not be copied here.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hostile import Corpus
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.domain.plan import Plan
from reconciler.errors import Place, Problem
from reconciler.rendering.as_sarif import Finding, plan_sarif, problems_sarif, sarif
from reconciler.rendering.tree import plan_tree


def exactly(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """A mapping with these keys and no other."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


TEXT = exactly({"text": {"type": "string", "minLength": 1}})
LEVEL = {"enum": ["error", "warning"]}
NUMBER = {"type": "integer", "minimum": 1}
ARTIFACT = {
    "oneOf": [
        exactly(
            {
                "uri": {"pattern": "^(?!/)(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*$"},
                "uriBaseId": {"const": "%SRCROOT%"},
            }
        ),
        exactly({"uri": {"pattern": "^file:///(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})*$"}}),
    ]
}
LOCATION = exactly(
    {
        "physicalLocation": exactly(
            {"artifactLocation": ARTIFACT},
            {"region": exactly({"startLine": NUMBER}, {"startColumn": NUMBER})},
        )
    }
)
RESULT = exactly(
    {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
        "partialFingerprints": exactly(
            {"primaryLocationLineHash": {"pattern": "^[0-9a-f]{16}:[1-9][0-9]*$"}}
        ),
    },
    {"relatedLocations": {"type": "array", "minItems": 1, "items": LOCATION}},
)
RULE = exactly(
    {
        "id": {"type": "string"},
        "shortDescription": {"type": "object"},
        "help": {"type": "object"},
        "defaultConfiguration": exactly({"level": LEVEL}),
    }
)
RUN = exactly(
    {
        "tool": exactly(
            {
                "driver": exactly(
                    {
                        "name": {"const": "sentinelone-reconciler"},
                        "version": {"type": "string"},
                        "rules": {"type": "array", "items": RULE, "uniqueItems": True},
                    }
                )
            }
        ),
        "originalUriBaseIds": exactly({"%SRCROOT%": exactly({"description": TEXT})}),
        "columnKind": {"const": "unicodeCodePoints"},
        "results": {"type": "array", "items": RESULT},
    }
)
LOG = exactly(
    {
        "$schema": {"pattern": "^https://docs.oasis-open.org/sarif/.*sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "maxItems": 1, "items": RUN},
    }
)
KEY = Problem(Place("p/a b.yaml", 3, 5), "unknown-key", "no such key `x`", "Remove it.")
NOTE = Problem(None, "no-base", "there is no base", "Name one.")


def read(told: str) -> Any:
    assert told.isascii()
    log = json.loads(told)
    Draft202012Validator(LOG).validate(log)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    return run


def one(finding: Finding) -> Any:
    (result,) = read(sarif([finding], "1"))["results"]
    return result


def place_of(result: Any) -> Any:
    return result["locations"][0]["physicalLocation"]


def test_a_problem_is_an_error_on_its_line_and_a_warning_a_warning() -> None:
    run = read(problems_sarif([KEY], [NOTE], "1.2"))

    assert run["tool"]["driver"]["version"] == "1.2"
    key, note = run["results"]
    assert (key["level"], note["level"]) == ("error", "warning")
    assert key["ruleId"] == "unknown-key"
    assert key["message"]["text"] == "no such key `x`\nFix: Remove it."
    assert place_of(key) == {
        "artifactLocation": {"uri": "p/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5},
    }


def test_a_finding_without_a_place_is_about_the_repository() -> None:
    note = read(problems_sarif([], [NOTE], "1"))["results"][0]

    assert place_of(note) == {"artifactLocation": {"uri": ".", "uriBaseId": "%SRCROOT%"}}


def test_nothing_found_is_a_log_without_results() -> None:
    run = read(problems_sarif([], [], "1"))

    assert run["results"] == run["tool"]["driver"]["rules"] == []


def test_a_rule_says_what_it_is_about_and_what_to_do() -> None:
    (rule,) = read(sarif([Finding("guardrail/max_revokes", "error", "m", "Do it.")], "1"))["tool"][
        "driver"
    ]["rules"]

    assert rule == {
        "id": "guardrail/max_revokes",
        "shortDescription": {"text": "guardrail: max revokes"},
        "help": {"text": "Do it."},
        "defaultConfiguration": {"level": "error"},
    }


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("policies/a.yaml", "policies/a.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("a#b?.yaml", "a%23b%3F.yaml"),
        ("ü%41.yaml", "%C3%BC%2541.yaml"),
        ("../x.yaml", "../x.yaml"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_a_file_is_named_from_the_root_of_the_repository(file: str, uri: str) -> None:
    told = place_of(one(Finding("r", "error", "m", "f", (Place(file, 1),))))

    assert told == {
        "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }


def test_an_absolute_path_is_a_uri_of_its_own() -> None:
    told = place_of(one(Finding("r", "error", "m", "f", (Place("//tmp/a b.yaml"),))))

    assert told == {"artifactLocation": {"uri": "file:///tmp/a%20b.yaml"}}


def test_further_places_are_related_to_the_first() -> None:
    places = (Place("a", 1, 2), Place("b", 3), Place("c"))

    told = one(Finding("r", "error", "m", "f", places))

    related = [each["physicalLocation"] for each in told["relatedLocations"]]
    assert place_of(told)["artifactLocation"]["uri"] == "a"
    assert [each["artifactLocation"]["uri"] for each in related] == ["b", "c"]


def fingerprints(*findings: Finding) -> list[str]:
    results = read(sarif(findings, "1"))["results"]
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]


def test_a_fingerprint_stays_when_lines_move_and_tells_everything_else_apart() -> None:
    finding = Finding("r", "error", "m", "f", (Place("a", 1),))
    moved = Finding("r", "error", "m", "f", (Place("a", 9),))
    others = [
        Finding("s", "error", "m", "f", (Place("a", 1),)),
        Finding("r", "error", "n", "f", (Place("a", 1),)),
        Finding("r", "error", "m", "f", (Place("b", 1),)),
        Finding("r", "error", "m", "f"),
    ]

    assert fingerprints(finding) == fingerprints(moved)
    assert len(set(fingerprints(finding, *others))) == 5


def test_the_same_finding_twice_has_two_fingerprints() -> None:
    finding = Finding("r", "error", "m", "f")

    one_, two = fingerprints(finding, finding)
    assert (one_[-2:], two[-2:]) == (":1", ":2")


def test_a_value_cannot_become_a_link_of_a_message() -> None:
    told = one(Finding("r", "error", "role [click](https://evil.example)", "\\f"))

    assert told["message"]["text"] == "role \\[click\\](https://evil.example)\nFix: \\\\f"
    assert one(Finding("r", "error", "sites: [a]", "f"))["message"]["text"].startswith("sites: [a]")


def test_a_plan_tells_refusals_as_errors_and_high_risk_as_warnings(
    full: Callable[[str], Plan],
) -> None:
    results = read(plan_sarif(plan_tree(full("x"), "1")))["results"]

    told = [(result["ruleId"], result["level"]) for result in results]
    assert told == [
        ("guardrail/x", "error"),
        ("guardrail/rule", "error"),
        ("role-changed", "error"),
        ("role-changed", "warning"),
        ("high-risk-grant", "warning"),
        ("high-risk-grant", "warning"),
        ("token-left", "warning"),
    ]
    assert "and now gives access; 2 hold it" in results[2]["message"]["text"]
    assert results[4]["message"]["text"].startswith("High risk: grant x on x, x (window opened).")
    assert place_of(results[4])["region"] == {"startLine": 3, "startColumn": 5}


def test_a_hostile_text_arrives_as_it_is_and_is_obeyed_by_nothing(
    corpus: Corpus, full: Callable[[str], Plan], check_harmless: Callable[..., None]
) -> None:
    def holds(text: str) -> None:
        finding = Finding(text, "error", text, text, (Place(text, 1),))
        for told in (
            sarif([finding], text),
            plan_sarif(plan_tree(full(text), text)),
            problems_sarif([Problem(Place(text), text, text, text)], [], text),
        ):
            check_harmless(told, color=False)
            read(told)
        arrived = one(finding)["message"]["text"]
        if "](" in text:
            arrived = re.sub(r"\\([\\\[\]])", r"\1", arrived)
        assert arrived == f"{text}\nFix: {text}"

    corpus.check(holds)


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_every_file_name_can_be_read_back(file: str) -> None:
    uri = place_of(one(Finding("r", "error", "m", "f", (Place(file),))))["artifactLocation"]["uri"]

    read_back = unquote(uri.removeprefix("file://"), errors="surrogatepass")
    assert read_back == ("/" + file.lstrip("/") if file.startswith("/") else file)
