"""What the reader is told of renamed accounts, sites and roles. Nothing is decided here.

Names that the pins still understand are pointed out. A change that only a site's new name explains
says so: otherwise it looks like a site that appeared, or like access that nobody wants any more.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from reconciler.domain.access import Level, Scope
from reconciler.domain.desired import DesiredPrincipal
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Action, Change, Operation, Reason
from reconciler.domain.policy import Policy, RoleName, ScopeName
from reconciler.errors import Problem
from reconciler.planning.catalog import Catalog
from reconciler.planning.names import Names

_UNEXPLAINED = {Reason.POLICY, Reason.SITE_APPEARED}

Moved = frozenset[tuple[PrincipalName, Action, Scope]]


def renamed(policy: Policy, names: Names, instant: datetime) -> Iterable[Problem]:
    """Warn of every name in the policies that only the pins understand (T35)."""
    if names.pins is None:
        return
    known: dict[tuple[Level, str], tuple[Scope, ...] | Problem] = {}
    for entry in policy.assignments:
        if entry.window and entry.window.is_past(instant):
            continue
        for name in entry.scopes:
            key = (name.level, name.text)
            found = known.get(key) or names.catalog.scopes(name)
            known[key] = found
            if isinstance(found, tuple):
                yield from _renamed_scope(name, found[0], names.catalog)
                yield from _renamed_role(entry.role, found[0], names.catalog)


def with_renamed_sites(
    operations: Iterable[Operation],
    policy: Policy,
    desired: Iterable[DesiredPrincipal],
    names: Names,
) -> tuple[Operation, ...]:
    """Return the operations, with the reason of every change that only a renamed site explains."""
    if names.pins is None:
        return tuple(operations)
    was = {pin.id: pin.name for pin in names.pins.scopes if pin.level is Level.SITE}
    moved = _found_now(desired, was) | _found_then(policy, names, was)
    return tuple(_explained(operation, moved) for operation in operations)


def _renamed_scope(name: ScopeName, scope: Scope, catalog: Catalog) -> Iterable[Problem]:
    if name.is_glob:
        owner = ScopeName(Level.ACCOUNT, name.text.partition("/")[0], name.place)
        account = catalog.scopes(owner)
        if isinstance(account, tuple):
            yield from _renamed_scope(owner, account[0], catalog)
    elif name.level is not Level.TENANT and name.id is None and name.text != scope.name:
        yield _renamed(name.level, name.text, scope.name, name)


def _renamed_role(name: RoleName, scope: Scope, catalog: Catalog) -> Iterable[Problem]:
    role = catalog.role(name, scope)
    if isinstance(role, Problem) or name.text.startswith("id:"):
        return
    path = catalog.role_path(role)
    if name.text not in {role.name, path}:
        yield _renamed("role", name.text, path, name)


def _renamed(kind: str, then: str, now: str, name: ScopeName | RoleName) -> Problem:
    return Problem(
        name.place,
        "renamed",
        f'The {kind} "{then}" is called "{now}" now; by its pinned id it is still meant.',
        "Write the new name here; then pin again with `reconciler pin`.",
    )


def _found_now(desired: Iterable[DesiredPrincipal], was: dict[str, str]) -> Moved:
    """Return what a pattern finds by the name of now, and did not by the pinned name."""
    return frozenset(
        (one.name, Action.GRANT, wish.grant.scope)
        for one in desired
        for wish in one.in_force
        if wish.glob
        and wish.grant.scope.id in was
        and not _matches(was[wish.grant.scope.id], wish.glob)
    )


def _found_then(policy: Policy, names: Names, was: dict[str, str]) -> Moved:
    """Return what a pattern found by the pinned name, and does not by the name of now."""
    globs = {n.text: n for entry in policy.assignments for n in entry.scopes if n.is_glob}
    lost = {text: tuple(_lost(glob, names, was)) for text, glob in globs.items()}
    return frozenset(
        (names.people.canonical(member.name), Action.REVOKE, scope)
        for entry in policy.assignments
        for glob in entry.scopes
        for scope in lost.get(glob.text, ())
        for member in entry.members
    )


def _lost(glob: ScopeName, names: Names, was: dict[str, str]) -> Iterable[Scope]:
    found = names.catalog.scopes(glob)
    now = {scope.id for scope in found} if isinstance(found, tuple) else set()
    for id_, name in was.items():
        if id_ not in now and _matches(name, glob.text):
            site = names.catalog.scopes(ScopeName(Level.SITE, f"id:{id_}", glob.place))
            # One that expired keeps its name and is no longer found either.
            if isinstance(site, tuple) and site[0].name != name:
                yield site[0]


def _matches(name: str, glob: str) -> bool:
    """Tell whether a site's name fits a pattern, in the site part only."""
    account, _, site = name.partition("/")
    owner, _, pattern = glob.partition("/")
    return account == owner and fnmatchcase(site, pattern.replace("[", "[[]"))


def _explained(operation: Operation, moved: Moved) -> Operation:
    # Where service users share a name, the policies name them by id.
    spelled = {operation.name, PrincipalName.service(f"id:{operation.principal_id}")}

    def explained(change: Change) -> Change:
        is_moved = any((name, change.action, change.grant.scope) in moved for name in spelled)
        if is_moved and change.reason in _UNEXPLAINED:
            return replace(change, reason=Reason.SITE_RENAMED)
        return change

    return replace(operation, changes=tuple(map(explained, operation.changes)))
