"""What is an e-mail address for us. Pure; says what is wrong rather than yes or no."""

import re
import unicodedata

_MAX_LENGTH = 254
_SPECIAL = re.compile(r'["(),:;<>\[\\\]`*?]')
_INVISIBLE = ("C", "Z")
"""First letters of Unicode categories: control, format, private; separators."""


def flaw(address: str) -> str | None:
    """Return what is wrong with an address, as the end of a sentence; None when it is sound.

    The check is simple on purpose: the console decides which mailboxes exist. What matters here
    is that two addresses which look alike are not two.
    """
    return _flaw_of_characters(address) or _flaw_of_form(address)


def _flaw_of_characters(address: str) -> str | None:
    if not (address.isascii() and address.isprintable() and " " not in address):
        for char in address:
            if unicodedata.category(char).startswith(_INVISIBLE):
                return f"holds the invisible character U+{ord(char):04X}"
    special = _SPECIAL.search(address)
    return f"holds the character `{special[0]}`" if special else None


def _flaw_of_form(address: str) -> str | None:
    local, _, domain = address.partition("@")
    if address.count("@") != 1:
        return "must hold exactly one @"
    if not local or not domain:
        return "lacks the part before or after the @"
    if len(address) > _MAX_LENGTH:
        return f"is longer than {_MAX_LENGTH} characters"
    if "" in local.split(".") or "" in domain.split("."):
        return "has a dot too many"
    if any(label[0] == "-" or label[-1] == "-" for label in domain.split(".")):
        return "has a part of its domain that begins or ends with a hyphen"
    return None
