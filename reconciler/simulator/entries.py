"""How grants look in answers: `scopeRoles` and its deprecated relatives (API section 5.1)."""

from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.records import Grant, Principal, ServiceUser
from reconciler.simulator.scopes import visible_grants
from reconciler.simulator.world import World


def role_fields(call: Call, principal: Principal) -> dict[str, Any]:
    """Return `scope`, `scopeRoles`, `siteRoles`, `tenantRoles` and `lowestRole`, as far as seen."""
    seen = visible_grants(call.world, call.caller, principal)
    grants = list(seen)
    if call.world.settings.entry_order == "newest":
        grants.sort(key=lambda grant: grant.scope_id, reverse=True)
    entries = [scope_role(call.world, principal.scope, grant) for grant in grants]
    sites = entries if principal.scope == "site" else []
    names = [entry["roleName"] for entry in entries]
    if principal.scope == "tenant" and call.world.settings.tenant_entry == "empty":
        entries = []
    return {
        "scope": principal.scope,
        "scopeRoles": entries,
        "siteRoles": [
            {key: value for key, value in entry.items() if key != "accountName"} for entry in sites
        ],
        "tenantRoles": names if principal.scope == "tenant" else [],
        "lowestRole": "Admin" if set(names) == {"Admin"} else next(reversed(names), ""),
    }


def scope_role(world: World, level: str, grant: Grant) -> dict[str, Any]:
    """Return one entry of `scopeRoles`."""
    name, account = _names(world, level, grant.scope_id)
    role = world.roles[grant.role_id]
    entry: dict[str, Any] = {
        "id": grant.scope_id or None,
        "name": name,
        "accountName": account,
        "roleId": role.id,
        "roleName": role.name,
        "roles": [role.name],
    }
    if level == "tenant" and world.settings.tenant_entry == "tenancy":
        entry["id"] = world.settings.tenancy_id
    if level == "tenant" and world.settings.tenant_entry == "absent":
        del entry["id"]
    return entry


def _names(world: World, level: str, scope_id: str) -> tuple[str, str]:
    if level == "tenant":
        return ("Global", "")
    if level == "account":
        return (world.accounts[scope_id].name,) * 2
    site = world.sites[scope_id]
    return (site.name, world.accounts[site.account_id].name)


def address_of(world: World, principal_id: str) -> str | None:
    """Return the e-mail address of a user, or the one a service user acts under."""
    user = world.users.get(principal_id)
    service = world.service_users.get(principal_id)
    return user.email if user else service_address(world, service) if service else None


def service_address(world: World, service: ServiceUser) -> str:
    """Return the address a service user acts under; its form is observed (section 1.1)."""
    return f"serviceuser-{service.uuid or service.id}@{world.settings.host}"


def account_of(world: World, principal: Principal) -> dict[str, str] | None:
    """Return `account` of a single answer: for users of exactly one account, else None."""
    if principal.scope == "tenant":
        return None
    ids = {
        grant.scope_id if principal.scope == "account" else world.sites[grant.scope_id].account_id
        for grant in principal.grants
    }
    if len(ids) != 1:
        return None
    account = world.accounts[ids.pop()]
    return {"id": account.id, "name": account.name}
