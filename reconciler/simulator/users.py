"""Console users: list, one, self, create, replace, delete (API reference, sections 5.1 and 7)."""

from dataclasses import replace
from typing import Any

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call
from reconciler.simulator.entries import account_of, role_fields, service_address
from reconciler.simulator.envelopes import ApiError, forbidden, invalid, missing
from reconciler.simulator.lists import matching, paginate
from reconciler.simulator.rbac import holds, pages, permissions_of
from reconciler.simulator.records import ServiceUser, User
from reconciler.simulator.role_listing import named_scopes
from reconciler.simulator.scopes import reaches_all, seen_of, sees, visible_grants
from reconciler.simulator.user_listing import user_listing

_CREATE: dict[str, type] = {
    "email": str, "fullName": str, "scope": str, "scopeRoles": list, "password": str,
    "twoFaEnabled": bool, "siteRoles": list, "tenantRoles": list, "allowRemoteShell": bool,
}  # fmt: skip
_UPDATE: rules.Fields = {
    **_CREATE, "id": rules.ID, "canGenerateApiToken": bool, "currentPassword": str,
    "twoFaCode": str,
}  # fmt: skip


def list_users(call: Call) -> dict[str, Any]:
    """`GET /users`: whom the caller sees, with the grants the caller sees."""
    seen = seen_of(call.world, call.caller, call.world.users.values())
    page = paginate(user_listing(call), seen, call.parameters)
    data = call.written(page.items, view, "accounts", "sites", "roles")
    return {"data": data, "pagination": page.pagination}


def get_user(call: Call) -> dict[str, Any]:
    """`GET /users/{id}`: with `account` and the effective permission `pages`."""
    user = _seen(call)
    seen = replace(user, grants=visible_grants(call.world, call.caller, user))
    granted = frozenset().union(
        *(permissions_of(call.world.roles[grant.role_id]) for grant in seen.grants)
    )
    more = {"account": account_of(call.world, seen), "pages": pages(granted)}
    return {"data": view_one(call, user) | more}


def get_self(call: Call) -> dict[str, Any]:
    """`GET /user`: the caller as a User, for service users too."""
    parameters: dict[str, Any] = dict(call.parameters)
    named_scopes(call, parameters)
    matching({}, (), parameters)
    caller = call.caller
    user = as_user(call, caller) if isinstance(caller, ServiceUser) else caller
    return {"data": view_one(call, user)}


def create_user(call: Call) -> dict[str, Any]:
    """`POST /users`: with onboarding the new user is invited and must verify the address."""
    settings = call.world.settings
    known = _CREATE | ({"forceCredentialAuth": bool} if settings.newer else {})
    data = rules.body(call, known, ("email", "fullName", "scope"))
    if not data["fullName"]:
        raise invalid("fullName: Shorter than minimum length 1.")
    if settings.onboarding and data.get("password") is not None:
        raise invalid("password: not allowed when automatic onboarding is enabled")
    if not settings.onboarding and not data.get("password"):
        raise invalid("password: Missing data for required field.")
    _check_email(call, data["email"])
    word = rules.level(data)
    user = User(
        id=call.world.fresh_id(),
        email=data["email"],
        full_name=data["fullName"],
        scope=word,
        grants=rules.grants(call, word, data.get("scopeRoles"), None),
        email_verified=not settings.onboarding,
        date_joined=call.console.stamp(),
        two_fa_enabled=rules.flag(data, "twoFaEnabled", default=True),
        two_fa_status="not_configured",
    )
    rules.check_rights(call, "Users.create", user)
    call.record(None, user, invited=settings.onboarding)
    activities.user_added(call, user)
    return {"data": view_one(call, user)}


def update_user(call: Call) -> dict[str, Any]:
    """`PUT /users/{id}`: replaces the whole list of grants."""
    user = _writable(call, "Users.edit")
    data = rules.body(call, _UPDATE, ("scope",))
    if rules.identifier(data.get("id")) not in {"", user.id}:
        raise invalid("id: Does not match the path.")
    email, name = data.get("email") or user.email, data.get("fullName") or user.full_name
    if user.is_external and (email, name) != (user.email, user.full_name):
        raise invalid("email, fullName: Read only for externally managed users.")
    if email != user.email:
        _check_email(call, email, user.id)
    word = rules.level(data)
    after = replace(
        user,
        email=email,
        full_name=name,
        scope=word,
        grants=rules.replaced_grants(call, word, data.get("scopeRoles"), user),
        two_fa_enabled=rules.flag(data, "twoFaEnabled", default=user.two_fa_enabled),
        can_generate_api_token=rules.flag(
            data, "canGenerateApiToken", default=user.can_generate_api_token
        ),
    )
    if after.grants:
        rules.check_rights(call, "Users.edit", after)
    call.record(user, after)
    activities.user_changed(call, user, after)
    rules.end_tokens(call, user, after)
    return {"data": view_one(call, after)}


