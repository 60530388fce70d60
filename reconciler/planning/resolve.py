"""Policy x actual state -> desired state: who is meant, and what must they have now.

Reads no file, no clock, no console. Every problem is collected; nothing is guessed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.desired import Desired, DesiredPrincipal
from reconciler.domain.guardrails import Guardrails, Unlisted
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.policy import Former, Policy, UserEntry
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Place, PolicyError, Problem
from reconciler.planning.claims import Claim, Claimer
from reconciler.planning.conflicts import conflicts
from reconciler.planning.identities import departed_pins, identities
from reconciler.planning.inforce import asked, closed, ends_empty, in_force
from reconciler.planning.lookalikes import lookalikes
from reconciler.planning.names import Names
from reconciler.planning.people import People
from reconciler.planning.renames import renamed


def resolve(
    policy: Policy, guardrails: Guardrails, actual: Actual, names: Names, instant: datetime
) -> Desired:
    """Return the desired state of every managed principal, and who is unlisted.

    Raises PolicyError with every name that does not resolve, every conflict that only ids
    reveal, and every named principal that must not be managed.
    """
    people = names.people
    claimer = Claimer(names.catalog, instant)
    claims = [claim for entry in policy.assignments for claim in claimer.claims(entry)]
    problems = [*claimer.problems, *people.pins(policy.users)]
    problems += identities(policy, actual, names.pins)
    problems.extend(
        conflicts(
            claim.for_conflicts(people.canonical(claim.member.name))
            for claim in claims
            if not claim.is_past(instant)
        )
    )

    principals = []
    for named in _named(policy, people, claims, instant):
        found = people.find(named.name, named.places[0])
        if isinstance(found, Problem):
            problems.append(found)
            continue
        problems.extend(_cannot_invite(named, found, people))
        principals.append(_managed(named, found, instant))
    for former in policy.former:
        found = people.find(former.name, former.place, may_be_absent=True)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            principals.append(
                DesiredPrincipal(former.name, found, former=True, places=(former.place,))
            )
    problems.extend(_named_twice(principals))
    if problems:
        raise PolicyError(tuple(problems))
    absent = [found for former in policy.former for found in _absent(former, people)]
    warnings = (
        *policy.warnings,
        *absent,
        *renamed(policy, names, instant),
        *departed_pins(policy, actual, names.pins),
        *lookalikes(policy, actual),
    )
    return _complete(principals, actual, guardrails, warnings)


@dataclass(slots=True)
class _Named:
    """Everything the policy says about one principal, under one name."""

    name: PrincipalName
    entry: UserEntry | None
    places: list[Place] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    is_awaited: bool = False
    """True when some assignment names the principal that is not over for good."""


def _named(
    policy: Policy, people: People, claims: Iterable[Claim], instant: datetime
) -> Iterable[_Named]:
    """Gather claims by principal.

    Members whose assignments resolve to nothing are gathered too: being named in any
    assignment is what puts a principal under management.
    """
    entries = {entry.name: entry for entry in policy.users}
    gathered: dict[PrincipalName, _Named] = {}
    for assignment in policy.assignments:
        for member in assignment.members:
            name = people.canonical(member.name)
            named = gathered.setdefault(name, _Named(name, entries.get(name)))
            named.places.append(member.place)
            window = assignment.window
            named.is_awaited |= window is None or not window.is_past(instant)
    for claim in claims:
        gathered[people.canonical(claim.member.name)].claims.append(claim)
    return gathered.values()


def _managed(named: _Named, found: Principal | None, instant: datetime) -> DesiredPrincipal:
    return DesiredPrincipal(
        name=found.name if found else named.name,
        principal=found,
        in_force=in_force(named.claims, instant),
        asked=asked(named.claims, instant),
        closed=closed(named.claims, instant),
        ends_empty=ends_empty(named.claims, instant),
        full_name=named.entry.full_name if named.entry else None,
        places=tuple(sorted(set(named.places))),
    )


def _cannot_invite(named: _Named, found: Principal | None, people: People) -> Iterable[Problem]:
    """Report a newcomer without a name, already before the first window opens."""
    if found is None and named.is_awaited and not (named.entry and named.entry.full_name):
        invite = f"under `users:` write {named.name}: {{name: Full Name}}."
        close = people.suggest(named.name)
        if not people.sees_all:
            yield people.unseen(named.name, named.places[0], close)
            return
        yield Problem(
            named.places[0],
            "unknown-user",
            f'Nobody on the console has the address "{named.name}".',
            f"{close} If somebody new is meant: {invite}" if close else f"To invite: {invite}",
        )


def _absent(former: Former, people: People) -> Iterable[Problem]:
    """Point out a leaver who cannot be seen, or whom nobody is, but somebody nearly is."""
    # Asked first, since likeness is looked for among everybody on the console.
    if not people.is_absent(former.name):
        return
    close = people.suggest(former.name)
    gone = "Whoever has left the console already may be taken out of `former:`."
    if not people.sees_all:
        yield Problem(
            former.place,
            "former-unseen",
            f'"{former.name}" must hold nothing; {people.view}, sees nobody of that name: whether '
            "the access has ended is unknown.",
            f"{close} Run this with a token at the tenant. {gone}".lstrip(),
        )
    elif close:
        yield Problem(
            former.place,
            "former-absent",
            f'"{former.name}" must hold nothing, and is not on the console.',
            f"{close} {gone}",
        )


def _named_twice(principals: Iterable[DesiredPrincipal]) -> Iterable[Problem]:
    """Report one principal reached by two names, e.g. a former service user by name and by id."""
    seen: dict[str, DesiredPrincipal] = {}
    for desired in principals:
        if desired.principal is None:
            continue
        first = seen.setdefault(desired.principal.id, desired)
        if first is not desired:
            yield Problem(
                desired.places[0],
                "named-twice",
                f'"{desired.name}" is already named at {first.places[0]}, to hold something else.',
                "Keep one of the two.",
            )


def _complete(
    principals: list[DesiredPrincipal],
    actual: Actual,
    guardrails: Guardrails,
    warnings: tuple[Problem, ...],
) -> Desired:
    """Add who is unlisted, and put everything into its one order."""
    named = {p.principal.id for p in principals if p.principal}
    nobodys = (p for p in actual.principals if p.id not in named and not p.is_system)
    unlisted = tuple(sorted(nobodys, key=lambda p: (p.name, p.id)))
    if guardrails.unlisted is Unlisted.REVOKE:
        ending = [p for p in unlisted if _may_be_revoked_unnamed(p)]
        unlisted = tuple(p for p in unlisted if not _may_be_revoked_unnamed(p))
        principals = [*principals, *(DesiredPrincipal(p.name, p, listed=False) for p in ending)]
    ordered = sorted(principals, key=lambda p: (p.name, p.principal.id if p.principal else ""))
    return Desired(tuple(ordered), unlisted, warnings)


def _may_be_revoked_unnamed(principal: Principal) -> bool:
    """Tell who `unlisted: revoke` reaches: the console's own users, seen whole (T46).

    Service users, which machines make by the hundred, and users of an identity provider are
    written only when a policy names them.
    """
    is_user = principal.kind is PrincipalKind.USER
    return is_user and not principal.is_external and not principal.is_partial
