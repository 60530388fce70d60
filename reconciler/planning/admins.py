"""Admins who count: standing, able to log in, seen lately, on a scope or above it.

Only somebody who is an admin before the plan counts after it. An admin that the plan itself makes
may fail to be made, so the floor then holds after every prefix of the operations, and after every
set of them that may be in flight together, whichever of them fails (T43).

Who was not seen lately does not count as remaining, but may be somebody to lose: nobody knows that
they cannot log in. So a scope short of admins seen lately loses none who could log in at all, and
asking for a shorter time can never let a plan pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.domain.access import Grant, Scope
from reconciler.domain.plan import Refusal
from reconciler.domain.state import Principal
from reconciler.planning.countable import LOCAL, could_log_in, why_not
from reconciler.planning.judged import Held, Judged
from reconciler.planning.project import Holders, project

TOLD = 5
"""So many of those who do not count are named."""


def admin_floor(judged: Judged) -> Iterable[Refusal]:
    """Every scope with admins keeps enough of them, whatever part of the plan succeeds."""
    floor = judged.limit("min_admins", judged.guardrails.min_admins)
    for each in _watches(judged):
        if each.lost and len(each.kept) < floor:
            yield Refusal(
                "min_admins",
                f"{each.scope.name} would lose the admin {_named(each.lost)} and be left with "
                f"{_count(len(each.kept))} who can log in; at least {floor:g} must remain."
                f"{each.not_counted}",
                "Grant Admin to somebody else first, in a change of its own, or have those who "
                "do not count log in.",
            )


def single_sso(judged: Judged) -> Iterable[Refusal]:
    """Every scope keeps an admin whom no identity provider can lock out, where it has one."""
    if judged.guardrails.single_sso_allowed:
        return
    for each in _watches(judged):
        lost = [one for one in each.lost if one.source == LOCAL]
        if lost and not any(one.source == LOCAL for one in each.kept):
            yield Refusal(
                "single_sso",
                f"{each.scope.name} would lose the admin {_named(lost)} and keep none who logs in "
                "to the console itself: when the identity provider fails, nobody gets in."
                f"{each.not_counted}",
                "Keep an admin with a password of the console's own; or write "
                "`single_sso: allow` in guardrails.yaml, in a change of its own.",
            )


def short_of_admins(judged: Judged) -> Iterable[tuple[Scope, int, str]]:
    """Return the scopes that already have too few admins, their number, and who does not count."""
    floor = judged.limit("min_admins", judged.guardrails.min_admins)
    standing, everybody = _before(judged), _Admins.of(judged.actual.principals, judged.holders)
    for scope in standing.scopes():
        counted = [one for one in standing.reaching(scope) if _why_not(judged, one) is None]
        if len(counted) < floor:
            yield scope, len(counted), _not_counted(judged, everybody.reaching(scope), counted)


@dataclass(frozen=True, slots=True)
class _Watch:
    """One scope that has admins, and what the plan does to them."""

    scope: Scope
    lost: list[Principal]
    """Admins before and not after, who could log in."""
    kept: list[Principal]
    """Admins before and after, who count."""
    not_counted: str
    """Who holds Admin afterwards and does not count, as a sentence; empty when nobody."""


@dataclass(frozen=True, slots=True)
class _Admins:
    """The admin grants of some people at one time."""

    holding: list[tuple[Principal, tuple[Grant, ...]]]

    @classmethod
    def of(
        cls, people: Iterable[Principal], state: Holders, ignored: frozenset[Held] = frozenset()
    ) -> "_Admins":
        """Gather the admin grants that people hold, but for those ignored."""
        found = (
            (one, tuple(g for g in state[one.id] if g.role.is_admin and (one.id, g) not in ignored))
            for one in people
        )
        return cls([(one, grants) for one, grants in found if grants])

    def scopes(self) -> list[Scope]:
        """Return the scopes that have an admin of their own, widest first."""
        found = {grant.scope for _, grants in self.holding for grant in grants}
        return sorted(found, key=lambda scope: scope.sort_key)

    def reaching(self, scope: Scope) -> list[Principal]:
        """Return who is admin of a scope, holders above included."""
        return [one for one, grants in self.holding if any(g.scope.covers(scope) for g in grants)]


def _watches(judged: Judged) -> Iterable[_Watch]:
    """Return every scope that has admins before the plan and loses one of them."""
    people = judged.actual.principals
    projected = project(judged.holders, judged.operations)
    before, everybody = _before(judged), _Admins.of(people, projected)
    after = _Admins.of(filter(could_log_in, people), projected, judged.windowed)
    for scope in before.scopes():
        had = before.reaching(scope)
        left = {one.id for one in after.reaching(scope)}
        lost = [one for one in had if one.id not in left]
        if lost:
            kept = [one for one in had if one.id in left and _why_not(judged, one) is None]
            yield _Watch(scope, lost, kept, _not_counted(judged, everybody.reaching(scope), kept))


def _before(judged: Judged) -> _Admins:
    """Return the standing admins before the plan who could log in."""
    passing = judged.windowed - judged.no_longer_for_good
    people = filter(could_log_in, judged.actual.principals)
    return _Admins.of(people, judged.holders, passing | judged.forgiven)


def _why_not(judged: Judged, one: Principal) -> str | None:
    return why_not(one, judged.guardrails.admin_seen_within, judged.instant)


def _not_counted(judged: Judged, holding: list[Principal], counted: list[Principal]) -> str:
    """Say who holds Admin and does not count, and why, so that people can act."""
    ids = {one.id for one in counted}
    others = sorted((o for o in holding if o.id not in ids), key=lambda one: (one.name, one.id))
    told = [f"{one.name} ({_why_not(judged, one) or _passing(judged, one)})" for one in others]
    return f" Not counted: {_listed(told)}." if told else ""


def _passing(judged: Judged, one: Principal) -> str:
    for_a_time = judged.windowed | judged.forgiven
    is_passing = any(id_ == one.id and grant.role.is_admin for id_, grant in for_a_time)
    return "for a time only" if is_passing else "admin only by this plan"


def _named(people: list[Principal]) -> str:
    return _listed(sorted(str(one.name) for one in people))


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - TOLD} more" if len(texts) > TOLD else ""
    return ", ".join(texts[:TOLD]) + more


def _count(count: int) -> str:
    return f"{count} admin{'' if count == 1 else 's'}"
