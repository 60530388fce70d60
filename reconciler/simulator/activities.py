"""Activities: what the console tells about changes (API reference, section 8).

As in recorded answers, the top-level `userId` is the *target*; the actor is only named, by
`data.byUser`, which is a full name and not unique. One role change of a user gives 37 and 24;
service users give one record per entry gained (140), changed (141) or lost (142).
"""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from reconciler.simulator.calls import Call
from reconciler.simulator.lists import Listing, any_of, identifiers, instants, paginate, unsupported
from reconciler.simulator.records import Grant, Principal, ServiceUser, User
from reconciler.simulator.scopes import Scope, reaches, reaches_all

TYPES: Mapping[int, tuple[str, str]] = {
    23: ("User Added", "The management user {by} added user {name}."),
    24: ("User Modified", "The management user {by} modified the user {name}."),
    25: ("User Deleted", "The management user {by} deleted the user {name}."),
    37: ("User Modified", "The management user {by} gave user {name} role {role} in {scope}."),
    110: ("Token Generation Enabled", "{by} enabled API token generation for {name}."),
    111: ("Token Generation Disabled", "{by} disabled API token generation for {name}."),
    140: ("Service User Added", "{by} added service user {name} with role {role} in {scope}."),
    141: ("Service User Modified", "{by} modified service user {name} in {scope}."),
    142: ("Service User Removed", "{by} removed service user {name} from {scope}."),
}
"""Numbers as documented; the texts are this simulator's own."""


def list_activities(call: Call) -> dict[str, Any]:
    """`GET /activities`: those of scopes the caller reaches."""
    seen = [_Item(record) for record in call.world.activities if _is_seen(call, record)]
    page = paginate(_LISTING, seen, call.parameters)
    return {"data": [item.record for item in page.items], "pagination": page.pagination}


def list_types(_call: Call) -> dict[str, Any]:
    """`GET /activities/types`: complete, without `pagination`."""
    return {
        "data": [
            {"id": number, "action": action, "descriptionTemplate": template}
            for number, (action, template) in TYPES.items()
        ]
    }


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
    if (before.scope, before.grants) != (after.scope, after.grants):
        _write(call, 24, after, _first(after), modifiedFields="User scope roles")


def user_removed(call: Call, user: User) -> None:
    """Write 25."""
    _write(call, 25, user, _first(user))


def service_user_changed(call: Call, before: ServiceUser | None, after: ServiceUser | None) -> None:
    """Write one record per entry gained, changed or lost; None stands for not being there."""
    held, wanted = _entries(before), _entries(after)
    for scope_id, (service, grant) in held.items():
        if scope_id not in wanted:
            _write(call, 142, service, grant)
    for scope_id, (service, grant) in wanted.items():
        if scope_id not in held:
            _write(call, 140, service, grant)
        elif (old := held[scope_id][1]) != grant:
            _write(call, 141, service, grant, oldRole=call.world.roles[old.role_id].name)


class _Item:
    """An activity record with the attributes that listing asks for."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.id = record["id"]


def _is_seen(call: Call, record: dict[str, Any]) -> bool:
    for level, key in (("site", "siteId"), ("account", "accountId")):
        if record[key]:
            return reaches(call.world, call.caller, Scope(level, record[key]))
    return reaches_all(call.caller)


def _first(principal: Principal) -> Grant | None:
    return next(iter(principal.grants), None)


def _entries(service: ServiceUser | None) -> dict[str, tuple[ServiceUser, Grant]]:
    return {grant.scope_id: (service, grant) for grant in service.grants} if service else {}


def _write(call: Call, number: int, target: Principal, grant: Grant | None, **more: str) -> None:
    """Add one record; its scope is that of the grant, without one the tenant."""
    world, level = call.world, target.scope
    site = world.sites.get(grant.scope_id) if grant and level == "site" else None
    account_id = site.account_id if site else grant.scope_id if grant and level == "account" else ""
    account = world.accounts.get(account_id)
    path = "/".join(["Global", *(each.name for each in (account, site) if each)])
    role = world.roles[grant.role_id].name if grant else None
    words = {"by": call.caller.name, "name": target.name, "role": role, "scope": path}
    new_id = world.fresh_id()
    stamp = call.console.stamp()
    data = {
        "byUser": call.caller.name,
        "username": target.name,
        "role": role,
        "scopeLevel": level.capitalize(),
        "scopeName": (site or account).name if account else "Global",
        "userScope": level,
        "fullScopeDetailsPath": path,
        "ipAddress": "127.0.0.1",
        "sourceType": "API",
        **more,
    }
    world.activities.append(
        {
            "id": new_id,
            "activityType": number,
            "activityUuid": str(uuid5(NAMESPACE_URL, new_id)),
            "createdAt": stamp,
            "updatedAt": stamp,
            "userId": target.id,
            "accountId": account.id if account else None,
            "accountName": account.name if account else None,
            "siteId": site.id if site else None,
            "siteName": site.name if site else None,
            "groupId": None,
            "groupName": None,
            "agentId": None,
            "agentUpdatedVersion": None,
            "threatId": None,
            "hash": None,
            "osFamily": None,
            "primaryDescription": TYPES[number][1].format(**words),
            "secondaryDescription": None,
            "description": call.caller.name if number in {24, 25} else None,
            "comments": f"Modified fields: {more['modifiedFields']}"
            if more.get("modifiedFields")
            else None,
            "data": data,
        }
    )


def _field(name: str) -> Any:
    return lambda item: item.record[name]


_LISTING: Listing[_Item] = Listing(
    column="Activity.id",
    filters={
        "ids": identifiers(lambda item: [item.id]),
        "activityTypes": any_of(lambda item: [str(item.record["activityType"])]),
        "activityUuids": any_of(lambda item: [item.record["activityUuid"]]),
        "userIds": identifiers(lambda item: [item.record["userId"]]),
        "accountIds": identifiers(lambda item: [item.record["accountId"] or ""], 500),
        "siteIds": identifiers(lambda item: [item.record["siteId"] or ""], 500),
        "includeHidden": lambda _name, _raw: lambda _item: True,
        **instants("createdAt", _field("createdAt")),
        **dict.fromkeys(
            ("groupIds", "threatIds", "userEmails", "ruleIds", "alertIds", "agentIds"), unsupported
        ),
    },
    sort_keys={
        "id": lambda _item: None,
        "activityType": _field("activityType"),
        "createdAt": _field("createdAt"),
    },
)
