"""JSON as the standard means it, refusing what two readers could understand differently."""

import json
import math
from typing import Any, Never

from reconciler.errors import NotUnderstoodError

MAX_DEPTH = 64
MAX_DIGITS = 40
"""Longest number accepted; ids have 18 to 20 digits."""


def parse(body: bytes) -> Any:
    """Return the JSON value of `body`.

    Refuses with NotUnderstoodError: bytes that are not UTF-8, repeated keys, NaN and Infinity,
    numbers longer than `MAX_DIGITS` or too large, nesting deeper than `MAX_DEPTH`. Whole numbers
    keep all their digits; an id that arrives as a fraction is refused by `wire`.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise _not_understood(_reason(error)) from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _not_understood("a key is repeated in one object")
    return result


def _constant(text: str) -> Never:
    raise _not_understood(f"{text} is not a JSON number")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _not_understood(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > MAX_DIGITS or not math.isfinite(number := float(text)):
        raise _not_understood(f"a number is out of range or has more than {MAX_DIGITS} digits")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
    if any(isinstance(node, dict | list) for node in level):
        raise _not_understood(f"it is nested deeper than {MAX_DEPTH} levels")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON at character {error.pos}"
    return "it is nested too deeply"


def _not_understood(reason: str) -> NotUnderstoodError:
    return NotUnderstoodError(
        f"the console's answer was not understood: {reason}",
        "Check that the URL is the console itself and that no proxy rewrites its answers.",
    )
