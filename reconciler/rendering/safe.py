"""Text from elsewhere, made safe for a terminal. Every value passes here, at the renderer.

Display names, site names and addresses are chosen by others (threat A2): control characters,
escape sequences, bidirectional overrides and invisible characters become visible escapes (T10).
So does what a CI runner would take for a command: `::` at the start of a line and `##[`, which
GitHub's runner obeys anywhere in a line, `##vso[` for others (T06).
"""

import unicodedata

_LIMIT = 200
"""Characters of one value that are shown; names of ten kilobytes stay readable."""

# Categories that never belong on a terminal line: controls, formats (bidi, zero width),
# surrogates, private use, unassigned, the two Unicode line separators, and every blank but the
# space, so that two names that differ never look the same for it.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})

# Letters and marks that show nothing: joiners, fillers, variation selectors, the empty Braille.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)


def visible(text: str) -> str:
    """Return `text` on one line, with everything invisible written as an escape.

    The result may start a line and may stand anywhere in one: it is never a command to CI.
    """
    shown = text.translate(_SHOWN).replace("##", "#\\x23")
    body = shown.lstrip(" ")
    if body.startswith(":"):
        return shown.removesuffix(body) + "\\x3a" + body[1:]
    return shown


def short(text: str) -> str:
    """Return one value visible, and cut if it is very long."""
    if len(text) <= _LIMIT:
        return visible(text)
    return f"{visible(text[:_LIMIT])}… ({len(text)} characters)"


class _Shown(dict[int, str]):
    """Code point -> what is shown for it, noted when it is first met."""

    def __missing__(self, code: int) -> str:
        shown = self[code] = _escape(chr(code))
        return shown


_SHOWN = _Shown()


def _escape(char: str) -> str:
    if char != " " and (unicodedata.category(char) in _HIDDEN or char in _BLANK):
        return char.encode("unicode_escape").decode("ascii")
    return char