def delete_user(call: Call) -> dict[str, Any]:
    """`DELETE /users/{id}`; 404 for somebody unknown (UNVERIFIED)."""
    if call.item not in call.world.users and call.world.settings.unknown_delete == "success":
        return {"data": {"success": True}}
    user = _writable(call, "Users.delete")
    call.record(user, None)
    activities.user_removed(call, user)
    return {"data": {"success": True}}


def check_viewer(_call: Call) -> dict[str, Any]:
    """`GET /users/viewer-auth-check`."""
    return {"data": {"success": True}}


def check_tenant_admin(call: Call) -> dict[str, Any]:
    """`GET /users/tenant-admin-auth-check`; 403 unless the caller stands on the tenant."""
    if not reaches_all(call.caller):
        raise forbidden()
    return {"data": {"success": True}}


def check_remote_shell(call: Call) -> dict[str, Any]:
    """`GET /users/rs-auth-check`; 403 unless the caller may open a remote shell."""
    if not holds(call.world, call.caller, "Endpoints.remoteShell"):
        raise forbidden()
    return {"data": {"success": True}}


def view(call: Call, user: User) -> dict[str, Any]:
    """Return the user as listed."""
    token = {"createdAt": user.token_created_at, "expiresAt": user.token_expires_at}
    return {
        "id": user.id,
        "email": user.email,
        "emailReadOnly": user.is_external,
        "fullName": user.full_name,
        "fullNameReadOnly": user.is_external,
        **role_fields(call, user),
        "source": user.source,
        "isSystem": user.is_system,
        "firstLogin": user.first_login,
        "lastLogin": user.last_login,
        "dateJoined": user.date_joined,
        "emailVerified": user.email_verified,
        "agreedEula": user.first_login is not None,
        "agreementUrl": None,
        "apiToken": token if user.token_created_at else None,
        "canGenerateApiToken": user.can_generate_api_token,
        "twoFaEnabled": user.two_fa_enabled,
        "twoFaEnabledReadOnly": user.is_external,
        "twoFaConfigured": user.two_fa_status == "configured",
        "twoFaStatus": user.two_fa_status,
        "primaryTwoFaMethod": user.two_fa_method,
        "groupsReadOnly": False,
        "allowRemoteShell": False,
    }


def view_one(call: Call, user: User) -> dict[str, Any]:
    """Return the user as answered alone: three fields more than in a list."""
    return view(call, user) | {
        "elevatedSessionDurationMinutes": 0,
        "tfaRecoveryEmail": "",
        "isExternalLoginUser": user.is_external,
    }


def as_user(call: Call, service: ServiceUser) -> User:
    """Return the identity a service user acts under.

    Full name and id are a guess (API reference, section 1.1).
    """
    return User(
        id=service.id,
        email=service_address(call.world, service),
        full_name=service.name,
        scope=service.scope,
        grants=service.grants,
        date_joined=service.created_at,
        two_fa_enabled=False,
        two_fa_status="not_configured",
        token_created_at=service.token_created_at,
        token_expires_at=service.token_expires_at,
    )


def _seen(call: Call) -> User:
    user = call.world.users.get(call.item)
    if user is None or not sees(call.world, call.caller, user):
        raise missing()
    return user


def _writable(call: Call, permission: str) -> User:
    user = _seen(call)
    if user.is_system and call.world.settings.system_users == "refused":
        raise forbidden("System users can not be changed.")
    rules.check_rights(call, permission, user)
    return user


def _check_email(call: Call, email: str, own_id: str = "") -> None:
    local, at, domain = email.rpartition("@")
    if not (local and at and domain) or " " in email:
        raise invalid("email: Not a valid email address.")
    allowed = {name.casefold() for name in call.world.settings.allowed_domains}
    if allowed and domain.casefold() not in allowed:
        raise invalid("email: Domain is not allowed.")
    wanted = email.casefold()
    others = (user for user in call.world.users.values() if user.id != own_id)
    if any(user.email.casefold() == wanted for user in others):
        status = int(call.world.settings.taken_email)
        raise ApiError(status, "User with this email already exists.")
