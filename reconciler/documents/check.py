"""Document x JSON Schema -> Problems with their places. jsonschema stops here.

The words of a problem come from the schema itself: `title` says what was expected, `description`
how to mend it. So editors and this product say the same.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from reconciler.documents.nodes import Document, Node, plain
from reconciler.documents.wording import did_you_mean, shown
from reconciler.errors import Problem
from reconciler.resources import resource

_ID_DIGITS = 15
"""A number this long is meant as an id."""
_SCOPES = ("sites", "account", "tenant")


def check(document: Document, schema: str) -> tuple[Problem, ...]:
    """Return what in a document breaks a schema, `policy`, `tests` and so on; or nothing."""
    errors = _validator(schema).iter_errors(plain(document.root))
    return tuple(
        problem for error in errors for told in _telling(error) for problem in _told(document, told)
    )


def _told(document: Document, error: ValidationError) -> Iterator[Problem]:
    node = document.root
    for step in error.absolute_path:
        node = node.value[step]
    if error.validator == "additionalProperties":
        properties = _schema(error)["properties"]
        for key in node.value.keys() - properties.keys():
            yield _unknown_key(document, node.value[key], key, properties)
    elif node.value is None:
        remedy = _schema(error)["description"]
        told = f"{_name(error)} has no value"
        yield Problem(document.key_place(node), "null-value", told, remedy)
    else:
        yield Problem(document.place(node), *_words(error))


def _unknown_key(document: Document, node: Node, key: str, known: dict[str, Any]) -> Problem:
    otherwise = f"Known here: {', '.join(f'`{name}`' for name in known)}."
    return Problem(
        document.key_place(node),
        "unknown-key",
        f"the key {shown(key)} is not known here",
        did_you_mean(key, known, otherwise),
    )


def _words(error: ValidationError) -> tuple[str, str, str]:
    """Return code, message and remedy of an error at a value that is there."""
    value: Any = error.instance
    demanded: Any = error.validator_value
    title, remedy = _schema(error)["title"], _schema(error)["description"]
    match error.validator:
        case "required":
            missing = [key for key in demanded if key not in value]
            told = ", ".join(f"`{key}`" for key in missing)
            return "missing-key", f"{title} needs {told}", remedy
        case "oneOf" | "dependentRequired":
            return _words_on_forms(error)
        case "minItems":
            return "list-too-short", f"{_name(error)} holds too few entries: {len(value)}", remedy
        case "type" | "const":
            return _words_on_type(error)
    return "bad-value", f"{shown(value)} is not {title}", remedy


def _words_on_forms(error: ValidationError) -> tuple[str, str, str]:
    """Return the words for a mapping that must be one of several forms, and whole."""
    value: Any = error.instance
    demanded: Any = error.validator_value
    title, remedy = _schema(error)["title"], _schema(error)["description"]
    if error.validator == "dependentRequired":
        missing = [
            f"`{key}` needs `{other}`"
            for key, others in demanded.items()
            for other in others
            if key in value and other not in value
        ]
        return "missing-key", f"in {title}, {' and '.join(missing)}", remedy
    forms = [form["required"][0] for form in demanded]
    given = [f"`{key}`" for key in forms if key in value]
    if set(forms) == set(_SCOPES):
        told = f"names {' and '.join(given)}" if given else "names no scope"
        return "one-scope", f"the assignment {told}", remedy
    told = f"says {' and '.join(given)} at once" if given else "says nothing that could fail"
    return "one-form", f"{title} {told}", remedy


def _words_on_type(error: ValidationError) -> tuple[str, str, str]:
    value: Any = error.instance
    title, remedy = _schema(error)["title"], _schema(error)["description"]
    wants_text = error.validator_value == "string"
    if isinstance(value, dict | list):
        kind = "mapping" if isinstance(value, dict) else "list"
        return "wrong-type", f"{_name(error)} is a {kind}, not {title}", remedy
    if wants_text:
        told = json.dumps(value)
        quoted = f'Write it in quotes if it is meant as text: "{told}".'
        if title == "an id":
            quoted = f'Write the id in quotes: "{told}".'
        elif len(told) >= _ID_DIGITS:
            quoted = f'An id is written id:{told}, and "{told}" under `users:`.'
        return "unquoted", f"{_name(error)} is {told} without quotes, not text", quoted
    if isinstance(value, str):
        return "wrong-type", f"{_name(error)} is the text {shown(value)}, not {title}", remedy
    return "bad-value", f"{shown(value)} is not {title}", remedy


def _telling(error: ValidationError) -> list[ValidationError]:
    """Of an `anyOf`, return the errors of the branch that was meant, if that is clear."""
    if error.validator == "oneOf" and not isinstance(error.instance, dict):
        return []  # which keys it lacks is beside the point; its type is told already
    if error.validator != "anyOf":
        return [error]
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [inner for inner in branches.values() if not any(map(_is_about_the_whole, inner))]
    return meant[0] if len(meant) == 1 else [error]


def _is_about_the_whole(error: ValidationError) -> bool:
    return not error.relative_path and error.validator in {"type", "enum"}


def _schema(error: ValidationError) -> dict[str, Any]:
    schema: Any = error.schema
    return dict(schema)


def _name(error: ValidationError) -> str:
    """Return how the reader calls the value: its key, or its number in a list."""
    if not error.absolute_path:
        return "the file"
    last = error.absolute_path[-1]
    return f"entry {last + 1}" if isinstance(last, int) else shown(last)


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Judge `pattern` like JSON Schema does: `$` is the end of the text, not of a last line."""
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError("does not match")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.removesuffix("$") + (r"\Z" if pattern.endswith("$") else ""))


@cache
def _validator(name: str) -> Any:
    text = (resource("schemas") / f"{name}.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    kind: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    return kind(_inlined(schema, schema["$defs"]))


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references; following them took most of the time."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}
    reference = own.pop("$ref", "").removeprefix("#/$defs/")
    return {**_inlined(definitions[reference], definitions), **own} if reference else own
