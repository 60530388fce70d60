"""Policy tests: whether what the policies ask for is what somebody expects of them.

The policies are judged, not the console. All that counts is from the instant on: a window that
has closed is a record, one that is to come counts as if it were open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Level
from reconciler.domain.desired import DesiredGrant
from reconciler.domain.expectation import Every, Everybody, Filter, Given, Nobody, PolicyTest, Who
from reconciler.domain.names import PrincipalKind
from reconciler.domain.policy import Policy, ScopeName
from reconciler.domain.state import Actual
from reconciler.errors import Place
from reconciler.planning.inforce import asked, in_force
from reconciler.planning.named import (
    Holder,
    Truth,
    holders,
    is_like,
    is_principal,
    is_role,
    lies_in,
    reaches,
)
from reconciler.planning.void import Known, void


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as expected, and where the policies say so."""

    message: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one test; it passed when nothing failed."""

    test: PolicyTest
    failures: tuple[Failure, ...] = ()


Access = tuple[Holder, DesiredGrant]


def judge(
    tests: Sequence[PolicyTest], policy: Policy, actual: Actual | None, instant: datetime
) -> tuple[Verdict, ...]:
    """Return a verdict for every test, in order.

    `actual` tells the names of one console, which principals, sites and roles there are; without
    it, names stand as written. What cannot be told without it counts against the policies. A test
    that names what is nowhere fails: it could not fail otherwise. Raises PolicyError when names
    of the policies do not resolve in `actual`.
    """
    found = holders(policy, actual, instant)
    access = [(one, wish) for one in found for wish in asked(one.claims, instant)]
    known = Known.of(found, actual)
    return tuple(
        Verdict(
            test,
            tuple(Failure(told, (place,)) for told, place in void(test.rule, known))
            or tuple(_failures(test, found, access, known, instant)),
        )
        for test in tests
    )


def _failures(
    test: PolicyTest,
    found: Sequence[Holder],
    access: Sequence[Access],
    known: Known,
    instant: datetime,
) -> Iterator[Failure]:
    match test.rule:
        case Nobody(unwanted):
            yield from _nobody(unwanted, access)
        case Everybody(meant, only):
            yield from _everybody(meant, only, access)
        case Every() as rule:
            for scope in known.each(rule.scopes):
                yield from _counted(rule, scope, found, access, instant)
        case Given() as rule:
            yield from _given(rule, found, rule.at or instant)


def _nobody(unwanted: Filter, access: Iterable[Access]) -> Iterator[Failure]:
    for holder, wish in access:
        truth = _is_meant(unwanted, holder, wish)
        if truth:
            yield _failure(holder, wish, truth)


def _everybody(meant: Filter, only: Filter, access: Iterable[Access]) -> Iterator[Failure]:
    for holder, wish in access:
        truth = _is_meant(meant, holder, wish)
        kept = min(
            _is_one_of(only.principals, holder),
            max((is_role(role, wish.grant.role) for role in only.roles), default=Truth.YES),
            max((lies_in(wish.grant.scope, name) for name in only.scopes), default=Truth.YES),
            _lasts(only, wish),
        )
        if truth and kept is not Truth.YES:
            yield _failure(holder, wish, min(truth, Truth(Truth.YES - kept)))


def _counted(
    rule: Every,
    scope: ScopeName,
    found: Iterable[Holder],
    access: Iterable[Access],
    instant: datetime,
) -> Iterator[Failure]:
    """Count at least the people who hold the role without a break, at most who ever may."""
    label = scope.text or "the tenant"
    if rule.at_least is not None:
        people = (one for one in found if one.names[0].kind is PrincipalKind.USER)
        sure = [one for one in people if _always(rule, scope, one, instant)]
        if len(sure) < rule.at_least:
            names = ", ".join(one.names[0].label for one in sure) or "nobody"
            yield Failure(
                f"{label} has {len(sure)} people with {rule.role.text} for good, "
                f"not at least {rule.at_least}: {names}",
                tuple(sorted({place for one in sure for place in _places(one)})) or (scope.place,),
            )
    if rule.at_most is not None:
        ever = [
            (holder, wish)
            for holder, wish in access
            if is_role(rule.role, wish.grant.role) and reaches(wish.grant.scope, scope)
        ]
        count = len({holder.names[0] for holder, _ in ever})
        if count > rule.at_most:
            places = sorted({place for _, wish in ever for place in wish.places})
            names = ", ".join(sorted({holder.names[0].label for holder, _ in ever}))
            yield Failure(
                f"{label} has {count} who have or may get {rule.role.text}, "
                f"not at most {rule.at_most}: {names}",
                tuple(places),
            )


def _places(holder: Holder) -> Iterator[Place]:
    return (claim.member.place for claim in holder.claims if claim.is_standing)


def _always(rule: Every, scope: ScopeName, holder: Holder, instant: datetime) -> bool:
    """Tell whether somebody surely has the role there now and after every change to come."""
    windows = {claim.assignment.window for claim in holder.claims}
    bounds = {bound for w in windows if w is not None for bound in (w.start, w.end)}
    instants = {instant, *(bound for bound in bounds if bound is not None and bound > instant)}
    return all(
        any(
            is_role(rule.role, wish.grant.role) is Truth.YES
            and reaches(wish.grant.scope, scope) is Truth.YES
            for wish in in_force(holder.claims, at)
        )
        for at in instants
    )


def _given(rule: Given, found: Iterable[Holder], at: datetime) -> Iterator[Failure]:
    own = [one for one in found if is_like(rule.principal.text, one) is Truth.YES]
    held = [(one, wish) for one in own for wish in in_force(one.claims, at)]
    if not rule.expected:
        yield from (_failure(one, wish, Truth.YES) for one, wish in held)
        return
    for expected in rule.expected:
        if not any(
            is_role(expected.role, wish.grant.role) is Truth.YES
            and reaches(wish.grant.scope, expected.scope) is Truth.YES
            for _, wish in held
        ):
            instead = "; ".join(_told(one, wish) for one, wish in held) or "nothing at all"
            where = expected.scope.text or "the tenant"
            yield Failure(
                f"{rule.principal.text} does not have {expected.role.text} on {where} "
                f"at {at:%Y-%m-%dT%H:%M:%SZ}, but {instead}",
                tuple(place for _, wish in held for place in wish.places)
                or (rule.principal.place,),
            )


def _is_meant(access: Filter, holder: Holder, wish: DesiredGrant) -> Truth:
    return min(
        _is_one_of(access.principals, holder),
        max((is_role(role, wish.grant.role) for role in access.roles), default=Truth.YES),
        max((reaches(wish.grant.scope, name) for name in access.scopes), default=Truth.YES),
        _lasts(access, wish),
    )


def _is_one_of(principals: Iterable[Who], holder: Holder) -> Truth:
    def is_meant(who: Who) -> Truth:
        if who.members is None:
            return is_like(who.text, holder)
        return max((is_principal(name, holder) for name in who.members), default=Truth.NO)

    return max(map(is_meant, principals), default=Truth.YES)


def _lasts(access: Filter, wish: DesiredGrant) -> Truth:
    window = wish.window
    if access.standing is not None and access.standing is not (window is None):
        return Truth.NO
    if access.longer_than is None or window is None or window.start is None or window.end is None:
        return Truth.YES
    return Truth.YES if window.end - window.start > access.longer_than else Truth.NO


def _failure(holder: Holder, wish: DesiredGrant, truth: Truth) -> Failure:
    doubt = "" if truth is Truth.YES else " (for all that can be told without --snapshot FILE)"
    return Failure(_told(holder, wish) + doubt, wish.places)


def _told(holder: Holder, wish: DesiredGrant) -> str:
    role, scope = wish.grant.role, wish.grant.scope
    where = "the tenant" if scope.level is Level.TENANT else scope.name or f"id:{scope.id}"
    window = wish.window
    lasting = ""
    if window is not None:
        start = f" from {window.start:%Y-%m-%dT%H:%M:%SZ}" if window.start else ""
        end = f" until {window.end:%Y-%m-%dT%H:%M:%SZ}" if window.end else ""
        lasting = start + end
    return f"{holder.names[0]} has {role.name or f'id:{role.id}'} on {where}{lasting}"
