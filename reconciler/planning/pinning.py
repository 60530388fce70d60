"""What there is to pin: ids and permissions of everything the policies name, as it is now."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Level, Role, Scope
from reconciler.domain.guardrails import Guardrails, Park
from reconciler.domain.names import PrincipalName
from reconciler.domain.pins import PinnedPrincipal, PinnedRole, PinnedScope, PinnedView, Pins
from reconciler.domain.policy import Policy, RoleName, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Place, Problem, sort_problems
from reconciler.planning.catalog import Catalog
from reconciler.planning.people import People

_HERE = Place("pins.yaml")
"""New pins stand nowhere yet."""


@dataclass(frozen=True, slots=True)
class ToPin:
    """Everything that the policies name and one console has."""

    principals: tuple[Principal, ...]
    sites: frozenset[Scope]
    roles: frozenset[Role]
    """Every custom role too, named or not."""
    notes: tuple[Problem, ...]
    """What is named and cannot be pinned."""


def to_pin(
    policy: Policy, guardrails: Guardrails, actual: Actual, old: Pins | None, instant: datetime
) -> ToPin:
    """Gather what is to be pinned. Names count as they are now, and failing that as pinned before.

    So a thing that was renamed is pinned by its new name, also before the policies have it.
    """
    now, then = Catalog(actual), Catalog(actual, old)
    sites: set[Scope] = set()
    roles = {role for role in actual.roles if not role.predefined}
    notes: list[Problem] = []
    for scope_name, role_name in _named(policy, guardrails, instant):
        scopes = now.scopes(scope_name)
        if isinstance(scopes, Problem):
            notes.append(scopes)
            scopes = then.scopes(scope_name)
        for scope in scopes if isinstance(scopes, tuple) else ():
            role = now.role(role_name, scope)
            if isinstance(role, Problem):
                notes.append(role)
                role = then.role(role_name, scope)
            roles |= set() if isinstance(role, Problem) else {role}
            sites |= {scope} if scope.level is Level.SITE else set()
    found = _principals(policy, guardrails, actual)
    return ToPin(found, frozenset(sites), frozenset(roles), sort_problems(tuple(notes)))


def make_pins(chosen: ToPin, actual: Actual) -> tuple[Pins, tuple[str, ...]]:
    """Return the pins, each list sorted by name, and the names that were left out.

    Left out is what policies can name by id only: names that several bear, and those with
    characters that no file may hold. What `chosen.roles` permit is in `actual.permissions`.
    """
    path = Catalog(actual).role_path
    permits = {each.role_id: each.digest for each in actual.permissions}
    accounts = [account.scope for account in actual.accounts if account.state != "deleted"]
    places = [site.scope for site in actual.sites if site.state != "deleted"]
    left: list[str] = []
    bearers = Counter(one.name for one in actual.principals)
    alone = [(one.name.label, one.id) for one in chosen.principals if bearers[one.name] == 1]
    left += sorted({one.name.label for one in chosen.principals if bearers[one.name] > 1})
    people = _pinned(alone, (name for name, _ in alone), left)
    owners = _pinned(((s.name, s.id) for s in accounts), (s.name for s in accounts), left)
    sites = _pinned(((s.name, s.id) for s in chosen.sites), (s.name for s in places), left)
    roles = _pinned(((path(r), r.id) for r in chosen.roles), map(path, actual.roles), left)
    scopes = [PinnedScope(Level.ACCOUNT, name, id_, _HERE) for name, id_ in owners]
    scopes += [PinnedScope(Level.SITE, name, id_, _HERE) for name, id_ in sites]
    pins = Pins(
        origin=actual.origin,
        view=PinnedView(
            level=actual.identity.level,
            accounts=len(actual.accounts),
            sites=len(actual.sites),
            principals=len(actual.principals),
            place=_HERE,
        ),
        principals=tuple(PinnedPrincipal(PrincipalName.parse(n), i, _HERE) for n, i in people),
        scopes=tuple(scopes),
        roles=tuple(PinnedRole(n, i, permits.get(i), _HERE) for n, i in roles),
    )
    return pins, tuple(sorted(left))


def _named(
    policy: Policy, guardrails: Guardrails, instant: datetime
) -> Iterator[tuple[ScopeName, RoleName]]:
    """Yield every scope that is named, with the role on it; windows that closed name nothing."""
    for entry in policy.assignments:
        if not (entry.window and entry.window.is_past(instant)):
            for name in entry.scopes:
                yield name, entry.role
    park = guardrails.nothing_left
    if isinstance(park, Park):
        yield ScopeName(Level.SITE, park.site, park.place), RoleName(park.role, park.place)


def _principals(policy: Policy, guardrails: Guardrails, actual: Actual) -> tuple[Principal, ...]:
    """Return everybody managed or protected whom the console has, known by one name."""
    people = People(actual)
    named = [one.name for entry in policy.assignments for one in entry.members]
    named += [*(one.name for one in policy.former), *guardrails.protected]
    wanted = {people.canonical(name) for name in named}
    return tuple(one for one in actual.principals if one.name in wanted)


def _pinned(
    chosen: Iterable[tuple[str, str]], there: Iterable[str], left: list[str]
) -> list[tuple[str, str]]:
    """Return name and id of what a name alone tells, sorted; the other names go to `left`."""
    bearing = Counter(unicodedata.normalize("NFC", name) for name in there)
    found = []
    for name, id_ in sorted(set(chosen)):
        is_sound = (
            name.isprintable() and name.strip() == name and not name.startswith("service:id:")
        )
        if is_sound and bearing[unicodedata.normalize("NFC", name)] == 1:
            found.append((name, id_))
        else:
            left.append(name)
    return found
