"""Patterns with `*` and `?`: what they match, and what two of them have to do with each other."""

import re
from functools import cache

_ANY, _ONE = "\0", "\1"
"""Stand for the wildcards of an inner pattern; no name of the console holds them."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern matches a whole text; a bracket stands for itself."""
    return _compiled(pattern).match(text) is not None


def within(inner: str, outer: str) -> bool:
    """Tell whether `outer` surely matches whatever `inner` does.

    Sound, not complete: each wildcard of `inner` must be absorbed by one that is as wide, so odd
    pairs such as `?*` within `*?` are not recognised.
    """
    return _compiled(outer).match(inner.replace("*", _ANY).replace("?", _ONE)) is not None


def overlap(one: str, two: str) -> bool:
    """Tell whether some text matches both patterns."""
    reached = [True] + [False] * len(two)
    for at, char in enumerate(two):
        reached[at + 1] = reached[at] and char == "*"
    for char in one:
        before, reached = reached, [False] * (len(two) + 1)
        reached[0] = before[0] and char == "*"
        for at, other in enumerate(two):
            if char == "*" or other == "*":
                reached[at + 1] = before[at + 1] or reached[at] or before[at]
                continue
            is_same = char == other or "?" in {char, other}
            reached[at + 1] = before[at] and is_same
    return reached[-1]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression of a pattern; the text after each `*` is found once, not tried anew.

    Without the atomic groups a pattern of many `*` would take time beyond measure.
    """
    kinds = {"?": f"[^{_ANY}]"}
    first, *parts = (
        "".join(kinds.get(char, re.escape(char)) for char in part) for part in pattern.split("*")
    )
    if not parts:
        return re.compile(rf"{first}\Z", re.DOTALL)
    *inner, last = parts
    lazily = "".join(f"(?>.*?{part})" for part in inner if part)
    return re.compile(rf"{first}{lazily}.*{last}\Z", re.DOTALL)
