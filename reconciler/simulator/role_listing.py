"""Reading roles: lists, one with its pages, the template (API reference, sections 5.3 and 6.1)."""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.entries import address_of
from reconciler.simulator.envelopes import invalid, missing
from reconciler.simulator.lists import (
    Filter,
    Listing,
    boolean,
    contains,
    flag,
    identifiers,
    instants,
    matching,
    moment,
    number,
    paginate,
    split,
    text,
)
from reconciler.simulator.rbac import owner, pages, permissions_of
from reconciler.simulator.records import Role
from reconciler.simulator.scopes import (
    Scope,
    covers,
    home,
    reaches,
    reaches_all,
    scopes_of,
    visible_grants,
)

_SCOPES = (("accountIds", "account"), ("siteIds", "site"), ("groupIds", "group"))
_MOST_PLACES = 500


def list_roles(call: Call) -> dict[str, Any]:
    """`GET /rbac/roles`: roles of the asked or own scopes, with parents by default."""
    parameters, world = dict(call.parameters), call.world
    with_parents = boolean("includeParents", parameters.pop("includeParents", "true"))
    with_children = boolean("includeChildren", parameters.pop("includeChildren", "false"))
    tenancies = parameters.pop("tenancyIds", world.settings.tenancy_id)
    if set(split("tenancyIds", tenancies, _MOST_PLACES)) != {world.settings.tenancy_id}:
        raise invalid("tenancyIds: Not a valid Identifier.")
    bases = asked_scopes(call, parameters)

    def is_listed(role: Role) -> bool:
        held = owner(role)
        return any(
            held == base
            or (with_parents and covers(world, held, base))
            or (with_children and covers(world, base, held))
            for base in bases
        )

    users = _users_in_roles(call)
    listed = [role for role in world.roles.values() if is_listed(role)]
    page = paginate(_listing(call, users), listed, parameters)
    return {
        "data": [_view(call, role, users[role.id]) for role in page.items],
        "pagination": page.pagination,
    }


def get_role(call: Call) -> dict[str, Any]:
    """`GET /rbac/role/{id}`: 404 when it cannot be seen or a filter does not fit it.

    The scope parameters are checked; that the pages would differ by scope is not simulated.
    """
    role, parameters = visible_role(call), dict(call.parameters)
    asked_scopes(call, parameters)
    filters = {
        "name": text(lambda role: role.name),
        "query": contains(lambda role: [role.name, role.description]),
        **_times(),
    }
    if not matching(filters, [role], parameters):
        raise missing()
    return {"data": full_view(call, role)}


def get_template(call: Call) -> dict[str, Any]:
    """`GET /rbac/role`: every page of a role that is still to be made, nothing granted."""
    parameters = dict(call.parameters)
    asked_scopes(call, parameters)
    matching({}, (), parameters)
    return {"data": {"description": "", "pages": pages(frozenset())}}


def full_view(call: Call, role: Role) -> dict[str, Any]:
    """Return the role with its permission pages."""
    flat = _view(call, role, _users_in_roles(call)[role.id])
    return flat | {"pages": pages(permissions_of(role))}


def visible_role(call: Call) -> Role:
    """Return the role in the path; raises ApiError 404 when the caller cannot see it."""
    role = call.world.roles.get(call.item)
    if role is None or not is_visible(call, role):
        raise missing()
    return role


def is_visible(call: Call, role: Role) -> bool:
    """Tell whether a role belongs to a scope above or below one of the caller's."""
    held = owner(role)
    return any(
        covers(call.world, held, base) or covers(call.world, base, held)
        for base in scopes_of(call.caller)
    )


def asked_scopes(call: Call, parameters: dict[str, Any]) -> list[Scope]:
    """Take the scope parameters out and return what they name, else the caller's own scopes.

    Raises ApiError 400 for a scope that does not exist or is out of reach.
    """
    return named_scopes(call, parameters) or scopes_of(call.caller)


