"""The differences of two snapshots as plain data: everybody paired by id, then compared."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from reconciler.domain.access import Grant
from reconciler.domain.permissions import RolePermissions, by_page
from reconciler.domain.state import Actual, Principal
from reconciler.planning.permits import gives_access
from reconciler.rendering.fields import changed_fields

FORMAT = "sentinelone-reconciler/snapshot-diff"
VERSION = 1
THINGS = ("principals", "roles", "sites", "accounts")

Tree = dict[str, Any]
Key = tuple[str, str]

_TOLD_ELSEWHERE = {
    # As grants; the older fields repeat them (API reference, section 6).
    *("scopeRoles", "siteRoles", "tenantRoles", "lowestRole", "roleName"),
    "pages",  # as permissions
}
MOVING = frozenset(
    {
        *("lastLogin", "lastActivation", "updatedAt", "updatedBy", "updatedById", "updatedByName"),
        *("usersInRoles", "activeLicenses", "activeAgents", "numberOfSites", "numberOfUsers"),
    }
)
"""Fields that change by themselves from day to day; told only on request."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two snapshots."""

    tree: Tree
    """As the file holds it."""
    actual: Actual

    def records(self, thing: str) -> dict[Key, Mapping[str, Any]]:
        """Return the raw records of principals, roles, sites or accounts by kind and id."""
        kinds = ("users", "service_users") if thing == "principals" else (thing,)
        records = self.tree["records"]
        return {(kind, each["id"]): each for kind in kinds for each in records[kind] or ()}

    def names(self, thing: str) -> dict[str, str]:
        """Return how people call the principals, roles, sites or accounts, by id."""
        match thing:
            case "principals":
                return {each.id: each.name.label for each in self.actual.principals}
            case "sites":
                return {each.id: each.scope.name for each in self.actual.sites}
            case "roles":
                return {each.id: each.name for each in self.actual.roles}
        return {each.id: each.name for each in self.actual.accounts}


def difference_tree(before: Side, after: Side, *, every_field: bool = False) -> Tree:
    """Return what changed from one snapshot to the other.

    Fields that change by themselves (`MOVING`) count only with `every_field`.
    """
    ignored = _TOLD_ELSEWHERE if every_field else _TOLD_ELSEWHERE | MOVING
    gained = _triples(after, before)
    lost = _triples(before, after)
    return {
        "format": FORMAT,
        "version": VERSION,
        "before": _origin(before),
        "after": _origin(after),
        "notes": list(_notes(before, after)),
        "grants": {"gained": gained, "lost": lost},
        **{thing: _things(thing, before, after, ignored) for thing in THINGS},
    }


def is_same(tree: Tree) -> bool:
    """Tell whether two snapshots say the same; notes do not count."""
    lists = [
        *tree["grants"].values(),
        *(found for thing in THINGS for found in tree[thing].values()),
    ]
    return not any(lists)


def _origin(side: Side) -> Tree:
    identity = side.actual.identity
    return {
        "origin": side.actual.origin,
        "taken_at": side.tree["taken_at"],
        "read_by": identity.label,
        "level": identity.level.value,
    }


def _notes(before: Side, after: Side) -> Iterable[str]:
    one, two = before.actual, after.actual
    if one.origin != two.origin:
        yield f"These are two consoles, {one.origin} and {two.origin}; ids may not correspond."
    if (one.identity.level, one.identity.scope_ids) != (two.identity.level, two.identity.scope_ids):
        yield (
            f"The tokens see different parts: the first stands at {one.identity.level} level, the"
            f" second at {two.identity.level} level. What one of them cannot see is not gone."
        )
    for word, side in (("first", one), ("second", two)):
        unknown = {role.id for role in side.roles} - {each.role_id for each in side.permissions}
        if unknown:
            yield f"The {word} snapshot does not hold what {len(unknown)} of its roles permit."


def _things(thing: str, before: Side, after: Side, ignored: set[str] | frozenset[str]) -> Tree:
    one, two = before.records(thing), after.records(thing)
    old, new = before.names(thing), after.names(thing)
    permissions = _permissions(before, after) if thing == "roles" else lambda _id: {}
    changed = []
    for key in sorted(one.keys() & two.keys(), key=_order(new)):
        told = {"fields": changed_fields(one[key], two[key], ignored), **permissions(key[1])}
        if any(told.values()):
            changed.append({**_thing(key, new), **told})
    return {
        "added": [_thing(key, new) for key in sorted(two.keys() - one.keys(), key=_order(new))],
        "removed": [_thing(key, old) for key in sorted(one.keys() - two.keys(), key=_order(old))],
        "changed": changed,
    }


def _thing(key: Key, names: Mapping[str, str]) -> Tree:
    return {"id": key[1], "name": names.get(key[1], "")}


def _order(names: Mapping[str, str]) -> Callable[[Key], tuple[str, str, int]]:
    return lambda key: (key[0], names.get(key[1], ""), int(key[1]))


def _permissions(before: Side, after: Side) -> Callable[[str], Tree]:
    """Return what tells the permissions that a role gained and lost, by page, or nothing."""
    one, two = _by_role(before), _by_role(after)

    def told(role_id: str) -> Tree:
        if role_id not in one or role_id not in two:
            return {"gained": {}, "lost": {}, "now_gives_access": False}
        old, new = set(one[role_id].granted), set(two[role_id].granted)
        opens = gives_access(two[role_id]) and not gives_access(one[role_id])
        return {
            "gained": by_page(new - old),
            "lost": by_page(old - new),
            "now_gives_access": opens,
        }

    return told


def _by_role(side: Side) -> dict[str, RolePermissions]:
    return {each.role_id: each for each in side.actual.permissions}


def _triples(here: Side, there: Side) -> list[Tree]:
    """Return the triples that one side has and the other has not, sorted."""
    held = {
        (principal.kind, principal.id, grant.key)
        for principal in there.actual.principals
        for grant in principal.grants
    }
    new = [
        (principal, grant)
        for principal in here.actual.principals
        for grant in principal.grants
        if (principal.kind, principal.id, grant.key) not in held
    ]
    return list(starmap(_triple, new))


def _triple(principal: Principal, grant: Grant) -> Tree:
    scope, role = grant.scope, grant.role
    return {
        "principal": {
            "kind": principal.kind.value,
            "name": principal.name.label,
            "id": principal.id,
        },
        "role": {"id": role.id, "name": role.name},
        "scope": {"level": scope.level.value, "id": scope.id, "name": scope.name},
    }
