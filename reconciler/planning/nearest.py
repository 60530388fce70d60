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
_SHORTEST = 3
"""Letters from which one wrong letter is a slip, however short the name."""


def nearest(text: str, candidates: Iterable[str]) -> list[str]:
    """Return the candidates nearest to a text, best first, at most three."""
    matcher = SequenceMatcher()
    found = [(_likeness(matcher, text.casefold(), c.casefold()), c) for c in set(candidates)]
    close = sorted((-likeness, candidate) for likeness, candidate in found if likeness)
    return [candidate for _, candidate in close[:_SHOWN]]


def _likeness(matcher: "SequenceMatcher[str]", text: str, candidate: str) -> float:
    """Return how alike two names are, 0 for not enough."""
    if not text:
        return 0
    one, two = _apart(text, candidate)
    # `set_seq2` is what costs; most candidates share it.
    if matcher.b != one:
        matcher.set_seq2(one)
    matcher.set_seq1(two)
    is_slip = len(one) >= _SHORTEST and abs(len(one) - len(two)) <= 1
    if not is_slip and min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _ALIKE:
        return 0
    ratio = matcher.ratio()
    longer = max(len(one), len(two))
    in_common = sum(block.size for block in matcher.get_matching_blocks())
    return ratio if ratio >= _ALIKE or (is_slip and longer - in_common <= 1) else 0


def _apart(text: str, candidate: str) -> tuple[str, str]:
    """Return the parts of two names that are to be compared."""
    one, two = text.removeprefix("service:"), candidate.removeprefix("service:")
    if "@" not in one and "@" in two:
        return one, two.rpartition("@")[0]
    if "/" not in one and "/" in two:
        return one, two.rpartition("/")[2]
    for mark in ("@", "/"):
        left, right = one.rpartition(mark), two.rpartition(mark)
        kept, shared = (0, 2) if mark == "@" else (2, 0)
        if left[1] and right[1] and left[shared] == right[shared]:
            return left[kept], right[kept]
    return one, two
