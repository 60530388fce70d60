"""Writing roles (API reference, section 6.2)."""

from dataclasses import replace
from typing import Any

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden, invalid
from reconciler.simulator.rbac import PERMISSIONS, owner, permissions_of, permissions_on
from reconciler.simulator.records import Principal, Role, User
from reconciler.simulator.role_listing import full_view, is_visible, named_scopes, visible_role
from reconciler.simulator.scopes import Scope, covers

_DATA: rules.Fields = {"name": str, "description": str, "permissionIds": list}
_FILTER: rules.Fields = {"tenant": bool, "accountIds": list, "siteIds": list, "groupIds": list}
_LONGEST = 255


def create_role(call: Call) -> dict[str, Any]:
    """`POST /rbac/role`: a custom role of the one scope that `filter` names."""
    data, scope = _body(call)
    if scope is None:
        raise invalid("filter: Missing data for required field.")
    permissions = _permissions(data)
    if not permissions:
        raise invalid("permissionIds: At least one permission is needed.")
    now = call.console.stamp()
    role = Role(
        id=call.world.fresh_id(),
        name=data["name"],
        description=data["description"],
        scope=scope.level,
        scope_id=scope.id,
        permissions=permissions,
        creator_id=call.caller.id,
        created_at=now,
        updated_at=now,
    )
    _check(call, "Roles.create", role)
    call.record(None, role)
    activities.role_changed(call, 107, role)
    return {"data": full_view(call, role)}


def update_role(call: Call) -> dict[str, Any]:
    """`PUT /rbac/role/{id}`: name, description and the full list of permissions."""
    role = _custom(call)
    data, scope = _body(call)
    if scope not in {None, owner(role)}:
        raise invalid("filter: Does not match the scope of the role.")
    permissions = _permissions(data)
    if "permissionIds" not in data and call.world.settings.omitted_permissions == "kept":
        permissions = role.permissions
    after = replace(
        role,
        name=data["name"],
        description=data["description"],
        permissions=permissions,
        updated_by=call.caller.id,
        updated_at=call.console.stamp(),
    )
    _check(call, "Roles.edit", after)
    call.record(role, after)
    activities.role_changed(call, 108, after)
    return {"data": full_view(call, after)}


def delete_role(call: Call) -> dict[str, Any]:
    """`DELETE /rbac/role/{id}`: its holders get the role `targetId`, without it they lose out.

    Holders the caller cannot see are changed as well.
    """
    role = _custom(call)
    data = rules.body(call, {"targetId": rules.ID}, ())
    if "Roles.delete" not in permissions_on(call.world, call.caller, owner(role)):
        raise forbidden("User does not have required permissions.")
    target_id = rules.identifier(data.get("targetId"))
    target = _target(call, role, target_id) if target_id else None
    world = call.world
    principals: list[Principal] = [*world.users.values(), *world.service_users.values()]
    holders = [one for one in principals if any(each.role_id == role.id for each in one.grants)]
    if holders and target is None and world.settings.role_in_use == "refused":
        raise invalid("targetId: Missing data for required field.")
    if target and any(not _fits(call, role, target, one) for one in holders):
        raise invalid("targetId: Not a valid Identifier.")
    for one in holders:
        _hand_over(call, one, role, target)
    call.record(role, None)
    activities.role_changed(call, 109, role)
    return {"data": {"success": True}}


def _body(call: Call) -> tuple[dict[str, Any], Scope | None]:
    """Return `data` and the scope that `filter` names; raises ApiError 400."""
    tree = call.request.json()
    rules.check_fields(tree, {"data": dict, "filter": dict}, ("data",))
    data, wanted = tree["data"], dict(tree.get("filter") or {})
    rules.check_fields(data, _DATA, ("name", "description"))
    if not data["name"]:
        raise invalid("name: Shorter than minimum length 1.")
    for name in ("name", "description"):
        if len(data[name]) > _LONGEST:
            raise invalid(f"{name}: Longer than maximum length {_LONGEST}.")
    rules.check_fields(wanted, _FILTER)
    wanted = {name: value for name, value in wanted.items() if value is not None}
    for name, value in wanted.items():
        if isinstance(value, list):
            wanted[name] = rules.identifiers(name, value)
            if not value:
                raise invalid(f"{name}: Not a valid Identifier.")
    scopes = named_scopes(call, wanted)
    if len(scopes) > 1:
        raise invalid("filter: A role belongs to one scope.")
    return data, scopes[0] if scopes else None


def _permissions(data: dict[str, Any]) -> tuple[str, ...]:
    wanted = data.get("permissionIds") or []
    for each in wanted:
        if not isinstance(each, str) or each not in PERMISSIONS:
            raise invalid(f'permissionIds: "{each}" is not a valid choice.')
    return tuple(sorted(set(wanted)))


def _check(call: Call, permission: str, role: Role) -> None:
    """Raise ApiError 403 for a right the caller lacks there, 400 for a name that is taken."""
    world, held = call.world, permissions_on(call.world, call.caller, owner(role))
    is_wider = not permissions_of(role) <= held and world.settings.wider_grants == "refused"
    if permission not in held or is_wider:
        raise forbidden("User does not have required permissions.")
    others = (
        each
        for each in world.roles.values()
        if (owner(each), each.name) == (owner(role), role.name) and each.id != role.id
    )
    if world.settings.role_names == "unique" and any(others):
        raise invalid("name: Role with this name already exists.")


def _custom(call: Call) -> Role:
    role = visible_role(call)
    if role.predefined:
        raise forbidden("Predefined roles can not be changed.")
    return role


def _target(call: Call, role: Role, target_id: str) -> Role:
    target = call.world.roles.get(target_id)
    if target is None or target.id == role.id or not is_visible(call, target):
        raise invalid("targetId: Not a valid Identifier.")
    return target


def _fits(call: Call, role: Role, target: Role, holder: Principal) -> bool:
    return all(
        covers(call.world, owner(target), Scope(holder.scope, grant.scope_id))
        for grant in holder.grants
        if grant.role_id == role.id
    )


def _hand_over(call: Call, before: Principal, role: Role, target: Role | None) -> None:
    """Put the target in the role's place in every grant, or drop those grants."""
    grants = tuple(
        replace(grant, role_id=target.id) if target and grant.role_id == role.id else grant
        for grant in before.grants
        if target or grant.role_id != role.id
    )
    if isinstance(before, User):
        user = replace(before, grants=grants)
        call.record(before, user)
        activities.user_changed(call, before, user)
        return
    service = replace(before, grants=grants, updated_at=call.console.stamp(),
                      updated_by=call.caller.id)  # fmt: skip
    call.record(before, service)
    activities.service_user_changed(call, before, service)
