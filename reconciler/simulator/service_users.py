"""Service users: list, one, create, replace, delete (API reference, sections 5.2 and 7.4)."""

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call, timestamp
from reconciler.simulator.entries import account_of, role_fields
from reconciler.simulator.envelopes import invalid, missing
from reconciler.simulator.lists import paginate
from reconciler.simulator.records import ServiceUser
from reconciler.simulator.scopes import seen_of, sees, visible_grants
from reconciler.simulator.user_listing import service_user_listing

_UPDATE = {"description": str, "scope": str, "scopeRoles": list}
_CREATE: dict[str, type] = {**_UPDATE, "name": str, "expirationDate": str}
_MAX = 255


def list_service_users(call: Call) -> dict[str, Any]:
    """`GET /service-users`: those the caller sees, with the grants the caller sees."""
    seen = seen_of(call.world, call.caller, call.world.service_users.values())
    page = paginate(service_user_listing(call), seen, call.parameters)
    shown = ("accounts", "sites", "roles", "users", "service_users")
    return {"data": call.written(page.items, view, *shown), "pagination": page.pagination}


def get_service_user(call: Call) -> dict[str, Any]:
    """`GET /service-users/{id}`: with `account`; newer consoles only."""
    service = _seen(call)
    seen = replace(service, grants=visible_grants(call.world, call.caller, service))
    return {"data": view(call, service) | {"account": account_of(call.world, seen)}}


def create_service_user(call: Call) -> dict[str, Any]:
    """`POST /service-users`: the only answer that ever shows the token's value."""
    known = _CREATE | ({"forceLegacy": bool} if call.world.settings.newer else {})
    data = rules.body(call, known, ("name", "scope", "expirationDate"))
    name = data["name"]
    if not 1 <= len(name) <= _MAX or set(name) & set("<>="):
        raise invalid("name: Not a valid name.")
    expires = rules.future(call, "expirationDate", data["expirationDate"])
    word, now = rules.level(data), call.console.stamp()
    new_id = call.world.fresh_id()
    service = ServiceUser(
        id=new_id,
        name=name,
        scope=word,
        grants=rules.grants(call, word, data.get("scopeRoles"), None),
        description=_description(data, None),
        uuid=str(uuid5(NAMESPACE_URL, new_id)),
        created_at=now,
        updated_at=now,
        created_by=call.caller.id,
        updated_by=call.caller.id,
        token_created_at=now,
        token_expires_at=timestamp(expires),
    )
    rules.check_rights(call, "Service Users.create", service)
    call.record(None, service)
    activities.service_user_changed(call, None, service)
    shown = view(call, service)
    shown["apiToken"]["value"] = call.console.mint(service.id, expires)
    return {"data": shown}


def update_service_user(call: Call) -> dict[str, Any]:
    """`PUT /service-users/{id}`: replaces the whole list; neither name nor expiry can change."""
    service = _seen(call)
    rules.check_rights(call, "Service Users.edit", service)
    data = rules.body(call, _UPDATE, ())
    word = rules.level(data, service.scope)
    after = replace(
        service,
        scope=word,
        grants=rules.replaced_grants(call, word, data.get("scopeRoles"), service),
        description=_description(data, service.description),
        updated_at=call.console.stamp(),
        updated_by=call.caller.id,
    )
    if after.grants:
        rules.check_rights(call, "Service Users.edit", after)
    call.record(service, after)
    activities.service_user_changed(call, service, after)
    rules.end_tokens(call, service, after)
    return {"data": view(call, after)}


def delete_service_user(call: Call) -> dict[str, Any]:
    """`DELETE /service-users/{id}`: its tokens stop; 404 for somebody unknown (UNVERIFIED)."""
    is_known = call.item in call.world.service_users
    if not is_known and call.world.settings.unknown_delete == "success":
        return {"data": {"success": True}}
    service = _seen(call)
    rules.check_rights(call, "Service Users.delete", service)
    call.record(service, None)
    activities.service_user_changed(call, service, None)
    return {"data": {"success": True}}


def view(call: Call, service: ServiceUser) -> dict[str, Any]:
    """Return the service user as listed."""
    roles = role_fields(call, service)
    return {
        "id": service.id,
        "name": service.name,
        "description": service.description,
        "scope": roles["scope"],
        "scopeRoles": roles["scopeRoles"],
        "createdAt": service.created_at,
        "updatedAt": service.updated_at,
        "createdBy": _who(call, service.created_by),
        "updatedBy": _who(call, service.updated_by),
        "lastActivation": service.last_activation,
        "apiToken": {"createdAt": service.token_created_at, "expiresAt": service.token_expires_at},
    }


def _who(call: Call, principal_id: str) -> dict[str, str | None]:
    principal = call.world.principal(principal_id)
    return {"id": principal_id or None, "name": principal.name if principal else None}


def _seen(call: Call) -> ServiceUser:
    service = call.world.service_users.get(call.item)
    if service is None or not sees(call.world, call.caller, service):
        raise missing()
    return service


def _description(data: dict[str, Any], before: str | None) -> str | None:
    text: str | None = data.get("description", before)
    if text is not None and len(text) > _MAX:
        raise invalid(f"description: Longer than maximum length {_MAX}.")
    return text
