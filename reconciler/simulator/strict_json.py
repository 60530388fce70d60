"""JSON in which no key stands twice: of two, a plain reader silently takes the last.

For what people write by hand; the console itself reads requests as every server does.
"""

import json
from typing import Any


def tree_of(text: bytes) -> Any:
    """Read JSON; raises ValueError, also for a key that stands twice in an object."""
    try:
        return _unique(json.loads(text.decode(), object_pairs_hook=_Pairs), "")
    except RecursionError as error:
        raise ValueError(f"nested too deep: {error}") from None


class _Pairs(list[tuple[str, Any]]):
    """An object as JSON has it, with every key as often as it stands there."""


def _unique(value: Any, place: str) -> Any:
    """Make objects of pairs; raises ValueError naming the place of a key that stands twice."""
    if isinstance(value, _Pairs):
        tree: dict[str, Any] = {}
        for key, each in value:
            inside = f"{place}.{key}".lstrip(".")
            if key in tree:
                raise ValueError(f"{inside}: stands twice; only one can count, leave out the other")
            tree[key] = _unique(each, inside)
        return tree
    if isinstance(value, list):
        return [_unique(each, f"{place}[{number}]") for number, each in enumerate(value)]
    return value
