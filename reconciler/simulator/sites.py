"""Writing sites (API reference, section 9)."""

from dataclasses import replace
from typing import Any

from reconciler.simulator import activities, rules
from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden, invalid, missing
from reconciler.simulator.place_writes import (
    COMMON,
    SKUS,
    TYPES,
    changes,
    check_choice,
    check_right,
    licence_count,
    reactivation,
)
from reconciler.simulator.places import seen_site
from reconciler.simulator.records import Account, Group, Principal, Site, User
from reconciler.simulator.scopes import Scope, visible_accounts
from reconciler.simulator.views import as_of, site_view

_UPDATE: rules.Fields = {
    **COMMON, "description": str, "totalLicenses": int, "unlimitedLicenses": bool,
    "siteType": str, "suite": str, "id": rules.ID,
}  # fmt: skip
_CREATE: rules.Fields = {
    **{name: kind for name, kind in _UPDATE.items() if name != "id"},
    "sku": str, "accountSfId": str, "accountId": rules.ID,
}  # fmt: skip


def create_site(call: Call) -> dict[str, Any]:
    """`POST /sites`: in the account named, else in the only one the caller reaches."""
    data = rules.body(call, _CREATE, ("name",))
    account = _account(call, data)
    check_right(call, "Sites.create", Scope("account", account.id))
    site = replace(_new(call, data["name"], account), **_fields(call, data))
    _check_name(call, site)
    call.record(None, site)
    call.record(None, default_group(call, site))
    _tell(call, 5020, site)
    return {"data": site_view(call.world, site)}


def update_site(call: Call) -> dict[str, Any]:
    """`PUT /sites/{id}`: what the body names is changed."""
    site = _writable(call, "Sites.edit")
    data = rules.body(call, _UPDATE, ())
    if rules.identifier(data.get("id")) not in {"", site.id}:
        raise invalid("id: Does not match the path.")
    after = replace(site, **_fields(call, data), updated_at=call.console.stamp())
    _check_name(call, after)
    call.record(site, after)
    _tell(call, 5021, after)
    return {"data": site_view(call.world, after)}


def delete_site(call: Call) -> dict[str, Any]:
    """`DELETE /sites/{id}`: it stays in the lists as deleted; the default site can not go.

    What was granted there stays with its holders, unless the world says otherwise.
    """
    site = _writable(call, "Sites.delete")
    if site.is_default:
        raise forbidden("The default site can not be deleted.")
    call.record(site, replace(site, state="deleted", updated_at=call.console.stamp()))
    _tell(call, 5022, site)
    if call.world.settings.deleted_site_grants == "dropped":
        _drop_grants(call, site)
    return {"data": {"success": True}}


def expire_site(call: Call) -> dict[str, Any]:
    """`POST /sites/{id}/expire-now`."""
    site, now = _writable(call, "Sites.edit"), call.console.stamp()
    after = replace(site, state="expired", expiration=now, updated_at=now)
    call.record(site, after)
    _tell(call, 5025, after)
    return {"data": site_view(call.world, after)}


def reactivate_site(call: Call) -> dict[str, Any]:
    """`PUT /sites/{id}/reactivate`: of an expired site."""
    site = _writable(call, "Sites.edit")
    after = replace(site, **reactivation(call, site.state))
    call.record(site, after)
    _tell(call, 5021, after)
    return {"data": {"success": True}}


def default_group(call: Call, site: Site) -> Group:
    """Return the group that every site starts with."""
    now = call.console.stamp()
    return Group(
        id=call.world.fresh_id(),
        name="Default Group",
        site_id=site.id,
        is_default=True,
        created_at=now,
        updated_at=now,
    )


def _new(call: Call, name: str, account: Account) -> Site:
    now = call.console.stamp()
    return Site(
        id=call.world.fresh_id(),
        name=name,
        account_id=account.id,
        expiration=account.expiration,
        sku=account.sku,
        creator_id=call.caller.id,
        created_at=now,
        updated_at=now,
    )


def _account(call: Call, data: dict[str, Any]) -> Account:
    accounts = {each.id: each for each in visible_accounts(call.world, call.caller)}
    if data.get("accountId") is None and len(accounts) == 1:
        return accounts.popitem()[1]
    if data.get("accountId") is None:
        raise invalid("accountId: Missing data for required field.")
    account = accounts.get(rules.identifier(data["accountId"]))
    if account is None or as_of(call.console.stamp(), account).state != "active":
        raise invalid("accountId: Not a valid Identifier.")
    return account


def _fields(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the record that the body sets; raises ApiError 400."""
    for name, choices in (("siteType", TYPES), ("suite", SKUS), ("sku", SKUS)):
        check_choice(data, name, choices)
    fields = changes(call, data)
    for name, attribute in (
        ("description", "description"), ("externalId", "external_id"), ("siteType", "site_type"),
        ("suite", "sku"), ("sku", "sku"),
    ):  # fmt: skip
        if data.get(name) is not None:
            fields[attribute] = data[name]
    if data.get("totalLicenses") is not None:
        fields["licenses"] = licence_count("totalLicenses", data["totalLicenses"])
    if data.get("unlimitedLicenses"):
        fields["licenses"] = -1
    return fields


def _writable(call: Call, permission: str) -> Site:
    site = seen_site(call)
    check_right(call, permission, Scope("site", site.id))
    if site.state == "deleted":
        raise missing()
    return site


def _check_name(call: Call, site: Site) -> None:
    """Raise ApiError 400 for a name that another site of the account has, if that matters here."""
    if call.world.settings.site_names == "free":
        return
    for other in call.world.sites.values():
        is_there = other.state != "deleted" and other.id != site.id
        if is_there and (other.account_id, other.name) == (site.account_id, site.name):
            raise invalid("name: Site with this name already exists.")


def _tell(call: Call, number: int, site: Site) -> None:
    scope = Scope("site", site.id)
    activities.place_changed(call, number, scope, site.name, siteName=site.name)


def _drop_grants(call: Call, site: Site) -> None:
    world = call.world
    principals: list[Principal] = [*world.users.values(), *world.service_users.values()]
    for before in principals:
        grants = tuple(grant for grant in before.grants if grant.scope_id != site.id)
        if before.scope != "site" or grants == before.grants:
            continue
        after = replace(before, grants=grants)
        call.record(before, after)
        if isinstance(before, User) and isinstance(after, User):
            activities.user_changed(call, before, after)
        elif not isinstance(before, User) and not isinstance(after, User):
            activities.service_user_changed(call, before, after)
