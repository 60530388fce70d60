"""Activities: what the console writes about changes (API reference, section 8).

As in recorded answers, the top-level `userId` is the *target* for changes of users and service
users, and the actor for all others; else the actor is only named, by `data.byUser`, which is a
full name and not unique. One role change of a user gives 37 and 24; service users give one record
per entry gained (140), changed (141) or lost (142).
"""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.simulator.calls import Call
from reconciler.simulator.records import Grant, Principal, Role, ServiceUser, User
from reconciler.simulator.scopes import Scope, home
from reconciler.simulator.world import World

TARGET_EMAIL = "_targetEmail"
"""Where a record keeps the address of the user it is about, who may be gone when somebody asks;
never answered."""
TYPES: Mapping[int, tuple[str, str]] = {
    23: ("User Added", "The management user {by} added user {name}."),
    24: ("User Modified", "The management user {by} modified the user {name}."),
    25: ("User Deleted", "The management user {by} deleted the user {name}."),
    27: ("User Logged In", "The management user {name} logged in."),
    37: ("User Modified", "The management user {by} gave user {name} role {role} in {scope}."),
    42: ("2FA Enabled", "{by} enabled two-factor authentication."),
    67: ("2FA Changed", "{by} changed two-factor authentication of {name}."),
    102: ("User Deleted", "The system deleted the user {name}."),
    107: ("Role Created", "{by} created the role {name} in {scope}."),
    108: ("Role Edited", "{by} edited the role {name} in {scope}."),
    109: ("Role Deleted", "{by} deleted the role {name} in {scope}."),
    110: ("Token Generation Enabled", "{by} enabled API token generation for {name}."),
    111: ("Token Generation Disabled", "{by} disabled API token generation for {name}."),
    112: ("API Token Generated", "{by} generated an API token for {name}."),
    113: ("API Token Revoked", "{by} revoked the API token of {name}."),
    114: ("API Token Revoked", "The API token of {name} was revoked."),
    129: ("Allowed Domains Changed", "{by} changed the allowed domains."),
    133: ("Login Failed", "The management user {name} failed to log in."),
    134: ("Login Failed", "An unknown user failed to log in."),
    140: ("Service User Added", "{by} added service user {name} with role {role} in {scope}."),
    141: ("Service User Modified", "{by} modified service user {name} in {scope}."),
    142: ("Service User Removed", "{by} removed service user {name} from {scope}."),
    145: ("2FA Enrolled", "{name} enrolled in two-factor authentication."),
    146: ("2FA Reset", "{by} reset two-factor authentication of {name}."),
    147: ("2FA Expired", "The two-factor enrolment of {name} expired."),
    1023: ("SSO User Added", "The SSO user {name} was added at the first login."),
    3710: ("Password Reset", "{by} reset the password of {name}."),
    3711: ("Password Changed", "{name} changed the password."),
    3715: ("Password Expired", "The password of {name} expired."),
    5020: ("Site Created", "The management user {by} created the site {name}."),
    5021: ("Site Modified", "The management user {by} modified the site {name}."),
    5022: ("Site Deleted", "The management user {by} deleted the site {name}."),
    5025: ("Site Marked Expired", "The management user {by} expired the site {name}."),
    5026: ("Site Duplicated", "The management user {by} duplicated the site {name}."),
    5040: ("Account Created", "The management user {by} created the account {name}."),
    5041: ("Account Modified", "The management user {by} modified the account {name}."),
    5042: ("Account Deleted", "The management user {by} deleted the account {name}."),
    5043: ("Account Expired", "The account {name} expired."),
    5044: ("Account Policy Reverted", "{by} reverted the policy of the account {name}."),
    5045: ("Account Marked Expired", "The management user {by} expired the account {name}."),
}
"""Numbers as documented; the texts are this simulator's own, and some numbers it never writes."""


def user_added(call: Call, user: User) -> None:
    """Write 23, and 37 for each grant."""
    _write(call, 23, user, _first(user))
    for grant in user.grants:
        _write(call, 37, user, grant)


def user_changed(call: Call, before: User, after: User) -> None:
    """Write 37 for each grant gained, 110 or 111 for the right to make tokens, and 24."""
    for grant in after.grants:
        if grant not in before.grants:
            _write(call, 37, after, grant)
    if before.can_generate_api_token != after.can_generate_api_token:
        _write(call, 110 if after.can_generate_api_token else 111, after, _first(after))
    words = {
        "User scope roles": (before.scope, before.grants) != (after.scope, after.grants),
        "Full name": before.full_name != after.full_name,
        "Email": before.email != after.email,
        "Two FA enabled": before.two_fa_enabled != after.two_fa_enabled,
    }
    if any(words.values()):
        changed = ", ".join(word for word, is_changed in words.items() if is_changed)
        _write(call, 24, after, _first(after), modifiedFields=changed)


