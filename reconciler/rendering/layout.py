"""Text in columns: how wide it stands on a terminal, padded, cut and wrapped by that.

Every text here has passed `safe.visible` already, so it is one line without controls.
"""

import unicodedata
from functools import lru_cache

from reconciler.rendering.safe import visible

ENDLESS = 1_000_000_000
"""Columns where no terminal limits them."""

_MEDIAL = range(0x1160, 0x1200)
"""Hangul vowels and finals, which are drawn into the syllable before them."""


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: two for a wide letter, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(char) for char in text)


def padded(text: str, width: int) -> str:
    """Return a text filled up with blanks to `width` columns."""
    return text + " " * (width - columns(text))


def cut(text: str, width: int) -> str:
    """Return as much of a text as fits into `width` columns, with an ellipsis for what does not."""
    if columns(text) <= width:
        return text
    head, _ = _split(text, max(width - 1, 0))
    return f"{head.rstrip()}…"


def wrapped(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Return a text as lines of at most `width` columns.

    `first` stands before the first line instead of `indent`. Words longer than a line are split.
    No line begins with what a CI runner obeys, wherever the text happens to break.
    """
    lead = indent if first is None else first
    lines = []
    rest = text
    while True:
        room = max(width - columns(lead), _NARROWEST)
        head, rest = _line(rest, room)
        lines.append(lead + visible(head))
        if not rest:
            return lines
        lead = indent


_NARROWEST = 20
"""Columns that a wrapped line always has, however deep it is indented."""


def _line(text: str, room: int) -> tuple[str, str]:
    """Split off what fits into a line, at a blank if there is one."""
    head, rest = _split(text, room)
    if rest and not rest.startswith(" ") and " " in head.strip():
        kept, _, moved = head.rpartition(" ")
        head, rest = kept, moved + rest
    return head.rstrip(), rest.lstrip()


def _split(text: str, room: int) -> tuple[str, str]:
    """Split after the last letter that fits, its marks with it; at least one letter."""
    used = 0
    for index, char in enumerate(text):
        used += _columns_of(char)
        if used > room and index:
            return text[:index], text[index:]
    return text, ""


@lru_cache(maxsize=4096)
def _columns_of(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"} or ord(char) in _MEDIAL:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
