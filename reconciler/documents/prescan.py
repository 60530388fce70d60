"""Bytes -> text that the parser may see: UTF-8, of bearable size, without traps for the reader.

What is refused here is refused because the C parser would read it otherwise than YAML 1.2 says
(directives, NEL), or because a reviewer would see something else than the parser (bidirectional
controls).
"""

import re

from reconciler.errors import Place, PolicyError, Problem

MAX_BYTES = 1 << 20
"""Largest file, in bytes (1 MiB)."""

_BOM = "\ufeff"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_FORBIDDEN = re.compile(
    "(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|\r(?!\n))"
    "|(?P<break>[\x85\u2028\u2029])"
    "|(?P<bidi>[\u202a-\u202e\u2066-\u2069])"
    "|(?P<bom>\ufeff)"
    "|(?P<directive>(?:\\A|(?<=\n))%[^\r\n]*)"
)
_TOLD = {
    "control": (
        "control-character",
        "the control character {shown} is not allowed",
        "Remove it.",
    ),
    "break": (
        "foreign-line-break",
        "the line break {shown} is not one in YAML 1.2",
        "Use an ordinary line break.",
    ),
    "bidi": (
        "bidirectional-control",
        "the character {shown} makes a file look different from what it says",
        "Remove it.",
    ),
    "bom": (
        "byte-order-mark",
        "the byte order mark {shown} may stand at the start of a file only",
        "Remove it.",
    ),
    "directive": (
        "directive",
        "the directive {shown} is not allowed",
        "Remove the line; files are YAML 1.2 without directives.",
    ),
}


def text_of(raw: bytes, file: str) -> str:
    """Return the text of a file, without a leading byte order mark.

    Raises PolicyError when the file is too large, is not UTF-8, or holds a forbidden character
    or directive.
    """
    if len(raw) > MAX_BYTES:
        raise _refusal(Place(file), "file-too-large", too_large(len(raw)), "Split it.")
    if raw.startswith(_UTF16):
        told = "the file is UTF-16, not UTF-8"
        raise _refusal(Place(file, 1, 1), "not-utf-8", told, "Save the file as UTF-8.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        told = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        place = place_at(before, len(before), file)
        raise _refusal(place, "not-utf-8", told, "Save the file as UTF-8.") from None
    text = text.removeprefix(_BOM)
    problems = tuple(_problem(found, text, file) for found in _FORBIDDEN.finditer(text))
    if problems:
        raise PolicyError(problems)
    return text


def too_large(size: int) -> str:
    """Return the message for a file of `size` bytes that is over the limit."""
    return f"the file has {size:,} bytes, more than the {MAX_BYTES:,} allowed"


def place_at(text: str, index: int, file: str) -> Place:
    """Return the place of a character by its index in the text."""
    start = text.rfind("\n", 0, index) + 1
    return Place(file, text.count("\n", 0, index) + 1, index - start + 1)


def _problem(found: re.Match[str], text: str, file: str) -> Problem:
    kind = found.lastgroup or ""
    code, message, remedy = _TOLD[kind]
    shown = f"`{found[0]}`" if kind == "directive" else f"U+{ord(found[0]):04X}"
    return Problem(place_at(text, found.start(), file), code, message.format(shown=shown), remedy)


def _refusal(place: Place, code: str, message: str, remedy: str) -> PolicyError:
    return PolicyError((Problem(place, code, message, remedy),))
