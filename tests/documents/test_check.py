"""The schemas themselves, and what they let policies name."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.resources import resource

_OUTSIDE = (
    *("url", "uri", "host", "proxy", "command", "exec", "shell", "script", "path", "file"),
    *("include", "import", "plugin", "module", "template", "env", "variable", "token", "secret"),
)


def _schema(name: str) -> Any:
    return json.loads((resource("schemas") / f"{name}.schema.json").read_text(encoding="utf-8"))


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    for child in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(child, dict | list):
            yield from _nodes(child)


@pytest.mark.parametrize("name", ["policy", "guardrails", "pins"])
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(_schema(name))


@pytest.mark.parametrize("name", ["policy", "guardrails", "pins"])
def test_no_accepted_key_names_anything_outside(name: str) -> None:
    keys = {key for node in _nodes(_schema(name)) for key in node.get("properties", {})}
    assert "version" in keys
    assert not [key for key in keys if any(word in key.split("_") for word in _OUTSIDE)]


@pytest.mark.parametrize("name", ["policy", "guardrails", "pins"])
def test_every_mapping_is_closed(name: str) -> None:
    mappings = [node for node in _nodes(_schema(name)) if node.get("type") == "object"]
    assert mappings
    assert all("additionalProperties" in node for node in mappings)


@pytest.mark.parametrize("name", ["policy", "guardrails", "pins"])
def test_every_typed_value_has_the_words_for_its_problems(name: str) -> None:
    for node in _nodes(_schema(name)):
        if isinstance(node.get("type"), str):
            assert {"title", "description"} <= node.keys()
