"""How activities are listed, filtered and exported (API reference, section 8)."""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.simulator.activities import TARGET_EMAIL, TYPES
from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import invalid
from reconciler.simulator.lists import (
    Filter,
    Listing,
    any_of,
    flag,
    identifiers,
    instants,
    matching,
    paginate,
    whole,
)
from reconciler.simulator.scopes import Scope, reaches, reaches_all

_CAP = 50000
"""What `totalItems` of a large tenant said; apparently a cap (API reference, section 3.2)."""
_MOST_ROWS = 10000


class Item:
    """An activity record with the attributes that listing asks for."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = {name: value for name, value in record.items() if name != TARGET_EMAIL}
        self.target_email: str = record.get(TARGET_EMAIL, "")
        self.id = record["id"]


def list_activities(call: Call) -> dict[str, Any]:
    """`GET /activities`: those of scopes the caller reaches."""
    page = paginate(listing(call), _seen(call), call.parameters)
    total = min(page.pagination["totalItems"], _CAP)
    return {
        "data": [item.record for item in page.items],
        "pagination": page.pagination | {"totalItems": total},
    }


def export_activities(call: Call) -> dict[str, Any]:
    """`GET /export/activities`: newest first, at most `rowsLimit` of them.

    The specification says JSON and gives no schema; the order is UNVERIFIED.
    """
    wanted = dict(call.parameters)
    limit = whole("rowsLimit", wanted.pop("rowsLimit", "100"), 1, _MOST_ROWS)
    found = matching(listing(call).filters, _seen(call), wanted)
    return {"data": [item.record for item in reversed(found[-limit:])]}


def list_types(_call: Call) -> dict[str, Any]:
    """`GET /activities/types`: complete, without `pagination`."""
    return {
        "data": [
            {"id": number, "action": action, "descriptionTemplate": template}
            for number, (action, template) in TYPES.items()
        ]
    }


def listing(call: Call) -> Listing[Item]:
    """Return the listing; whether users are actors or targets in filters is a switch."""
    users = _actors(call) if call.world.settings.activity_filter == "actor" else _targets(call)

    def by(*names: str) -> Callable[[Item], list[str]]:
        return lambda item: [str(item.record.get(name) or "") for name in names]

    newer = {"relatedIds": identifiers(by("userId", "agentId", "threatId"))}
    return Listing(
        column="Activity.id",
        filters={
            "ids": identifiers(by("id")),
            "activityTypes": _types(by("activityType")),
            "activityUuids": any_of(by("activityUuid")),
            "userIds": identifiers(lambda item: [each[0] for each in users(item)]),
            "userEmails": any_of(lambda item: [each[1] for each in users(item)]),
            "accountIds": identifiers(by("accountId"), 500),
            "siteIds": identifiers(by("siteId"), 500),
            "groupIds": identifiers(by("groupId"), 500),
            "threatIds": identifiers(by("threatId")),
            "agentIds": identifiers(by("agentId")),
            "ruleIds": identifiers(by("ruleId")),
            "alertIds": identifiers(by("alertId")),
            "includeHidden": _any_flag,
            **instants("createdAt", lambda item: item.record["createdAt"]),
            **(newer if call.world.settings.newer else {}),
        },
        sort_keys={
            "id": lambda _item: None,
            "activityType": lambda item: item.record["activityType"],
            "createdAt": lambda item: item.record["createdAt"],
        },
    )


def _seen(call: Call) -> list[Item]:
    return [Item(record) for record in call.world.activities if _is_seen(call, record)]


def _is_seen(call: Call, record: Mapping[str, Any]) -> bool:
    for level, key in (("site", "siteId"), ("account", "accountId")):
        if record[key]:
            return reaches(call.world, call.caller, Scope(level, record[key]))
    return reaches_all(call.caller)


def _targets(call: Call) -> Callable[[Item], list[tuple[str, str]]]:
    """Give id and address of whom `userId` means, most often the target, who may be gone."""

    def find(item: Item) -> list[tuple[str, str]]:
        user = call.world.users.get(item.record["userId"])
        addresses = {user.email if user else "", item.target_email}
        return [(item.record["userId"], address) for address in addresses]

    return find


def _actors(call: Call) -> Callable[[Item], list[tuple[str, str]]]:
    """Give ids and addresses of all who have the actor's name: more the record does not tell."""
    named: dict[str, list[tuple[str, str]]] = {}
    for user in call.world.users.values():
        named.setdefault(user.name, []).append((user.id, user.email))
    for service in call.world.service_users.values():
        named.setdefault(service.name, []).append((service.id, ""))
    return lambda item: named.get(item.record["data"].get("byUser"), [])


def _types(get: Callable[[Item], list[str]]) -> Filter:
    inner = any_of(get)

    def build(name: str, raw: str) -> Callable[[Any], bool]:
        if not all(each.isascii() and each.isdigit() for each in raw.split(",")):
            raise invalid(f'{name}: "{raw}" is not a valid choice.')
        return inner(name, raw)

    return build


def _any_flag(name: str, raw: str) -> Callable[[Any], bool]:
    """Accept `includeHidden`; this console hides nothing."""
    flag(lambda _item: True)(name, raw)
    return lambda _item: True
