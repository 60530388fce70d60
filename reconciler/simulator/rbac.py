"""Roles and what they permit (API reference, sections 1.3 and 6.1).

Permission identifiers are illustrative; the real ones are not documented.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import invalid, missing
from reconciler.simulator.lists import (
    Listing,
    boolean,
    contains,
    identifiers,
    instants,
    paginate,
    split,
    text,
    unsupported,
    unsupported_key,
)  # fmt: skip
from reconciler.simulator.records import Principal, Role
from reconciler.simulator.scopes import Scope, covers, reaches, reaches_all, scopes_of, sees
from reconciler.simulator.world import World

CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "Users": ("view", "create", "edit", "delete", "allowGenerateApiToken"),
    "Service Users": ("view", "create", "edit", "delete"),
    "Roles": ("view", "create", "edit", "delete"),
    "Accounts": ("view", "edit"),
    "Sites": ("view", "create", "edit", "delete"),
    "Activity Page": ("view",),
    "Endpoints": ("view", "edit", "isolate", "remoteShell"),
    "Threats": ("view", "mitigate", "changeVerdict"),
    "Exclusions": ("view", "edit"),
    "Policy": ("view", "edit"),
    "Reports": ("view", "create"),
}
"""Pages of permissions; a permission's identifier is `<page>.<verb>`."""


def permits(role: Role, permission: str) -> bool:
    """Tell whether the role grants the permission; patterns such as `*.view` count."""
    return any(fnmatchcase(permission, pattern) for pattern in role.permissions)


def permissions_of(role: Role) -> frozenset[str]:
    """Return every permission of the catalogue that the role grants."""
    every = (f"{page}.{verb}" for page, verbs in CATALOGUE.items() for verb in verbs)
    return frozenset(permission for permission in every if permits(role, permission))


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


def list_roles(call: Call) -> dict[str, Any]:
    """`GET /rbac/roles`: roles of the asked or own scopes, with parents by default."""
    parameters = dict(call.parameters)
    with_parents = boolean("includeParents", parameters.pop("includeParents", "true"))
    with_children = boolean("includeChildren", parameters.pop("includeChildren", "false"))
    bases = _bases(call, parameters)
    world = call.world

    def is_listed(role: Role) -> bool:
        held = owner(role)
        return any(
            held == base
            or (with_parents and covers(world, held, base))
            or (with_children and covers(world, base, held))
            for base in bases
        )

    page = paginate(
        _LISTING, [role for role in world.roles.values() if is_listed(role)], parameters
    )
    return {
        "data": [view(world, call.caller, role) for role in page.items],
        "pagination": page.pagination,
    }


def get_role(call: Call) -> dict[str, Any]:
    """`GET /rbac/role/{id}`: the role with its permission pages; 404 when it cannot be seen."""
    role = call.world.roles.get(call.item)
    if role is None or not _is_visible(call, role):
        raise missing()
    full = view(call.world, call.caller, role) | {"pages": pages(permissions_of(role))}
    return {"data": full}


def view(world: World, caller: Principal, role: Role) -> dict[str, Any]:
    """Return the flat role; `usersInRoles` counts the console users the caller sees."""
    creator = world.users.get(role.creator_id)
    site = world.sites.get(role.scope_id)
    account = world.accounts.get(site.account_id if site else role.scope_id)
    holders = [
        user
        for user in world.users.values()
        if any(grant.role_id == role.id for grant in user.grants) and sees(world, caller, user)
    ]
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "scope": role.scope.capitalize(),
        "scopeId": role.scope_id or None,
        "accountName": account.name if account else None,
        "siteName": site.name if site else None,
        "predefinedRole": role.predefined,
        "usersInRoles": len(holders),
        "creator": creator.email if creator else None,
        "creatorId": role.creator_id or None,
        "updatedBy": creator.email if creator else None,
        "updatedById": role.creator_id or None,
        "createdAt": role.created_at,
        "updatedAt": role.updated_at,
    }


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


def _bases(call: Call, parameters: dict[str, str]) -> list[Scope]:
    """Return the scopes whose roles are asked for: those of the query, else the caller's own."""
    asked = []
    for name, level, table in (
        ("accountIds", "account", call.world.accounts),
        ("siteIds", "site", call.world.sites),
    ):
        for scope_id in split(name, raw, 500) if (raw := parameters.pop(name, "")) else ():
            scope = Scope(level, scope_id)
            if scope_id not in table or not reaches(call.world, call.caller, scope):
                raise invalid(f"{name}: Not a valid Identifier.")
            asked.append(scope)
    if boolean("tenant", parameters.pop("tenant", "false")) and reaches_all(call.caller):
        asked.append(Scope("tenant", ""))
    return asked or scopes_of(call.caller)


def _is_visible(call: Call, role: Role) -> bool:
    held = owner(role)
    return any(
        covers(call.world, held, base) or covers(call.world, base, held)
        for base in scopes_of(call.caller)
    )


_LISTING: Listing[Role] = Listing(
    column="Role.id",
    filters={
        "ids": identifiers(lambda role: [role.id]),
        "name": text(lambda role: role.name),
        "description": text(lambda role: role.description),
        "query": contains(lambda role: [role.name, role.description]),
        "creatorId": text(lambda role: role.creator_id),
        "updatedById": text(lambda role: role.creator_id),
        **instants("createdAt", lambda role: role.created_at),
        **instants("updatedAt", lambda role: role.updated_at),
        **dict.fromkeys(
            ("groupIds", "tenancyIds", "creator", "updatedBy", "createdAt", "updatedAt",
             "accountName", "siteName", "usersInRoles"), unsupported,
        ),
    },
    sort_keys={
        "id": lambda _role: None,
        **dict.fromkeys(
            ("accountName", "creator", "siteName", "updatedBy", "usersInRoles"), unsupported_key
        ),
        "name": lambda role: role.name,
        "description": lambda role: role.description,
        "createdAt": lambda role: role.created_at,
        "updatedAt": lambda role: role.updated_at,
    },
)  # fmt: skip
