"""Which known names somebody may have meant who wrote another one.

Only what tells two names apart is compared: two service users are not alike for being service
users, nor two people for having one domain. Half a name is enough: `bo` for `bo@acme.example`,
`Berlin` for `Acme/Berlin`.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher

_SHOWN = 3
_ALIKE = 0.75
"""Share of letters in common from which two names are alike, see `difflib`."""
_SHORTEST = 2
"""Letters from which one wrong letter is a slip, however short the name."""
_FAR = 0.1
"""How near somebody of the same name elsewhere is."""


def nearest(text: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates nearest to a text, best first, at most three."""
    found = [(_likeness(text.casefold(), c.casefold()), c) for c in set(candidates)]
    close = sorted((-likeness, candidate) for likeness, candidate in found if likeness)
    return [candidate for _, candidate in close[:_SHOWN]]


def _likeness(text: str, candidate: str) -> float:
    """Return how alike two names are, from 0 for not enough to 1."""
    one, two = text.removeprefix("service:"), candidate.removeprefix("service:")
    if "@" not in one and "@" in two:
        two = two.rpartition("@")[0]
    if "/" not in one and "/" in two:
        two = two.rpartition("/")[2]
    for mark, own in (("@", 0), ("/", 2)):
        left, right = one.rpartition(mark), two.rpartition(mark)
        if left[1] and right[1]:
            alike = _alike(left[own], right[own])
            # The same person at another domain, or the same site of another account, is near too.
            around = _alike(left[2 - own], right[2 - own]) or _FAR * (left[own] == right[own])
            return alike * around
    return _alike(one, two)


def _alike(one: str, two: str) -> float:
    if one == two:
        return 1 if one else 0
    is_slip = len(one) >= _SHORTEST and abs(len(one) - len(two)) <= 1
    matcher = SequenceMatcher(None, two, one)
    if not is_slip and matcher.real_quick_ratio() < _ALIKE:
        return 0
    ratio = matcher.ratio()
    in_common = sum(block.size for block in matcher.get_matching_blocks())
    is_slip = is_slip and max(len(one), len(two)) - in_common <= 1
    return ratio if ratio >= _ALIKE or is_slip else 0
