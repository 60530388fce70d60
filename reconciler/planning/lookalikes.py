"""Addresses on the console that look like one the policies name, and are not (T33).

A small table, not Unicode's full list of confusables: the letters of Cyrillic, Greek and Armenian
and the Latin letters without a dot that fonts draw like plain Latin ones, and whatever NFKC makes
plain (full width, mathematical). Not seen: look-alikes within ASCII (`rn` for `m`, `l` for `1`),
accents, other scripts, and pairs of letters.
"""

import unicodedata
from collections.abc import Iterable

from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.errors import Problem

_LATIN = {
    "a": "\u0430\u03b1\u0251",
    "b": "\u0392\u0412\u0185\u044c",
    "c": "\u0441\u03f2\u1d04",
    "d": "\u0501",
    "e": "\u0395\u0435\u04bd\u0454",
    "f": "\u0192\u0584",
    "g": "\u0261\u0581\u018d",
    "h": "\u0397\u041d\u04bb\u0570",
    "i": "\u0456\u03b9\u0131\u0269",
    "j": "\u0458\u03f3",
    "k": "\u043a\u03ba",
    "l": "\u04cf\u01c0",
    "m": "\u039c\u043c",
    "n": "\u039d\u03b7\u0578\u057c",
    "o": "\u03bf\u03c3\u043e\u0585\u1d0f",
    "p": "\u03c1\u0440",
    "q": "\u051b\u0563",
    "r": "\u0433\u1d26",
    "s": "\u0455\ua731",
    "t": "\u03c4\u0442",
    "u": "\u028b\u03c5\u057d",
    "v": "\u03bd\u0475\u1d20",
    "w": "\u0461\u051d\u1d21",
    "x": "\u03c7\u0445",
    "y": "\u028f\u03a5\u03b3\u0443\u04af",
    "z": "\u0396\u1d22",
    "-": "\u2010\u2011\u2012\u2013\u2212",
}
"""Plain letter -> what looks like it. Capitals stand here whose small form looks like another."""
_PLAIN = str.maketrans({odd: plain for plain, odds in _LATIN.items() for odd in odds})


def lookalikes(policy: Policy, actual: Actual) -> Iterable[Problem]:
    """Warn of every user of the console who looks like somebody named, and is somebody else."""
    named = set(_named(policy))
    looks = {skeleton(name.text): name for name in sorted(named)}
    for principal in actual.principals:
        name = principal.name
        if name.kind is not PrincipalKind.USER or name in named:
            continue
        odd = _odd(readable(name.text))
        looks_like = looks.get(skeleton(name.text)) if odd else None
        if looks_like is not None:
            yield Problem(
                None,
                "look-alike",
                f'"{name}" (id:{principal.id}) on the console looks like "{looks_like}", whom the '
                f"policies name, and is somebody else: it holds {odd}.",
                "Find out who made this user; the policies neither name nor change it.",
            )


def skeleton(address: str) -> str:
    """Return the form in which addresses that look alike are equal."""
    plain = readable(address).translate(_PLAIN).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFKC", plain).casefold().translate(_PLAIN)


def readable(address: str) -> str:
    """Return an address as people see it: A-labels of the domain decoded."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{'.'.join(_shown_label(label) for label in domain.split('.'))}"


def _named(policy: Policy) -> Iterable[PrincipalName]:
    names = [member.name for entry in policy.assignments for member in entry.members]
    names += [one.name for one in policy.former]
    names += [entry.name for entry in policy.users]
    return (name for name in names if name.kind is PrincipalKind.USER)


def _shown_label(label: str) -> str:
    if not label.casefold().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _odd(address: str) -> str:
    """Name the first character that is not plain; nothing when all are."""
    char = next((char for char in address if not char.isascii()), "")
    return f"U+{ord(char):04X} {unicodedata.name(char, 'without a name')}" if char else ""