def user_removed(call: Call, user: User) -> None:
    """Write 25."""
    _write(call, 25, user, _first(user))


def service_user_changed(call: Call, before: ServiceUser | None, after: ServiceUser | None) -> None:
    """Write one record per entry gained, changed or lost; None stands for not being there.

    Another description is told with every entry kept. Who holds nothing before and after gets one
    record of the tenant.
    """
    held, wanted = _entries(before), _entries(after)
    described = _description_change(before, after)
    target = after or before
    if target and not held and not wanted and (described or not (before and after)):
        number = 141 if before and after else 140 if after else 142
        _write(call, number, target, None, **described)
    for scope_id, (service, grant) in held.items():
        if scope_id not in wanted:
            _write(call, 142, service, grant)
    for scope_id, (service, grant) in wanted.items():
        if scope_id not in held:
            _write(call, 140, service, grant)
        elif (old := held[scope_id][1]) != grant or described:
            old_role = call.world.roles[old.role_id].name
            _write(call, 141, service, grant, oldRole=old_role, **described)


def token_changed(call: Call, number: int, principal: Principal) -> None:
    """Write 112 (token generated) or 113 (revoked)."""
    _write(call, number, principal, _first(principal))


def role_changed(call: Call, number: int, role: Role) -> None:
    """Write 107 (role created), 108 (edited) or 109 (deleted)."""
    place_changed(call, number, Scope(role.scope, role.scope_id), role.name, roleName=role.name)


def place_changed(call: Call, number: int, scope: Scope, name: str, **more: Any) -> None:
    """Write a record of what is no user; `userId` is the actor then."""
    _append(call, number, call.caller.id, scope, {"name": name, "role": None, "more": more})


def _first(principal: Principal) -> Grant | None:
    return next(iter(principal.grants), None)


def _entries(service: ServiceUser | None) -> dict[str, tuple[ServiceUser, Grant]]:
    return {grant.scope_id: (service, grant) for grant in service.grants} if service else {}


def _description_change(before: ServiceUser | None, after: ServiceUser | None) -> dict[str, Any]:
    """Return what a record tells of another description; the types are a guess."""
    if before is None or after is None or before.description == after.description:
        return {}
    return {
        "descriptionChanged": True,
        "oldDescription": before.description,
        "description": after.description,
    }


def _write(call: Call, number: int, target: Principal, grant: Grant | None, **more: Any) -> None:
    """Write a record about a user; its scope is that of the grant, without one the tenant."""
    role = call.world.roles[grant.role_id].name if grant else None
    scope = Scope(target.scope, grant.scope_id) if grant else Scope("tenant", "")
    more = {"username": target.name, **more}
    _append(call, number, target.id, scope, {"name": target.name, "role": role, "more": more})
    if isinstance(target, User):
        call.world.activities[-1][TARGET_EMAIL] = target.email


def _append(call: Call, number: int, user_id: str, scope: Scope, words: Mapping[str, Any]) -> None:
    """Write a record; `words` has the `name` of the target, the `role`, and `more` for `data`."""
    where = _place(call.world, scope)
    names = [where[f"{level}Name"] for level in ("account", "site", "group")]
    path = "/".join(["Global", *filter(None, names)])
    new_id, stamp = call.world.fresh_id(), call.console.stamp()
    by, fields = call.caller.name, words["more"].get("modifiedFields")
    record = {
        "id": new_id,
        "activityType": number,
        "activityUuid": str(uuid5(NAMESPACE_URL, new_id)),
        "createdAt": stamp,
        "updatedAt": stamp,
        "userId": user_id,
        **where,
        **dict.fromkeys(("agentId", "agentUpdatedVersion", "threatId", "hash", "osFamily")),
        "primaryDescription": TYPES[number][1].format(**words, by=by, scope=path),
        "secondaryDescription": None,
        "description": by if number in {24, 25} else None,
        "comments": f"Modified fields: {fields}" if fields else None,
        "data": {
            "byUser": by,
            "role": words["role"],
            "scopeLevel": scope.level.capitalize(),
            "scopeName": path.rpartition("/")[2],
            "userScope": scope.level,
            "fullScopeDetailsPath": path,
            "ipAddress": "127.0.0.1",
            "sourceType": "API",
            **words["more"],
        },
    }
    call.world.activities.append(record)


def _place(world: World, scope: Scope) -> dict[str, str | None]:
    """Return ids and names of account, site and group of a scope."""
    account, site, group = home(world, scope)
    return {
        "accountId": account.id if account else None,
        "accountName": account.name if account else None,
        "siteId": site.id if site else None,
        "siteName": site.name if site else None,
        "groupId": group.id if group else None,
        "groupName": group.name if group else None,
    }
