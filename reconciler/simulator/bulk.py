"""Bulk deletion, the most dangerous call of this API (API reference, sections 7.3 and 7.4).

An empty filter, or one of nothing but empty lists, matches everybody the caller sees, himself
included, unless the world says otherwise (`empty_filter`). Whom the caller may not delete is left
out in silence.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import ApiError, invalid
from reconciler.simulator.lists import Filter, matching
from reconciler.simulator.records import Principal
from reconciler.simulator.scopes import sees
from reconciler.simulator.user_listing import service_user_listing, user_listing

_IDS = {"ids", "roleIds", "siteIds", "accountIds"}
_ARRAYS = {*_IDS, "sources", "twoFaStatuses", "fullName__contains", "email__contains"}
_FLAGS = {
    "groupsReadOnly", "canGenerateApiToken", "twoFaEnabled", "fullNameReadOnly", "emailReadOnly",
    "hasValidApiToken", "emailVerified",
}  # fmt: skip


def delete_users(call: Call) -> dict[str, Any]:
    """`POST /users/delete-users`; the specification has no answer for 200, this is a guess."""
    filters = dict(user_listing(call).filters)
    del filters["accountIds"], filters["siteIds"]
    affected = 0
    for user in _chosen(call, filters, call.world.users.values()):
        is_kept = user.is_system and call.world.settings.system_users == "refused"
        if not is_kept and _may_delete(call, "Users.delete", user):
            call.record(user, None)
            activities.user_removed(call, user)
            affected += 1
    return {"data": {"affected": affected}}


def delete_service_users(call: Call) -> dict[str, Any]:
    """`POST /service-users/delete-service-users`."""
    affected = 0
    filters = service_user_listing(call).filters
    for service in _chosen(call, filters, call.world.service_users.values()):
        if _may_delete(call, "Service Users.delete", service):
            call.record(service, None)
            activities.service_user_changed(call, service, None)
            affected += 1
    return {"data": {"affected": affected}}


def _chosen(call: Call, filters: Mapping[str, Filter], every: Iterable[Any]) -> list[Any]:
    """Return whom the filter of the body matches, among those the caller sees."""
    tree = call.request.json()
    rules.check_fields(tree, {"data": dict, "filter": dict}, ("filter",))
    rules.check_fields(tree.get("data") or {}, {})
    wanted = tree["filter"]
    if call.world.settings.misspelt_filter == "ignored":
        wanted = {name: value for name, value in wanted.items() if name in filters}
    rules.check_fields(wanted, {name: _kind(name) for name in filters})
    for name in ("siteIds", "accountIds"):
        if wanted.get(name) == []:
            raise invalid(f"{name}: Shorter than minimum length 1.")
    wanted = {name: _raw(name, value) for name, value in wanted.items() if value not in (None, [])}
    if not wanted and call.world.settings.empty_filter == "refused":
        raise invalid("filter: Missing data for required field.")
    seen = [one for one in every if sees(call.world, call.caller, one)]
    return matching(filters, seen, wanted)


def _kind(name: str) -> type:
    return list if name in _ARRAYS else bool if name in _FLAGS else str


def _raw(name: str, value: Any) -> Any:
    """Return the value as a filter takes it: texts, and true and false as words."""
    if name in _IDS:
        return rules.identifiers(name, value)
    if isinstance(value, list) and not all(isinstance(each, str) for each in value):
        raise invalid(f"{name}: Invalid type.")
    return str(value).lower() if isinstance(value, bool) else value


def _may_delete(call: Call, permission: str, principal: Principal) -> bool:
    try:
        rules.check_rights(call, permission, principal)
    except ApiError:
        return False
    return True
