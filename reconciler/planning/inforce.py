"""What one principal's claims add up to at an instant. Time comes in as an argument.

An open window wins over standing grants on the scopes it names; at another level it replaces
the whole list. The conflict rules have already refused everything else, so that no order of
claims can matter here.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from reconciler.domain.access import Grant
from reconciler.domain.desired import DesiredGrant
from reconciler.domain.policy import Window
from reconciler.planning.claims import Claim

_BEGINNING = datetime.min.replace(tzinfo=UTC)


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
    return _united([*opened, *standing], claims)


def ends_empty(claims: Iterable[Claim], instant: datetime) -> Window | None:
    """Return the first window, open or coming, after whose end nothing would be in force."""
    claims = list(claims)
    windows = {c.assignment.window for c in claims if not c.is_past(instant)}
    ends = [(w.end, w) for w in windows if w is not None and w.end is not None]
    for end, window in sorted(ends, key=lambda pair: (pair[0], str(pair[1].start))):
        if not any(claim.is_open(end) for claim in claims):
            return window
    return None


def closed(claims: Iterable[Claim], instant: datetime) -> frozenset[tuple[Grant, Window]]:
    """Return the triples whose window has closed, each with that window."""
    return frozenset(
        (claim.grant, claim.assignment.window)
        for claim in claims
        if claim.assignment.window is not None and claim.is_past(instant)
    )


def asked(claims: Iterable[Claim], instant: datetime) -> tuple[DesiredGrant, ...]:
    """Return everything asked for from `instant` on, coming windows too.

    Each triple stands there once for every unbroken span of time: windows that overlap or meet
    are one span, because that is how long the access lasts.
    """
    lasting = [claim for claim in claims if not claim.is_past(instant)]
    found = []
    for grant, own in _by_grant(lasting):
        if any(claim.is_standing for claim in own):
            found.append(_unite(grant, own))
            continue
        for span in _spans(own):
            within = [c for c in own if c.assignment.window and c.assignment.window.overlaps(span)]
            found.append(_unite(grant, within))
    return tuple(found)


def _united(claims: list[Claim], everything: list[Claim]) -> tuple[DesiredGrant, ...]:
    """Unite claims of the same triple: one grant with several places, as long as it lasts."""
    all_of = dict(_by_grant(everything))
    return tuple(_unite(grant, own, all_of[grant]) for grant, own in _by_grant(claims))


def _by_grant(claims: Iterable[Claim]) -> list[tuple[Grant, list[Claim]]]:
    gathered: dict[Grant, list[Claim]] = {}
    for claim in claims:
        gathered.setdefault(claim.grant, []).append(claim)
    return sorted(gathered.items(), key=lambda item: item[0].sort_key)


def _unite(grant: Grant, claims: list[Claim], everything: Iterable[Claim] = ()) -> DesiredGrant:
    claims = sorted(claims, key=lambda claim: (claim.member.place, claim.assignment.place))
    windows = [claim.assignment.window for claim in claims]
    globs = [claim.glob for claim in claims]
    reasons = sorted({c.assignment.reason for c in claims if c.assignment.reason})
    span = None
    if None not in windows:
        spans = _spans([*claims, *(c for c in everything if not c.is_standing)])
        span = next(s for s in spans if windows[0] is not None and s.overlaps(windows[0]))
    return DesiredGrant(
        grant=grant,
        places=tuple(dict.fromkeys(claim.member.place for claim in claims)),
        window=span,
        reason="; ".join(reasons) or None,
        glob=globs[0] if all(globs) else None,
    )


def _spans(claims: Iterable[Claim]) -> list[Window]:
    """Join windows that overlap or meet; a missing bound reaches forever."""
    windows = {c.assignment.window for c in claims if c.assignment.window is not None}
    joined: list[Window] = []
    for window in sorted(windows, key=lambda w: w.start or _BEGINNING):
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and last.end < (window.start or _BEGINNING)):
            joined.append(window)
        elif last.end is not None and (window.end is None or window.end > last.end):
            joined[-1] = Window(last.start, window.end)
    return joined
