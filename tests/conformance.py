"""Whether what goes to and fro between the simulated console and anybody fits its documentation.

The documentation is `reconciler/simulator/openapi.json`, written from the API reference. An
answer must be what it says; a request that was answered 200 must be what it says, too. What was
refused needs no check of the request: refusing it is right.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import reconciler.simulator
from reconciler.simulator.app import PREFIX
from reconciler.simulator.envelopes import Request, Response
from reconciler.simulator.records import SWITCHES, Settings

DOCUMENT = Path(reconciler.simulator.__file__).with_name("openapi.json")
_URI = "urn:console"
_LENIENT = ("entry_extras", "misspelt_filter")
"""Switches with which the console takes what is not documented."""
_ID = re.compile(r'"[0-9]{18,}"')
_TIME = re.compile(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"')
_TEXT = re.compile(
    r'"(email|fullName|name|accountName|siteName|groupName|roleName|lowestRole|role|oldRole|'
    r"description|creator|updatedBy|username|byUser|primaryDescription|fullScopeDetailsPath|"
    r'scopeName|activityUuid|registrationToken|nextCursor)": "(?:[^"\\]|\\.)*"'
)
_TEXTS = re.compile(r'"(roles|tenantRoles)": \["(?:[^"\\]|\\.)*"\]')
"""Fields that may hold any text."""


class Documentation:
    """The OpenAPI document with what validation needs."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree
        resource = Resource.from_contents(tree, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._operations = [
            (method.upper(), re.compile(re.sub(r"\{id\}", "[^/]+", path)), operation, item)
            for path, item in sorted(tree["paths"].items(), key=lambda pair: "{" in pair[0])
            for method, operation in item.items()
            if method != "parameters"
        ]
        self._known: set[tuple[str, str]] = set()
        self.validator = functools.cache(self._validator)

    def _validator(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=self._registry)

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """Return the operation with the parameters of its path."""
        inner = path.removeprefix(PREFIX) if path.startswith(PREFIX) else ""
        paths = [pattern for _, pattern, _, _ in self._operations if pattern.fullmatch(inner)]
        for known, pattern, operation, item in self._operations:
            if known == method and paths and pattern == paths[0]:
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                return {**operation, "parameters": parameters}
        return None

    def problems(self, settings: Settings, request: Request, response: Response) -> Iterator[str]:
        """Say what is wrong with an exchange."""
        operation = self.operation(request.method, request.path)
        tree = json.loads(response.body)
        if response.status == 200 and operation is None:
            yield "an undocumented operation was answered"
        elif response.status == 200 and operation is not None:
            yield from self.body_problems(f"{_pointer(operation)}/schema", tree)
            if all(getattr(settings, name) == SWITCHES[name][0] for name in _LENIENT):
                yield from self._request_problems(operation, request)
        elif 400 <= response.status < 500:
            pointer = "/components/responses/refusal/content/application~1json/schema"
            yield from self.body_problems(pointer, tree)
            if (tree.get("errors") or [{}])[0].get("code") != response.status * 10000 + 10:
                yield "the code in the envelope is not that of the status"
        else:
            yield f"status {response.status} is not documented"

    def body_problems(self, pointer: str, tree: Any) -> Iterator[str]:
        """Say what is wrong with a JSON body; items of lists are looked at one by one, once."""
        data = tree.get("data") if isinstance(tree, dict) else None
        for name, items in (("data", data), ("sites", _sites(data))):
            if isinstance(items, list) and len(items) > 1:
                path = f"{pointer}/properties/data{'' if name == 'data' else '/properties/sites'}"
                for item in items:
                    yield from self._item_problems(f"{path}/items", item)
                rest = items[:1] if name == "data" else {**tree["data"], "sites": items[:1]}
                tree = tree | {"data": rest}
        yield from self._item_problems(pointer, tree)

    def _item_problems(self, pointer: str, tree: Any) -> Iterator[str]:
        key = (pointer, likeness(tree))
        if key in self._known:
            return
        errors = [
            f"{error.json_path}: {error.message[:300]}"
            for error in self.validator(pointer).iter_errors(tree)
        ]
        if not errors:
            self._known.add(key)
        yield from errors

    def _request_problems(self, operation: Mapping[str, Any], request: Request) -> Iterator[str]:
        known = {each["name"]: each for each in map(self.resolve, operation["parameters"])}
        for name, raw in parse_qsl(request.query, keep_blank_values=True):
            if name not in known:
                yield f"the parameter {name} is not documented"
                continue
            schema = self.resolve(known[name]["schema"])
            for error in self._schema(json.dumps(schema)).iter_errors(_value(schema, raw)):
                yield f"parameter {name}: {error.message[:300]}"
        if "requestBody" in operation:
            pointer = operation["requestBody"]["$ref"].removeprefix("#")
            is_required = self.resolve(operation["requestBody"])["required"]
            if request.body or is_required:
                path = f"{pointer}/content/application~1json/schema"
                yield from self._item_problems(path, json.loads(request.body))

    @functools.cache  # noqa: B019  one documentation lives as long as the tests
    def _schema(self, text: str) -> Draft202012Validator:
        schema = json.loads(text.replace('"#/', f'"{_URI}#/'))
        return Draft202012Validator(schema, registry=self._registry)

    def resolve(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a reference means, or the thing itself."""
        found: Any = tree
        if "$ref" in tree:
            found = self.tree
            for part in tree["$ref"].removeprefix("#/").split("/"):
                found = found[part]
        return dict(found)


def likeness(tree: Any) -> str:
    """Return the JSON text with ids, times and free texts made alike.

    Two bodies of one likeness are both right or both wrong, and looking at one is enough.
    """
    text = _TIME.sub('"time"', _ID.sub('"id"', json.dumps(tree)))
    return _TEXTS.sub(r'"\1": ["text"]', _TEXT.sub(r'"\1": "text"', text))


@functools.cache
def documentation() -> Documentation:
    """Return the one document."""
    return Documentation(json.loads(DOCUMENT.read_text(encoding="utf-8")))


class Witness:
    """Sees every exchange with every console of this process, and judges later."""

    def __init__(self) -> None:
        self._seen: list[tuple[Settings, Request, Response]] = []

    def __call__(self, console: Any, request: Request, response: Response) -> None:
        """Note one exchange; called by the thread that serves."""
        self._seen.append((console.world.settings, request, response))

    def judge(self) -> list[str]:
        """Return what is wrong with the exchanges since the last time."""
        seen, self._seen = self._seen, []
        problems: list[str] = []
        check: Callable[..., Iterator[str]] = documentation().problems
        for settings, request, response in seen:
            for problem in check(settings, request, response):
                query = f"?{request.query}" if request.query else ""
                line = f"{request.method} {request.path}{query} -> {response.status}: {problem}"
                problems.append(line)
        return problems


def _pointer(operation: Mapping[str, Any]) -> str:
    pointer: str = operation["responses"]["200"]["$ref"].removeprefix("#")
    return f"{pointer}/content/application~1json"


def _sites(data: Any) -> Any:
    return data.get("sites") if isinstance(data, dict) else None


def _value(schema: Mapping[str, Any], raw: str) -> Any:
    """Read a parameter the way its schema says; what cannot be read stays text and fails."""
    if schema.get("type") == "array":
        return raw.split(",")
    if schema.get("type") == "boolean" and raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    if schema.get("type") == "integer" and re.fullmatch("[+-]?[0-9]+", raw):
        return int(raw)
    return raw
