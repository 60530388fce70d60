"""The console's rules for writes on users and service users (API reference, section 7).

Where the reference says UNVERIFIED, the simulator takes the answer that hurts a careless client
most, so that a client which survives here survives there. Most answers can be switched in the
world's settings; the other words of a switch stand in `records.SWITCHES`:

| question (reference)                           | what this console does             | switch |
|------------------------------------------------|------------------------------------|--------|
| form of a tenant user's entry (6.9, 10.1) | one entry with id null | tenant_entry |
| `scopeRoles` omitted or `[]` on PUT (7.2) | the user holds nothing any more | omitted_roles |
| `scopeRoles` omitted or `[]` on POST (7.1)     | creates who holds nothing          | |
| extra fields in an entry, e.g. `name` (10.3) | 400 Unknown field | entry_extras |
| order of `scopeRoles` in answers (10.13) | newest scope first, not as sent | entry_order |
| a token sees part of a user (10.20) | cut list; a PUT deletes the unseen | unseen_grants |
| exact filters, e.g. `email` (9, 10.22) | letter case counts | exact_filters |
| `siteIds`, `accountIds` of users (3.3, 10.19) | entries on that very scope only | place_filters |
| duplicate e-mail on POST, PUT (10.6) | 409 in any case, unseen ones too | taken_email |
| DELETE of somebody unknown (2.3) | 404 | unknown_delete |
| `isSystem` users (10.18) | 403 on PUT and DELETE | system_users |
| granting a permission the caller lacks (7.5) | 403 | wider_grants |
| token after a role change (10.8) | stays valid, with the new rights | role_change |
| empty filter of a bulk deletion (7.3) | matches everybody, the caller too | empty_filter |
| misspelt filter of a bulk deletion (7.3) | 400 Unknown field | misspelt_filter |
| DELETE of a role in use, no `targetId` (6.2) | its holders lose the grants | role_in_use |
| PUT of a role without `permissionIds` (6.2) | it permits nothing any more | omitted_permissions |
| two sites of an account with one name (9)      | accepted                           | site_names |
| two roles of a scope with one name (10.15)     | accepted                           | role_names |
| grants on a site that is deleted (9) | stay, dangling | deleted_site_grants |
| `userIds`, `userEmails` of activities (8) | match the target | activity_filter |
| `lastActivation` of a service user (5.2) | does not move with its calls | last_activation |
| filters and sorting by grants the token cannot see (10.20) | match what it sees | hidden_grants |
| `pages`, `account`, `usersInRoles` of such (10.20) | count what the token sees | |
| `errors` beside `data` in a success (2.1) | is not there | success_errors |
| operations and parameters marked + (10.26)     | are there                          | newer |
| `siteRoles`, `tenantRoles`, remote shell (6.8) | accepted and ignored               | |
| entry without `roleId` and `roleName` (7.2)    | falls back to predefined Viewer    | |
| two entries with one scope id (6.3)            | 400                                | |
| entry of another level than `scope` (6.6)      | 400                                | |
| entry on a deleted site (9)                    | 400; what is held stays until PUT  | |
| entry on an expired site (9)                   | accepted                           | |
| role of a foreign or narrower scope (10.16)    | 400                                | |
| target whose scopes the token does not cover   | 404, as if it were not there       | |
| granting beyond the caller's own scope (7.5)   | 403                                | |
| own entry, last admin (10.17)                  | no protection                      | |
| duplicate service-user name (10.14)            | accepted: two with one name        | |
| elevation for API-token writes (10.7)          | never demanded                     | |
| `expirationDate` in the past (10.28)           | 400; no upper bound                | |
| tenant entry with an `id` (10.1)               | only the tenancy id is accepted    | |
| `password` on POST                             | refused with onboarding, else due  | |
| `password`, codes on PUT                       | accepted and ignored               | |
| `email`, `fullName` of an external user on PUT | 400 when it would change           | |
| a second token of one's own (1.1)              | 409, older consoles replace it     | newer |
| generating a service user's token (7.4)        | the old one stops at once          | |
| role of several scopes, or moved to another    | 400                                | |
| sites of an account that expires (9)           | stay as they are                   | |
| `expiration` passes by the clock (8, 9)        | shown as expired; no 5025, 5043    | |
| ids in bodies (6, 7)                           | text or bare number, everywhere    | |
| `null` for a flag on POST, PUT (7.1, 7.2)      | the value stays, or the default    | |
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden, invalid
from reconciler.simulator.lists import instant
from reconciler.simulator.rbac import owner, permissions_of, permissions_on
from reconciler.simulator.records import Grant, Principal, Role
from reconciler.simulator.scopes import LEVELS, Scope, covers, reaches, visible_grants

Fields = Mapping[str, type | tuple[type, ...]]
"""Documented fields of a body and their JSON types."""

ID = (str, int)
"""An id in a body: text, or a bare number as in some examples of the reference."""
_ENTRY: Fields = {"id": ID, "roleId": ID, "roleName": str, "roles": list}


def body(call: Call, known: Fields, required: tuple[str, ...]) -> dict[str, Any]:
    """Return `data` of a body; raises ApiError 400 for unknown, missing or mistyped fields."""
    tree = call.request.json()
    check_fields(tree, {"data": dict}, ("data",))
    data: dict[str, Any] = tree["data"]
    check_fields(data, known, required)
    return data


def check_fields(data: Mapping[str, Any], known: Fields, required: tuple[str, ...] = ()) -> None:
    """Raise ApiError 400 for unknown, missing or mistyped fields."""
    for name in data:
        if name not in known:
            raise invalid(f"{name}: Unknown field")
    for name in required:
        if data.get(name) is None:
            raise invalid(f"{name}: Missing data for required field.")
    for name, value in data.items():
        is_flag = isinstance(value, bool) and known[name] is not bool
        if value is not None and (is_flag or not isinstance(value, known[name])):
            raise invalid(f"{name}: Invalid type.")


def flag(data: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Return true or false of a checked body; null and nothing at all mean the default."""
    value = data.get(name)
    return default if value is None else bool(value)


