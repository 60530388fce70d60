"""What one principal's claims add up to at an instant. Time comes in as an argument.

An open window wins over standing grants on the scopes it names; at another level it replaces
the whole list. The conflict rules have already refused everything else, so that no order of
claims can matter here.
"""

from collections.abc import Iterable
from datetime import datetime

from reconciler.domain.access import Grant
from reconciler.domain.desired import DesiredGrant
from reconciler.domain.policy import Window
from reconciler.planning.claims import Claim


def in_force(claims: Iterable[Claim], instant: datetime) -> tuple[DesiredGrant, ...]:
    """Return the grants in force at `instant`, one role per scope, all at one level."""
    claims = list(claims)
    opened = [c for c in claims if not c.is_standing and c.is_open(instant)]
    standing = [c for c in claims if c.is_standing]
    if opened:
        level = opened[0].grant.scope.level
        taken = {claim.grant.scope for claim in opened}
        standing = [
            c for c in standing if c.grant.scope.level is level and c.grant.scope not in taken
        ]
    return _united([*opened, *standing])


def ends_empty(claims: Iterable[Claim], instant: datetime) -> Window | None:
    """Return the first window, open or coming, after whose end nothing would be in force."""
    claims = list(claims)
    windows = {c.assignment.window for c in claims if not c.is_past(instant)}
    ends = [(w.end, w) for w in windows if w is not None and w.end is not None]
    for end, window in sorted(ends, key=lambda pair: (pair[0], str(pair[1].start))):
        if not any(claim.is_open(end) for claim in claims):
            return window
    return None


def closed(claims: Iterable[Claim], instant: datetime) -> frozenset[Grant]:
    """Return the triples whose window has closed."""
    return frozenset(claim.grant for claim in claims if claim.is_past(instant))


def _united(claims: list[Claim]) -> tuple[DesiredGrant, ...]:
    """Unite claims of the same triple: one grant with several places."""
    by_grant: dict[Grant, list[Claim]] = {}
    for claim in claims:
        by_grant.setdefault(claim.grant, []).append(claim)
    return tuple(
        _unite(grant, by_grant[grant])
        for grant in sorted(by_grant, key=lambda grant: grant.sort_key)
    )


def _unite(grant: Grant, claims: list[Claim]) -> DesiredGrant:
    claims = sorted(claims, key=lambda claim: (claim.member.place, claim.assignment.place))
    standing = any(claim.is_standing for claim in claims)
    windows = [c.assignment.window for c in claims if c.assignment.window is not None]
    globs = [claim.glob for claim in claims]
    reasons = sorted({c.assignment.reason for c in claims if c.assignment.reason})
    return DesiredGrant(
        grant=grant,
        places=tuple(dict.fromkeys(claim.member.place for claim in claims)),
        window=None if standing else _widest(windows),
        reason="; ".join(reasons) or None,
        glob=globs[0] if all(globs) else None,
    )


def _widest(windows: list[Window]) -> Window:
    """Return the window from the first start to the last end; a missing bound is wider still."""
    starts = [window.start for window in windows if window.start is not None]
    ends = [window.end for window in windows if window.end is not None]
    return Window(
        start=min(starts) if len(starts) == len(windows) else None,
        end=max(ends) if len(ends) == len(windows) else None,
    )
