"""JSON record <-> domain value, both directions side by side. Pure.

Tolerant where the console is free to be (every field but id and scope may be missing or null,
API reference, section 5), strict where a wrong guess would take access away. Every reading
function raises NotUnderstoodError or IncompleteReadError and nothing else, whatever the record.
"""

from typing import Any

from reconciler.console.fields import (
    Record,
    checked_id,
    entries,
    flag,
    level,
    not_understood,
    optional_id,
    text,
)
from reconciler.console.grants import Directory, read_grants, write_grants
from reconciler.domain.access import Level, Role
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.plan import Holding
from reconciler.domain.state import Account, Identity, Principal, Site

_OWNERS = ("tenant", "account", "site", "group")


def read_account(record: Record) -> Account:
    """Read an entry of `GET /accounts` (section 5.5). An unknown state stays as the word it is."""
    return Account(
        id=checked_id(record.get("id"), "an account"),
        name=text(record, "name"),
        state=_state(record),
    )


def read_site(record: Record) -> Site:
    """Read an entry of `GET /sites` (section 5.4)."""
    identity = checked_id(record.get("id"), "a site")
    return Site(
        id=identity,
        name=text(record, "name"),
        account_id=optional_id(record.get("accountId"), f"the account of site {identity}"),
        account_name=text(record, "accountName"),
        state=_state(record),
    )


def read_role(record: Record) -> Role:
    """Read an entry of `GET /rbac/roles` (section 5.3); letter case of the scope word is open.

    A predefined role without an owner is the tenant's (section 6.1); any other needs one.
    """
    identity = checked_id(record.get("id"), "a role")
    predefined = flag(record, "predefinedRole") is True
    owner = text(record, "scope").casefold() or ("tenant" if predefined else "")
    if owner not in _OWNERS:
        raise not_understood(f"role {identity} is owned by none of {', '.join(_OWNERS)}")
    # The tenant's scopeId is null or an undocumented id; it tells nothing.
    owned_by = "" if owner == "tenant" else record.get("scopeId")
    return Role(
        id=identity,
        name=text(record, "name"),
        owner_level=owner,
        owner_id=optional_id(owned_by, f"the owner of role {identity}"),
        predefined=predefined,
    )


def read_identity(record: Record) -> Identity:
    """Read `GET /user`, the owner of the token (section 1.2)."""
    identity = checked_id(record.get("id"), "the token's own user")
    own = level(record, "the token's own user")
    stands_on = [] if own is Level.TENANT else entries(record, "scopeRoles", "the token's own user")
    return Identity(
        id=identity,
        email=text(record, "email"),
        full_name=text(record, "fullName"),
        level=own,
        scope_ids=tuple(
            sorted({checked_id(e.get("id"), "a scope of the token's own user") for e in stands_on})
        ),
    )


def read_principal(kind: PrincipalKind, record: Record, directory: Directory) -> Principal:
    """Read a console user (section 5.1) or a service user (section 5.2)."""
    identity = checked_id(record.get("id"), f"a {_WORDS[kind]}")
    what = f"{_WORDS[kind]} {identity}"
    own = level(record, what)
    grants, is_partial = read_grants(record, own, directory, what)
    is_user = kind is PrincipalKind.USER
    return Principal(
        id=identity,
        name=_name(kind, record, identity),
        full_name=text(record, "fullName" if is_user else "name"),
        level=own,
        grants=grants,
        source=(text(record, "source").casefold() or "mgmt") if is_user else "mgmt",
        is_system=flag(record, "isSystem") is True,
        can_log_in=is_user and _can_log_in(record),
        is_partial=is_partial,
        last_login=text(record, "lastLogin" if is_user else "lastActivation") or None,
        email_verified=flag(record, "emailVerified") if is_user else None,
        two_factor=(text(record, "twoFaStatus").casefold() or None) if is_user else None,
        token_created=_of_token(record, "createdAt"),
        token_expires=_of_token(record, "expiresAt"),
    )


def update_body(holding: Holding) -> dict[str, Any]:
    """Write the body of `PUT /users/{id}` and `PUT /service-users/{id}` (sections 7.2, 7.4).

    Scope and the whole list, nothing else: fields left out stay as they are. RefusedError as in
    `write_grants`.
    """
    return {"data": write_grants(holding)}


def invite_body(email: str, full_name: str, holding: Holding) -> dict[str, Any]:
    """Write the body of `POST /users` (section 7.1); RefusedError as in `write_grants`."""
    return {"data": {"email": email, "fullName": full_name, **write_grants(holding)}}


def service_user_body(name: str, holding: Holding, expires: str) -> dict[str, Any]:
    """Write the body of `POST /service-users` (section 7.4); RefusedError as in `write_grants`."""
    return {"data": {"name": name, "expirationDate": expires, **write_grants(holding)}}


_WORDS = {PrincipalKind.USER: "user", PrincipalKind.SERVICE: "service user"}


def _name(kind: PrincipalKind, record: Record, identity: str) -> PrincipalName:
    """Name the principal; e-mail and name are nullable, the id then stands in."""
    if kind is PrincipalKind.USER:
        return PrincipalName.user(text(record, "email") or f"id:{identity}")
    return PrincipalName.service(text(record, "name") or f"id:{identity}")


def _can_log_in(record: Record) -> bool:
    status = text(record, "twoFaStatus").casefold()
    if status == "enrollment_expired":
        return False  # whatever else is set: logging in answers 4010032 (section 2)
    ready = flag(record, "twoFaConfigured") is True or status in {"configured", "enrolled"}
    needs_second_factor = flag(record, "twoFaEnabled") is True
    return flag(record, "emailVerified") is not False and (ready or not needs_second_factor)


def _of_token(record: Record, key: str) -> str | None:
    token = record.get("apiToken")
    return (text(token, key) or None) if isinstance(token, dict) else None


def _state(record: Record) -> str:
    """Return the state word; without one it is `unknown`, which no glob matches."""
    return text(record, "state").casefold() or "unknown"
