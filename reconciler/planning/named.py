"""What the policies ask for: by the names of a console, or by names as they are written.

Without a console, a pattern may find sites nobody has named and an id may be anything of its
kind. So a comparison of names has three answers, and whoever asks decides what `MAYBE` means:
what must not be treats it as yes, what must be treats it as no.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from reconciler.domain.access import Grant, Level, Role, Scope
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.policy import Assignment, Policy, RoleName, ScopeName
from reconciler.domain.state import Actual
from reconciler.errors import PolicyError
from reconciler.planning.claims import Claim, Claimer
from reconciler.planning.globs import matches, overlap, within
from reconciler.planning.names import Names

_NAMED = "name:"
"""Before the name, the identity of what is known by name only; ids are digits."""
_GLOB = "glob:"


class Truth(IntEnum):
    """How sure an answer is. `min` is and, `max` is or."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Holder:
    """One principal and everything the policies ask for."""

    names: tuple[PrincipalName, ...]
    """Every name it is known by, the readable one first."""
    claims: tuple[Claim, ...] = ()


def holders(policy: Policy, actual: Actual | None, instant: datetime) -> tuple[Holder, ...]:
    """Return everybody the policies name, sorted; with `actual`, its principals too.

    Raises PolicyError when names do not resolve on the console that `actual` is of.
    """
    labels = [*(one.name for one in policy.users), *(one.name for one in policy.former)]
    if actual is None:
        return _gathered(labels, (c for a in policy.assignments for c in _as_written(a)))
    names = Names.of(actual)
    claimer = Claimer(names.catalog, instant)
    found = [claim for entry in policy.assignments for claim in claimer.claims(entry)]
    if claimer.problems:
        raise PolicyError(tuple(claimer.problems))
    claims = [
        replace(
            claim,
            member=replace(claim.member, name=names.people.canonical(claim.member.name)),
            grant=replace(claim.grant, role=_with_owner(claim.grant.role, names)),
        )
        for claim in found
    ]
    everybody = [names.people.canonical(name) for name in labels]
    gathered = _gathered((*everybody, *(p.name for p in actual.principals)), claims)
    ids: dict[PrincipalName, list[PrincipalName]] = {}
    for one in actual.principals:
        if one.kind is PrincipalKind.SERVICE:
            ids.setdefault(one.name, []).append(PrincipalName.service(f"id:{one.id}"))
    return tuple(replace(one, names=(*one.names, *ids.get(one.names[0], ()))) for one in gathered)


def roles_of(actual: Actual) -> tuple[Role, ...]:
    """Return the roles of a console, each named with its owner."""
    names = Names.of(actual)
    return tuple(_with_owner(role, names) for role in actual.roles)


def is_principal(name: PrincipalName, holder: Holder) -> Truth:
    """Tell whether a name is that of a holder."""
    if name in holder.names:
        return Truth.YES
    if name.kind is not PrincipalKind.SERVICE or holder.names[0].kind is not name.kind:
        return Truth.NO
    # The other's id, or its name, is not known here.
    forms = {_is_id(known) for known in holder.names}
    return Truth.NO if _is_id(name) in forms else Truth.MAYBE


def is_like(pattern: str, holder: Holder) -> Truth:
    """Tell whether a pattern such as `*@acme.example` or `service:siem-*` matches a holder."""
    name = PrincipalName.parse(pattern)
    if not set("*?") & set(name.key):
        return is_principal(name, holder)
    known = [one for one in holder.names if one.kind is name.kind and not _is_id(one)]
    if any(matches(name.key, one.key) for one in known):
        return Truth.YES
    is_unknown = holder.names[0].kind is name.kind and not known
    return Truth.MAYBE if is_unknown else Truth.NO


