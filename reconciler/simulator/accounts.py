"""Writing accounts (API reference, section 9)."""

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
from reconciler.simulator.places import seen_account
from reconciler.simulator.records import Account, Site
from reconciler.simulator.scopes import Scope, reaches_all
from reconciler.simulator.sites import default_group
from reconciler.simulator.views import account_core, active_licenses, sites_by_account

_CREATE: rules.Fields = {
    **COMMON, "usageType": str, "billingMode": str, "accountType": str, "skus": list,
}  # fmt: skip
_UPDATE: rules.Fields = {**_CREATE, "salesforceId": str}
_SKU: rules.Fields = {"type": str, "totalLicenses": int, "unlimited": bool}


def create_account(call: Call) -> dict[str, Any]:
    """`POST /accounts`: by the tenant only; with a default site and its default group."""
    if not reaches_all(call.caller):
        raise forbidden()
    check_right(call, "Accounts.create", Scope("tenant", ""))
    data = rules.body(call, _CREATE, ("name",))
    now = call.console.stamp()
    account = Account(
        id=call.world.fresh_id(),
        name=data["name"],
        creator_id=call.caller.id,
        created_at=now,
        updated_at=now,
    )
    account = replace(account, **_fields(call, data))
    _check_name(call, account)
    call.record(None, account)
    site = Site(
        id=call.world.fresh_id(),
        name="Default site",
        account_id=account.id,
        is_default=True,
        creator_id=call.caller.id,
        created_at=now,
        updated_at=now,
    )
    call.record(None, site)
    call.record(None, default_group(call, site))
    _tell(call, 5040, account)
    return {"data": _view(call, account)}


def update_account(call: Call) -> dict[str, Any]:
    """`PUT /accounts/{id}`: what the body names is changed."""
    account = _writable(call)
    data = rules.body(call, _UPDATE, ())
    after = replace(account, **_fields(call, data), updated_at=call.console.stamp())
    _check_name(call, after)
    call.record(account, after)
    _tell(call, 5041, after)
    return {"data": _view(call, after)}


def expire_account(call: Call) -> dict[str, Any]:
    """`POST /accounts/{id}/expire-now`; its sites stay as they are (UNVERIFIED)."""
    account, now = _writable(call), call.console.stamp()
    after = replace(account, state="expired", expiration=now, updated_at=now)
    call.record(account, after)
    _tell(call, 5045, after)
    return {"data": _view(call, after)}


def reactivate_account(call: Call) -> dict[str, Any]:
    """`PUT /accounts/{id}/reactivate`: by the tenant only, of an expired account."""
    account = _writable(call)
    if not reaches_all(call.caller):
        raise forbidden()
    after = replace(account, **reactivation(call, account.state))
    call.record(account, after)
    _tell(call, 5041, after)
    return {"data": {"success": True}}


def _writable(call: Call) -> Account:
    account = seen_account(call)
    check_right(call, "Accounts.edit", Scope("account", account.id))
    if account.state == "deleted":
        raise missing()
    return account


def _fields(call: Call, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the record that the body sets; raises ApiError 400."""
    check_choice(data, "accountType", TYPES)
    check_choice(data, "usageType", ("customer", "mssp"))
    check_choice(data, "billingMode", ("subscription", "consumption"))
    fields = changes(call, data, settings=True)
    for name, attribute in (
        ("externalId", "external_id"), ("salesforceId", "salesforce_id"),
        ("accountType", "account_type"), ("usageType", "usage_type"),
        ("billingMode", "billing_mode"),
    ):  # fmt: skip
        if data.get(name) is not None:
            fields[attribute] = data[name]
    for sku in data.get("skus") or []:
        if not isinstance(sku, dict):
            raise invalid("skus: Invalid input type.")
        rules.check_fields(sku, _SKU)
        check_choice(sku, "type", SKUS)
        fields["sku"] = sku.get("type") or "Core"
        count = licence_count("totalLicenses", sku.get("totalLicenses") or 0)
        fields["licenses"] = -1 if sku.get("unlimited") else count
    return fields


def _check_name(call: Call, account: Account) -> None:
    """Raise ApiError 400 for a name in use: account names are unique in a deployment."""
    others = (each for each in call.world.accounts.values() if each.id != account.id)
    if any(each.name.casefold() == account.name.casefold() for each in others):
        raise invalid("name: Account with this name already exists.")


def _view(call: Call, account: Account) -> dict[str, Any]:
    sites = sites_by_account(call.world, call.console.stamp())[account.id]
    return account_core(call.world, account, sum(active_licenses(site) for site in sites))


def _tell(call: Call, number: int, account: Account) -> None:
    scope = Scope("account", account.id)
    activities.place_changed(call, number, scope, account.name, accountName=account.name)
