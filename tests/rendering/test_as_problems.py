"""Problems as JSON, held against the published schema."""

import json
from typing import Any

import pytest
from hostile import Corpus
from jsonschema import Draft202012Validator, ValidationError

from reconciler.errors import Place, Problem
from reconciler.rendering.as_problems import problems_json
from reconciler.resources import resource

SCHEMA = json.loads((resource("schemas") / "problems.schema.json").read_text("utf-8"))
KEY = Problem(Place("a.yaml", 3, 5), "unknown-key", "no such key", "Remove it.")
NOTE = Problem(None, "no-base", "there is no base", "Name one.")


def read(told: str) -> Any:
    tree = json.loads(told)
    Draft202012Validator(SCHEMA).validate(tree)
    return tree


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_problems_and_warnings_are_told_apart() -> None:
    assert read(problems_json([KEY], [NOTE], "1.2")) == {
        "format": "sentinelone-reconciler/problems",
        "version": 1,
        "tool_version": "1.2",
        "is_valid": False,
        "problems": [
            {
                "place": {"file": "a.yaml", "line": 3, "column": 5},
                "code": "unknown-key",
                "message": "no such key",
                "remedy": "Remove it.",
            }
        ],
        "warnings": [
            {
                "place": None,
                "code": "no-base",
                "message": "there is no base",
                "remedy": "Name one.",
            }
        ],
    }


def test_warnings_alone_leave_the_files_valid() -> None:
    assert read(problems_json([], [NOTE], "1"))["is_valid"] is True


def test_the_schema_knows_every_key() -> None:
    tree = read(problems_json([KEY], [], "1"))
    for node in (tree, tree["problems"][0], tree["problems"][0]["place"]):
        node["extra"] = 1
        with pytest.raises(ValidationError):
            Draft202012Validator(SCHEMA).validate(tree)
        del node["extra"]


def test_a_hostile_text_arrives_as_it_is(corpus: Corpus) -> None:
    def holds(text: str) -> None:
        told = problems_json([Problem(Place(text), text, text, text)], [], text)

        (problem,) = read(told)["problems"]
        assert problem == {
            "place": {"file": text, "line": 0, "column": 0},
            "code": text,
            "message": text,
            "remedy": text,
        }

    corpus.check(holds)
