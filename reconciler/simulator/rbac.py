"""What roles permit (API reference, sections 1.3 and 6.1).

Permission identifiers are illustrative; the real ones are not documented.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from reconciler.simulator.records import Principal, Role
from reconciler.simulator.scopes import Scope, covers, scopes_of
from reconciler.simulator.world import World

CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "Users": ("view", "create", "edit", "delete", "allowGenerateApiToken"),
    "Service Users": ("view", "create", "edit", "delete"),
    "Roles": ("view", "create", "edit", "delete"),
    "Accounts": ("view", "create", "edit"),
    "Sites": ("view", "create", "edit", "delete"),
    "Groups": ("view",),
    "Settings": ("view", "edit"),
    "Activity Page": ("view",),
    "Endpoints": ("view", "edit", "isolate", "remoteShell"),
    "Threats": ("view", "mitigate", "changeVerdict"),
    "Exclusions": ("view", "edit"),
    "Policy": ("view", "edit"),
    "Reports": ("view", "create"),
}
"""Pages of permissions; a permission's identifier is `<page>.<verb>`."""

PERMISSIONS = frozenset(f"{page}.{verb}" for page, verbs in CATALOGUE.items() for verb in verbs)


def permits(role: Role, permission: str) -> bool:
    """Tell whether the role grants the permission; patterns such as `*.view` count."""
    return permission in permissions_of(role)


def permissions_of(role: Role) -> frozenset[str]:
    """Return every permission of the catalogue that the role grants."""
    return _granted(role.permissions)


def holds(world: World, principal: Principal, permission: str) -> bool:
    """Tell whether the principal has the permission anywhere."""
    return any(permits(world.roles[grant.role_id], permission) for grant in principal.grants)


def permissions_on(world: World, principal: Principal, scope: Scope) -> frozenset[str]:
    """Return what the principal may do on one scope, inherited access included."""
    return frozenset().union(
        *(
            permissions_of(world.roles[grant.role_id])
            for grant, holder in zip(principal.grants, scopes_of(principal), strict=True)
            if covers(world, holder, scope)
        )
    )


def owner(role: Role) -> Scope:
    """Return the scope that owns a role."""
    return Scope(role.scope, role.scope_id)


def pages(granted: frozenset[str]) -> list[dict[str, Any]]:
    """Return the permission pages with the granted ones set."""
    return [
        {
            "name": page,
            "identifier": page.lower().replace(" ", "_"),
            "permissions": [_permission(page, verb, granted) for verb in verbs],
        }
        for page, verbs in CATALOGUE.items()
    ]


@cache
def _granted(patterns: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        each for each in PERMISSIONS if any(fnmatchcase(each, pattern) for pattern in patterns)
    )


def _permission(page: str, verb: str, granted: frozenset[str]) -> dict[str, Any]:
    return {
        "identifier": f"{page}.{verb}",
        "title": verb[0].upper() + verb[1:],
        "description": "",
        "additionalDescription": None,
        "value": f"{page}.{verb}" in granted,
        "type": "view" if verb == "view" else "action",
        "dependsOn": [] if verb == "view" else [f"{page}.view"],
        "groupName": None,
        "disabledReason": None,
        "disabledReasonCode": None,
    }
