"""Text from elsewhere, made safe for a terminal. Every value passes here, at the renderer.

Display names, site names and addresses are chosen by others (threat A2): control characters,
escape sequences, bidirectional overrides and invisible characters become visible escapes (T10).
"""

import unicodedata

_LIMIT = 200
"""Characters of one value that are shown; names of ten kilobytes stay readable."""

# Categories that never belong on a terminal line: controls, formats (bidi, zero width),
# surrogates, private use, unassigned, and the two Unicode line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """Return `text` on one line, with everything invisible written as an escape."""
    return "".join(_escape(char) for char in text)


def short(text: str) -> str:
    """Return one value visible, and cut if it is very long."""
    if len(text) <= _LIMIT:
        return visible(text)
    return f"{visible(text[:_LIMIT])}… ({len(text)} characters)"


def _escape(char: str) -> str:
    if unicodedata.category(char) in _HIDDEN:
        return char.encode("unicode_escape").decode("ascii")
    return char
