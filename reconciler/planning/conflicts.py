"""One level and one role per scope, judged over all time and not only now.

Works on names as written and on ids alike: the caller says by what scopes and roles are equal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claim:
    """One principal asks for one role on one scope, always or for a time."""

    principal: PrincipalName
    level: Level
    scope_key: str
    """Equal for equal scopes."""
    scope_label: str
    role_key: str
    """Equal for equal roles."""
    role_label: str
    window: Window | None
    """None for a standing claim."""
    replaces_standing: bool
    place: Place

    @property
    def start(self) -> datetime:
        """When the claim begins; the beginning of time when nothing says so."""
        return (self.window and self.window.start) or _BEGINNING

    @property
    def end(self) -> datetime:
        """When the claim ends; the end of time when nothing says so."""
        return (self.window and self.window.end) or _END


def conflicts(claims: Iterable[Claim]) -> tuple[Problem, ...]:
    """Return every place where what one principal is asked to hold cannot be held.

    Standing claims are compared with each other, and windows with each other where they overlap.
    Between the two only a window at a narrower level is wrong: otherwise the window wins while it
    is open. Each problem names both places. The cost is that of sorting.
    """
    by_principal: dict[PrincipalName, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_principal[claim.principal].append(claim)
    problems: list[Problem] = []
    for owned in by_principal.values():
        if len(owned) > 1:
            owned.sort(key=lambda claim: (claim.start, claim.place, claim.scope_key))
            problems.extend(_of_one_principal(owned))
    return tuple(dict.fromkeys(problems))


def _of_one_principal(claims: list[Claim]) -> list[Problem]:
    standing = [claim for claim in claims if claim.window is None]
    windows = [claim for claim in claims if claim.window is not None]
    problems = []
    for together in (standing, windows):
        levels = {(one.place, two.place): (one, two) for one, two in _clashes(together, _level)}
        problems += [_two_levels(*pair) for pair in levels.values()]
        by_scope: dict[str, list[Claim]] = defaultdict(list)
        for claim in together:
            by_scope[claim.scope_key].append(claim)
        for same_scope in by_scope.values():
            problems += [_two_roles(*pair) for pair in _clashes(same_scope, _role)]
    if standing:
        narrowest = max(standing, key=lambda claim: claim.level.rank)
        narrower = {
            window.place: window
            for window in windows
            if window.level.rank > narrowest.level.rank and not window.replaces_standing
        }
        problems += [_narrower(narrowest, window) for window in narrower.values()]
    return problems


def _clashes(claims: list[Claim], aspect: Callable[[Claim], str]) -> list[tuple[Claim, Claim]]:
    """Return pairs that overlap in time and differ in an aspect; claims come sorted by start.

    Looking at the latest end alone is enough: as long as nothing clashed, all earlier claims that
    are still open agree with it, since all of them are open at the start of the next.
    """
    pairs = []
    latest: Claim | None = None
    for claim in claims:
        if latest and claim.start < latest.end and aspect(claim) != aspect(latest):
            pairs.append((latest, claim))
        if latest is None or claim.end > latest.end:
            latest = claim
    return pairs


def _level(claim: Claim) -> str:
    return claim.level


def _role(claim: Claim) -> str:
    return claim.role_key


def _two_levels(one: Claim, two: Claim) -> Problem:
    when = " at the same time" if two.window else ""
    return Problem(
        two.place,
        "two-levels",
        f"`{two.principal}` is put on the {two.level} level here (`{two.scope_label}`) and on the "
        f"{one.level} level (`{one.scope_label}`) at {one.place}{when}",
        "A console user has one level at a time: keep one of the two.",
    )


def _two_roles(one: Claim, two: Claim) -> Problem:
    when = " at the same time" if two.window else ""
    return Problem(
        two.place,
        "two-roles",
        f"`{two.principal}` is given `{two.role_label}` on `{two.scope_label}` here and "
        f"`{one.role_label}` at {one.place}{when}",
        "A console user has one role per scope: keep one of the two.",
    )


def _narrower(standing: Claim, window: Claim) -> Problem:
    return Problem(
        window.place,
        "window-narrows",
        f"while this window is open, `{window.principal}` would have only `{window.scope_label}` "
        f"instead of `{standing.scope_label}`, which {standing.place} grants on the "
        f"{standing.level} level",
        "Write `replaces_standing: true` if that is meant.",
    )