def identifier(value: str | int | None) -> str:
    """Return an id of a checked body as text; empty for null and nothing at all."""
    return "" if value is None else str(value)


def identifiers(name: str, values: list[Any]) -> list[str]:
    """Return a list of ids as texts; raises ApiError 400 for what is neither text nor number."""
    if any(isinstance(each, bool) or not isinstance(each, ID) for each in values):
        raise invalid(f"{name}: Not a valid Identifier.")
    return [identifier(each) for each in values]


def level(data: Mapping[str, Any], default: str = "") -> str:
    """Return the `scope` word; raises ApiError 400 for any other than the three."""
    word = data.get("scope") or default
    if word not in LEVELS:
        raise invalid(f'scope: "{word}" is not a valid choice.')
    return str(word)


def grants(
    call: Call, word: str, entries: list[Any] | None, before: Principal | None
) -> tuple[Grant, ...]:
    """Return the full new list, checked against everything this console demands.

    Raises ApiError 400 for what does not exist or does not fit, 403 for what the caller may not.
    """
    result = [_grant(call, word, entry) for entry in entries or []]
    ids = [grant.scope_id for grant in result]
    if len(set(ids)) != len(ids):
        raise invalid("scopeRoles: Duplicate scope id.")
    held = set(before.grants) if before and before.scope == word else set()
    for grant in result:
        _check_reach(call, Scope(word, grant.scope_id), grant, is_new=grant not in held)
    return tuple(result)


def replaced_grants(
    call: Call, word: str, entries: list[Any] | None, before: Principal
) -> tuple[Grant, ...]:
    """Return the full new list of a PUT; raises ApiError as `grants` does.

    What an omitted list does, and what becomes of grants the caller can not see, are switches.
    """
    settings = call.world.settings
    if not entries and settings.omitted_roles == "refused":
        raise invalid("scopeRoles: Missing data for required field.")
    if not entries and settings.omitted_roles == "kept" and word == before.scope:
        return before.grants
    result = grants(call, word, entries, before)
    if settings.unseen_grants == "deleted" or word != before.scope:
        return result
    seen = visible_grants(call.world, call.caller, before)
    return (*result, *(grant for grant in before.grants if grant not in seen))


def end_tokens(call: Call, before: Principal, after: Principal) -> None:
    """End the tokens of somebody whose grants changed, when this console does that."""
    is_same = (before.scope, set(before.grants)) == (after.scope, set(after.grants))
    if call.world.settings.role_change == "ends-tokens" and not is_same:
        call.console.revoke(after.id)


def check_rights(call: Call, permission: str, principal: Principal) -> None:
    """Raise ApiError 403 unless the caller holds the permission on a seen scope of the target.

    A target that holds nothing asks for the permission on the tenant.
    """
    scopes = [Scope(principal.scope, grant.scope_id) for grant in principal.grants]
    seen = [scope for scope in scopes if reaches(call.world, call.caller, scope)]
    for scope in seen or [Scope("tenant", "")]:
        if permission not in permissions_on(call.world, call.caller, scope):
            raise forbidden("User does not have required permissions.")


def future(call: Call, name: str, raw: str) -> datetime:
    """Read a date-time that must lie ahead; raises ApiError 400."""
    value = instant(name, raw)
    if value <= call.console.clock():
        raise invalid(f"{name}: Must be in the future.")
    return value


def _grant(call: Call, word: str, entry: Any) -> Grant:
    if not isinstance(entry, dict):
        raise invalid("scopeRoles: Invalid input type.")
    if call.world.settings.entry_extras == "ignored":
        entry = {name: value for name, value in entry.items() if name in _ENTRY}
    check_fields(entry, _ENTRY)
    scope_id = _scope_id(call, word, identifier(entry.get("id")))
    return Grant(scope_id, _role(call, Scope(word, scope_id), entry).id)


def _scope_id(call: Call, word: str, raw: str) -> str:
    world = call.world
    if word == "tenant":
        if raw not in {"", world.settings.tenancy_id}:
            raise invalid("scopeRoles: id: Not a valid Identifier.")
        return ""
    if not raw:
        raise invalid("scopeRoles: id: Missing data for required field.")
    place = world.accounts.get(raw) if word == "account" else world.sites.get(raw)
    if place is None or place.state == "deleted":
        raise invalid("scopeRoles: id: Not a valid Identifier.")
    return raw


def _role(call: Call, scope: Scope, entry: Mapping[str, Any]) -> Role:
    roles = call.world.roles
    role_id = identifier(entry.get("roleId"))
    if role_id:
        role = roles.get(role_id)
        if role is None or not covers(call.world, owner(role), scope):
            raise invalid("scopeRoles: roleId: Not a valid Identifier.")
        return role
    name = entry.get("roleName") or next(iter(entry.get("roles") or ()), "Viewer")
    named = [role for role in roles.values() if role.predefined and role.name == name]
    if not named:
        raise invalid(f'scopeRoles: roleName: "{name}" is not a valid choice.')
    return named[0]


def _check_reach(call: Call, scope: Scope, grant: Grant, *, is_new: bool) -> None:
    if not reaches(call.world, call.caller, scope):
        raise forbidden("User does not have required permissions.")
    lent = permissions_of(call.world.roles[grant.role_id])
    is_judged = is_new and call.world.settings.wider_grants == "refused"
    if is_judged and not lent <= permissions_on(call.world, call.caller, scope):
        raise forbidden("User does not have required permissions.")
