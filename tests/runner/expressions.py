"""The expression language of workflows: what stands between `${{` and `}}`.

Written from docs.github.com/actions (reference: evaluate expressions). Strings compare without
regard to case, `&&` and `||` return an operand, a missing property is null. What this does not
know raises, where a real runner might only find nothing.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))"
    r"|(?P<string>'(?:[^']|'')*')|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[!<>()\[\].,*]))"
)
_HOLE = re.compile(r"\$\{\{((?:[^'}]|'(?:[^']|'')*'|}(?!}))*)}}")
STATUS = {"always", "success", "failure", "cancelled"}


class ExpressionError(Exception):
    """An expression that is wrong, or beyond this evaluator."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees: the contexts by name, and the functions that depend on the job."""

    contexts: Mapping[str, Any]
    functions: Mapping[str, Callable[[], bool]]


def evaluate(text: str, scope: Scope) -> Any:
    """Return the value of one expression, without `${{ }}`."""
    return _Parser(text, scope).whole()


def fill(text: Any, scope: Scope) -> Any:
    """Return a string with its holes filled; what is one hole alone keeps its type."""
    if not isinstance(text, str):
        return text
    alone = _HOLE.fullmatch(text.strip())
    if alone:
        return evaluate(alone[1], scope)
    if "${{" in _HOLE.sub("", text):
        raise ExpressionError(f"not closed: {text!r}")
    return _HOLE.sub(lambda hole: string_of(evaluate(hole[1], scope)), text)


def condition(text: Any, scope: Scope) -> bool:
    """Decide an `if`; without a function of the status, `success()` is part of it."""
    source = string_of(text).strip() if text is not None else "success()"
    alone = _HOLE.fullmatch(source)
    source = alone[1] if alone else source
    if "${{" in source:
        raise ExpressionError(f"part of a condition in braces makes it always true: {text!r}")
    parser = _Parser(source, scope)
    value = parser.whole()
    return truth(value) and (bool(parser.called & STATUS) or scope.functions["success"]())


def truth(value: Any) -> bool:
    return not (value is None or value is False or value in (0, "") or value != value)  # noqa: PLR0124  NaN


def string_of(value: Any) -> str:
    """Return a value as text: true, 1, the empty string for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list):
        return "Object" if isinstance(value, dict) else "Array"
    return str(value)


def number_of(value: Any) -> float:
    if value is None or isinstance(value, bool | int | float):
        return float(value or 0)
    try:
        return float(value.strip() or 0) if isinstance(value, str) else math.nan
    except ValueError:
        return math.nan


def equal(left: Any, right: Any) -> bool:
    """Compare loosely: strings without case, other types as numbers, objects by identity."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left is right
    if (left is None) and (right is None):
        return True
    return number_of(left) == number_of(right)


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(equal(each, what) for each in where)
    return string_of(what).lower() in string_of(where).lower()


def _format(text: Any, *values: Any) -> str:
    def place(found: re.Match[str]) -> str:
        if found[0] in {"{{", "}}"}:
            return found[0][0]
        return string_of(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", place, string_of(text))


def _join(parts: Any, separator: Any = ",") -> str:
    listed = parts if isinstance(parts, list) else [parts]
    return string_of(separator).join(string_of(part) for part in listed)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "startswith": lambda text, part: string_of(text).lower().startswith(string_of(part).lower()),
    "endswith": lambda text, part: string_of(text).lower().endswith(string_of(part).lower()),
    "format": _format,
    "join": _join,
    "tojson": lambda value: json.dumps(value, indent=2),
    "fromjson": lambda text: json.loads(string_of(text)),
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": lambda left, right: number_of(left) < number_of(right),
    "<=": lambda left, right: number_of(left) <= number_of(right),
    ">": lambda left, right: number_of(left) > number_of(right),
    ">=": lambda left, right: number_of(left) >= number_of(right),
}


class _Parser:
    """Recursive descent; evaluates while it reads, both sides of `&&` and `||` alike."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.called: set[str] = set()
        self._scope = scope
        self._text = text
        self._tokens = self._split(text)
        self._at = 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise ExpressionError(f"cannot read {text[at:]!r} in {text!r}")
            tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            at = found.end()
        return tokens

    def whole(self) -> Any:
        value = self._either()
        if self._at < len(self._tokens):
            raise ExpressionError(f"unexpected {self._tokens[self._at][1]!r} in {self._text!r}")
        return value

    def _next(self, *signs: str) -> str:
        """Take the next token if it is one of the signs."""
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind == "sign" and text in signs:
            self._at += 1
            return text
        return ""

    def _need(self, sign: str) -> None:
        if not self._next(sign):
            raise ExpressionError(f"{sign!r} is missing in {self._text!r}")

    def _either(self) -> Any:
        value = self._both()
        while self._next("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = other if truth(value) else value
        return value

    def _compared(self) -> Any:
        value = self._negated()
        while sign := self._next(*_COMPARISONS):
            value = _COMPARISONS[sign](value, self._negated())
        return value

    def _negated(self) -> Any:
        if self._next("!"):
            return not truth(self._negated())
        value = self._single()
        while sign := self._next(".", "["):
            value = self._inside(value, sign)
        return value

    def _inside(self, value: Any, sign: str) -> Any:
        if sign == "[":
            key = self._either()
            self._need("]")
        else:
            kind, key = self._take()
            if kind != "word":
                raise ExpressionError(f"{key!r} after a dot in {self._text!r}")
        if isinstance(value, list) and isinstance(key, int | float):
            return value[int(key)] if 0 <= key < len(value) else None
        return look_up(value, string_of(key))

    def _take(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise ExpressionError(f"something is missing at the end of {self._text!r}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _single(self) -> Any:
        kind, text = self._take()
        if kind == "number":
            return int(text, 16) if "x" in text else float(text)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if text == "(":
            value = self._either()
            self._need(")")
            return value
        if kind == "word":
            return self._named(text)
        raise ExpressionError(f"unexpected {text!r} in {self._text!r}")

    def _named(self, word: str) -> Any:
        literals = {"true": True, "false": False, "null": None}
        if word in literals:
            return literals[word]
        if self._next("("):
            return self._call(word.lower())
        if word.lower() not in self._scope.contexts:
            raise ExpressionError(f"no context {word!r} here: {self._text!r}")
        return self._scope.contexts[word.lower()]

    def _call(self, name: str) -> Any:
        values: list[Any] = []
        while not self._next(")"):
            if values:
                self._need(",")
            values.append(self._either())
        self.called.add(name)
        if name in self._scope.functions and not values:
            return self._scope.functions[name]()
        if name not in FUNCTIONS:
            raise ExpressionError(f"no function {name!r}: {self._text!r}")
        return FUNCTIONS[name](*values)


class Strict(dict[str, Any]):
    """A context in which asking for what is not there is a mistake."""


def look_up(value: Any, key: str) -> Any:
    """Return a property, found without regard to case; null when there is none."""
    if not isinstance(value, Mapping):
        return None
    for name, found in value.items():
        if name.lower() == key.lower():
            return found
    if isinstance(value, Strict):
        raise ExpressionError(f"no {key!r} among {', '.join(sorted(value))}")
    return None