def is_role(name: RoleName, role: Role) -> Truth:
    """Tell whether a role as written, with or without its owner, is this role."""
    if name.text.startswith("id:"):
        wanted = name.text.removeprefix("id:")
        return _same(wanted, role.id) if role.id.isdecimal() else Truth.MAYBE
    if not role.name:
        return Truth.MAYBE
    *owner, text = name.text.split("/")
    *own_owner, own = role.name.split("/")
    if text != own or (owner and own_owner and owner != own_owner):
        return Truth.NO
    # A name without its owner means one role where it is assigned, and a role of the tenant can be
    # assigned everywhere: so it is that one, or the name would be ambiguous.
    is_told = not owner or bool(own_owner) or owner == ["tenant"]
    return Truth.YES if is_told else Truth.MAYBE


def reaches(scope: Scope, name: ScopeName) -> Truth:
    """Tell whether access on a scope counts on another one as written: there, or from above."""
    if scope.level is Level.TENANT:
        return Truth.YES
    if scope.level.rank > name.level.rank:
        return Truth.NO
    if scope.level is name.level:
        return _is_scope(scope, name)
    return _is_account(scope, name)


def lies_in(scope: Scope, name: ScopeName) -> Truth:
    """Tell whether a scope is another one as written, or lies below it, whole."""
    if name.level is Level.TENANT:
        return Truth.YES
    if scope.level.rank < name.level.rank:
        return Truth.NO
    if scope.level is name.level:
        found = _is_scope(scope, name)
        is_contained = not _is_glob(scope) or within(scope.name, name.text)
        return found if is_contained else min(found, Truth.MAYBE)
    if name.id is not None and scope.account_id.isdecimal():
        return _same(name.id, scope.account_id)
    if name.id is not None or not scope.name:
        return Truth.MAYBE
    return _same(name.text, scope.name.partition("/")[0])


def _is_scope(scope: Scope, name: ScopeName) -> Truth:
    """Compare two sites or two accounts, either of which may be a pattern or an id."""
    if name.id is not None:
        return _same(name.id, scope.id) if scope.id.isdecimal() else Truth.MAYBE
    if not scope.name:
        return Truth.MAYBE
    if _is_glob(scope):
        if matches(scope.name, name.text) or within(scope.name, name.text):
            return Truth.YES
        return Truth.MAYBE if name.is_glob and overlap(scope.name, name.text) else Truth.NO
    if name.is_glob:
        return Truth.YES if matches(name.text, scope.name) else Truth.NO
    return _same(name.text, scope.name)


def _is_account(scope: Scope, site: ScopeName) -> Truth:
    """Tell whether an account is that of a site as written."""
    if site.id is not None or not scope.name:
        return Truth.MAYBE
    return _same(site.text.partition("/")[0], scope.name)


def _as_written(assignment: Assignment) -> Iterable[Claim]:
    text = assignment.role.text
    role = (
        Role(text.removeprefix("id:"), "") if text.startswith("id:") else Role(_NAMED + text, text)
    )
    for name in assignment.scopes:
        scope = _scope(name)
        glob = name.text if name.is_glob else None
        for member in assignment.members:
            yield Claim(member, assignment, Grant(scope, role), glob)


def _scope(name: ScopeName) -> Scope:
    if name.level is Level.TENANT:
        return Scope(Level.TENANT, "", "tenant")
    if name.id is not None:
        return Scope(name.level, name.id, "")
    return Scope(name.level, (_GLOB if name.is_glob else _NAMED) + name.text, name.text)


def _gathered(names: Iterable[PrincipalName], claims: Iterable[Claim]) -> tuple[Holder, ...]:
    found: dict[PrincipalName, list[Claim]] = {name: [] for name in names}
    for claim in claims:
        found.setdefault(claim.member.name, []).append(claim)
    return tuple(Holder((name,), tuple(own)) for name, own in sorted(found.items()))


def _with_owner(role: Role, names: Names) -> Role:
    return replace(role, name=names.catalog.role_path(role))


def _is_glob(scope: Scope) -> bool:
    return scope.id.startswith(_GLOB)


def _is_id(name: PrincipalName) -> bool:
    return name.key.startswith("id:")


def _same(one: str, two: str) -> Truth:
    return Truth.YES if one == two else Truth.NO
