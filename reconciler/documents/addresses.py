"""What is an e-mail address for us. Pure; says what is wrong rather than yes or no."""

import unicodedata

_MAX_LENGTH = 254
_SPECIAL = frozenset('"(),:;<>[\\]`*?')


def flaw(address: str) -> str | None:
    """Return what is wrong with an address, as the end of a sentence; None when it is sound.

    The check is simple on purpose: the console decides which mailboxes exist. What matters here
    is that two addresses which look alike are not two.
    """
    for char in address:
        category = unicodedata.category(char)
        if category[0] in "CZ":
            return f"holds the invisible character U+{ord(char):04X}"
        if char in _SPECIAL:
            return f"holds the character `{char}`"
    if address.count("@") != 1:
        return "must hold exactly one @"
    local, _, domain = address.partition("@")
    if not local or not domain:
        return "lacks the part before or after the @"
    if len(address) > _MAX_LENGTH:
        return f"is longer than {_MAX_LENGTH} characters"
    for part, name in ((local, "local part"), (domain, "domain")):
        if "" in part.split("."):
            return f"has a dot too many in its {name}"
    if any(label[0] == "-" or label[-1] == "-" for label in domain.split(".")):
        return "has a domain label that begins or ends with a hyphen"
    return None
