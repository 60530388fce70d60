"""API tokens: details, generation, revocation (API reference, sections 1.1, 1.2, 7.4 and 7.5)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call, timestamp
from reconciler.simulator.envelopes import ApiError, forbidden, invalid, missing
from reconciler.simulator.rbac import holds
from reconciler.simulator.records import Principal, User
from reconciler.simulator.scopes import sees

_LIFETIME = timedelta(days=30)
"""Of a console user's token."""


def token_of(call: Call) -> dict[str, Any]:
    """`GET /users/{id}/api-token-details`; 404 for somebody unknown."""
    principal = call.world.principal(call.item)
    if principal is None or not sees(call.world, call.caller, principal):
        raise missing()
    return {"data": _details(principal)}


def token_details(call: Call) -> dict[str, Any]:
    """`POST /users/api-token-details`: dates of the token in the body, and not whose it is.

    The field is `apiToken`, and an unknown token is answered 404 (UNVERIFIED).
    """
    data = rules.body(call, {"apiToken": str}, ("apiToken",))
    token = call.console.tokens.get(data["apiToken"])
    principal = call.world.principal(token.principal_id) if token else None
    if token is None or principal is None:
        raise missing()
    ends = {"expiresAt": timestamp(token.expires)} if token.expires else {}
    return {"data": _details(principal) | ends}


def generate_own_token(call: Call) -> dict[str, Any]:
    """`POST /users/generate-api-token`: for the caller himself, who must be a console user.

    Newer consoles say 409 while a token is valid, older ones replace it.
    """
    user = call.caller
    rules.check_fields(_optional_body(call), _options(call))
    may = isinstance(user, User) and user.can_generate_api_token
    if not may or not holds(call.world, user, "Users.allowGenerateApiToken"):
        raise forbidden("User does not have required permissions.")
    if call.world.settings.newer and (user.token_expires_at or "") > call.console.stamp():
        raise ApiError(409, "API token is already generated.")
    return {"data": {"token": _renew(call, user, call.console.clock() + _LIFETIME)}}


def generate_token(call: Call) -> dict[str, Any]:
    """`POST /service-users/{id}/generate-api-token`: the old token stops at once."""
    service = call.world.service_users.get(call.item)
    if service is None or not sees(call.world, call.caller, service):
        raise missing()
    rules.check_rights(call, "Service Users.edit", service)
    data = rules.body(call, {"expirationDate": str, **_options(call)}, ("expirationDate",))
    expires = rules.future(call, "expirationDate", data["expirationDate"])
    value = _renew(call, service, expires)
    return {"data": {"token": value, **_details(call.world.service_users[service.id])}}


def revoke_token(call: Call) -> dict[str, Any]:
    """`POST /users/revoke-api-token`: one's own token or, with `Users.edit`, another's."""
    known: rules.Fields = {"id": rules.ID, "twoFaCode": str, "currentPassword": str}
    data = rules.body(call, known, ("id",))
    user_id = rules.identifier(data["id"])
    if not user_id.isdecimal():
        raise invalid("id: Not a valid Identifier.")
    user = call.world.users.get(user_id)
    if user is None or not sees(call.world, call.caller, user):
        raise missing()
    if user != call.caller:
        rules.check_rights(call, "Users.edit", user)
    call.console.revoke(user.id)
    call.record(user, replace(user, token_created_at=None, token_expires_at=None))
    activities.token_changed(call, 113, user)
    return {"data": {"success": True}}


def _details(principal: Principal) -> dict[str, str | None]:
    return {"createdAt": principal.token_created_at, "expiresAt": principal.token_expires_at}


def _options(call: Call) -> rules.Fields:
    return {"forceLegacy": bool} if call.world.settings.newer else {}


def _optional_body(call: Call) -> dict[str, Any]:
    """Return `data` of a body that may be missing altogether."""
    if not call.request.body:
        return {}
    tree = call.request.json()
    rules.check_fields(tree, {"data": dict})
    return tree.get("data") or {}


def _renew(call: Call, principal: Principal, expires: datetime) -> str:
    """Replace the principal's tokens by a new one and return its value."""
    call.console.revoke(principal.id)
    now, ends = call.console.stamp(), timestamp(expires)
    call.record(principal, replace(principal, token_created_at=now, token_expires_at=ends))
    activities.token_changed(call, 112, principal)
    return call.console.mint(principal.id, expires)
