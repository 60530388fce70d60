"""What the policies ask for from a later instant on, for whoever reads a plan.

No operation tells of a window that opens later, nor of an open one that is made to last longer:
both change nothing yet, and time brings them about without asking anybody again. Told is what the
files have: a pattern stays one, since which sites it finds is decided when the window opens.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.access import Grant, Level, Scope
from reconciler.domain.desired import DesiredPrincipal
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.plan import Coming, Risk
from reconciler.domain.policy import Assignment, Policy, Window
from reconciler.domain.state import Principal
from reconciler.errors import Place
from reconciler.planning.before import Before
from reconciler.planning.claims import Claimer
from reconciler.planning.names import Names
from reconciler.planning.risk import risk_of

_Who = PrincipalName | tuple[str, str]
_What = tuple[str, str, str, str]
"""Level, id and, without one, name of a scope; id of a role."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose windows are told, and what they are compared with."""

    policy: Policy
    base: Policy | None
    before: Before
    """The base, resolved."""
    targeted: Iterable[DesiredPrincipal]
    names: Names
    giving_access: Container[str]
    """Ids of the roles whose holders can change who has access."""


def coming(asking: Asking, instant: datetime) -> tuple[Coming, ...]:
    """Return every grant whose window starts after the instant, sorted by when that is.

    There is one for each principal, role and scope as written; windows alike are one, with
    several places. The policy must have been resolved before: what does not resolve is left out.
    """
    claimer = Claimer(asking.names.catalog, instant)
    shown = {_key(one.principal, one.name): one for one in asking.targeted}
    known = _Known.of(asking, claimer) if asking.base else None
    found: dict[tuple[_Who, _What, Window], _Found] = {}
    for entry in asking.policy.assignments:
        window = entry.window
        if window is None or window.start is None or window.start <= instant:
            continue
        wishes = _wishes(entry, claimer, asking.giving_access)
        for member in entry.members:
            name = asking.names.people.canonical(member.name)
            who = _who(asking.names, name, member.place)
            if who not in shown:
                continue
            for grant, risk in wishes:
                one = found.setdefault(
                    (who, _what(grant), window), _Found(shown[who], grant, window, risk)
                )
                one.places.add(member.place)
                one.reasons.update({entry.reason} if entry.reason else ())
                one.is_new = known is not None and not known.covers(name, grant, window)
    opening = [one.told() for one in found.values()]
    # Where a window is to open just when another ends, it is told once.
    told = {_order(each) for each in opening}
    longer = [each for each in _longer(asking, instant) if _order(each) not in told]
    return tuple(sorted([*opening, *longer], key=_order))


def _longer(asking: Asking, instant: datetime) -> Iterator[Coming]:
    """Yield what a window of the base, open now, would have ended, and what lasts longer.

    No operation tells of it: it is held already, and would be taken away only then.
    """
    ends = {
        triple: span.end
        for triple, span in asking.before.asked
        if span and span.end and span.contains(instant)
    }
    for one in asking.targeted if ends else ():
        for wish in one.asked:
            window = wish.window
            end = ends.get((_canonical(one, asking.names), wish.grant))
            if end is None or (window and not window.contains(instant)):
                continue
            until = window.end if window else None
            if until is None or until > end:
                yield Coming(
                    name=one.name,
                    principal_id=one.principal.id if one.principal else None,
                    grant=wish.grant,
                    window=Window(end, until),
                    risk=risk_of(wish.grant, asking.giving_access),
                    places=wish.places,
                    note=wish.reason,
                    is_new=True,
                    is_longer=True,
                )


def _canonical(one: DesiredPrincipal, names: Names) -> PrincipalName:
    """Return the name under which the claims of a principal are gathered."""
    if one.principal and one.name.kind is PrincipalKind.SERVICE:
        return names.people.canonical(PrincipalName.service(f"id:{one.principal.id}"))
    return names.people.canonical(one.name)


@dataclass(slots=True)
class _Found:
    """One grant in the making."""

    desired: DesiredPrincipal
    grant: Grant
    window: Window
    risk: Risk
    places: set[Place] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    is_new: bool = False

    def told(self) -> Coming:
        """Return it as a part of the plan."""
        return Coming(
            name=self.desired.name,
            principal_id=self.desired.principal.id if self.desired.principal else None,
            grant=self.grant,
            window=self.window,
            risk=self.risk,
            places=tuple(sorted(self.places)),
            note="; ".join(sorted(self.reasons)) or None,
            is_new=self.is_new,
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """The windows of the base, by whom and what they are for."""

    named: dict[tuple[PrincipalName, Grant], list[Window]]
    """Those of sites, accounts and the tenant, whatever found them."""
    patterns: dict[tuple[PrincipalName, _What], list[Window]]

    @classmethod
    def of(cls, asking: Asking, claimer: Claimer) -> "_Known":
        """Index a base that is resolved already, and the patterns it has."""
        named: dict[tuple[PrincipalName, Grant], list[Window]] = {}
        for triple, window in asking.before.windows:
            named.setdefault(triple, []).append(window)
        patterns: dict[tuple[PrincipalName, _What], list[Window]] = {}
        for entry in asking.base.assignments if asking.base else ():
            if entry.window is None:
                continue
            wishes = [grant for grant, _ in _wishes(entry, claimer) if _is_pattern(grant)]
            for member in entry.members if wishes else ():
                name = asking.names.people.canonical(member.name)
                for grant in wishes:
                    patterns.setdefault((name, _what(grant)), []).append(entry.window)
        return cls(named, patterns)

    def covers(self, name: PrincipalName, grant: Grant, window: Window) -> bool:
        """Tell whether one window of the base gives all of this.

        A standing grant of the base does not count: it may have been taken away since. A pattern
        is known by what it says only; what it finds today is not all that it may find.
        """
        if _is_pattern(grant):
            windows = self.patterns.get((name, _what(grant)), [])
        else:
            windows = self.named.get((name, grant), [])
        return any(_covers(wider, window) for wider in windows)


def _covers(wider: Window, window: Window) -> bool:
    starts = wider.start is None or (window.start is not None and wider.start <= window.start)
    return starts and (wider.end is None or (window.end is not None and window.end <= wider.end))


def _wishes(
    entry: Assignment, claimer: Claimer, giving_access: Container[str] = ()
) -> list[tuple[Grant, Risk]]:
    """Return what each member is to be granted, with patterns as they are written."""
    found: dict[_What, tuple[Grant, Risk]] = {}
    for grant, glob in claimer.grants(entry):
        told = Grant(Scope(Level.SITE, "", glob), grant.role) if glob else grant
        found.setdefault(_what(told), (told, risk_of(grant, giving_access)))
    return list(found.values())


def _is_pattern(grant: Grant) -> bool:
    return grant.scope.level is Level.SITE and not grant.scope.id


def _what(grant: Grant) -> _What:
    scope = grant.scope
    return scope.level.value, scope.id, "" if scope.id else scope.name, grant.role.id


def _who(names: Names, name: PrincipalName, place: Place) -> _Who:
    found = names.people.find(name, place, may_be_absent=True)
    return _key(found if isinstance(found, Principal) else None, name)


def _key(principal: Principal | None, name: PrincipalName) -> _Who:
    return (principal.kind.value, principal.id) if principal else name


def _order(one: Coming) -> tuple[str, PrincipalName, str, tuple[str | int, ...], str]:
    # Both bounds are in UTC, so that their texts sort as they do; the end may be missing.
    start, end = str(one.window.start), str(one.window.end)
    return start, one.name, one.principal_id or "", one.grant.sort_key, end