def named_scopes(call: Call, parameters: dict[str, Any]) -> list[Scope]:
    """Take the scope parameters out and return what they name; raises ApiError 400."""
    world, asked = call.world, []
    tables: dict[str, Collection[str]] = {
        "account": world.accounts, "site": world.sites, "group": world.groups,
    }  # fmt: skip
    for name, level in _SCOPES:
        raw = parameters.pop(name, None)
        for scope_id in [] if raw is None else split(name, raw, _MOST_PLACES):
            scope = Scope(level, scope_id)
            if scope_id not in tables[level] or not reaches(world, call.caller, scope):
                raise invalid(f"{name}: Not a valid Identifier.")
            asked.append(scope)
    is_tenant = boolean("tenant", str(parameters.pop("tenant", "false")).lower())
    if is_tenant and reaches_all(call.caller):
        asked.append(Scope("tenant", ""))
    return asked


def _view(call: Call, role: Role, users: int) -> dict[str, Any]:
    account, site, _group = home(call.world, owner(role))
    updated_by = role.updated_by or role.creator_id
    return {
        "id": role.id,
        "name": role.name,
        "description": role.description,
        "scope": role.scope.capitalize(),
        "scopeId": role.scope_id or None,
        "accountName": account.name if account else None,
        "siteName": site.name if site else None,
        "predefinedRole": role.predefined,
        "usersInRoles": users,
        "creator": address_of(call.world, role.creator_id),
        "creatorId": role.creator_id or None,
        "updatedBy": address_of(call.world, updated_by),
        "updatedById": updated_by or None,
        "createdAt": role.created_at,
        "updatedAt": role.updated_at,
    }


def _users_in_roles(call: Call) -> Counter[str]:
    """Count the console users by role, as far as the caller sees their grants."""
    return Counter(
        role_id
        for user in call.world.users.values()
        for role_id in {grant.role_id for grant in visible_grants(call.world, call.caller, user)}
    )


def _times() -> dict[str, Filter]:
    return {
        **instants("createdAt", lambda role: role.created_at),
        **instants("updatedAt", lambda role: role.updated_at),
    }


def _listing(call: Call, users: Counter[str]) -> Listing[Role]:
    world, caseless = call.world, call.world.settings.exact_filters == "caseless"

    def place(index: int) -> Callable[[Role], str | None]:
        def name(role: Role) -> str | None:
            found = home(world, owner(role))[index]
            return found.name if found else None

        return name

    def creator(role: Role) -> str | None:
        return address_of(world, role.creator_id)

    def updated_by(role: Role) -> str | None:
        return address_of(world, role.updated_by or role.creator_id)

    newer = {"predefinedRole": flag(lambda role: role.predefined)}
    return Listing(
        column="Role.id",
        filters={
            "ids": identifiers(lambda role: [role.id]),
            "name": text(lambda role: role.name, caseless=caseless),
            "description": text(lambda role: role.description, caseless=caseless),
            "query": contains(lambda role: [role.name, role.description]),
            "accountName": text(place(0), caseless=caseless),
            "siteName": text(place(1), caseless=caseless),
            "creator": text(creator, caseless=caseless),
            "creatorId": identifiers(lambda role: [role.creator_id], 1),
            "updatedBy": text(updated_by, caseless=caseless),
            "updatedById": identifiers(lambda role: [role.updated_by or role.creator_id], 1),
            "usersInRoles": number(lambda role: users[role.id]),
            "createdAt": moment(lambda role: role.created_at),
            "updatedAt": moment(lambda role: role.updated_at),
            **_times(),
            **(newer if world.settings.newer else {}),
        },
        sort_keys={
            "id": lambda _role: None,
            "name": lambda role: role.name,
            "description": lambda role: role.description,
            "usersInRoles": lambda role: users[role.id],
            "accountName": place(0),
            "siteName": place(1),
            "creator": creator,
            "updatedBy": updated_by,
            "createdAt": lambda role: role.created_at,
            "updatedAt": lambda role: role.updated_at,
        },
    )
