"""Accounts and sites, read only (API reference, sections 5.4, 5.5 and 9)."""

from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden, missing
from reconciler.simulator.lists import (
    Listing,
    any_of,
    contains,
    flag,
    identifiers,
    paginate,
    text,
    unsupported,
    unsupported_key,
)  # fmt: skip
from reconciler.simulator.records import Account, Site
from reconciler.simulator.scopes import Scope, reaches, visible_accounts, visible_sites
from reconciler.simulator.world import World

_STATES = ("active", "expired", "deleted")
_VENDOR = {"creator": "SentinelOne", "creatorId": "1820000000000000002"}


def list_accounts(call: Call) -> dict[str, Any]:
    """`GET /accounts`; 403 for a caller at site level."""
    if call.caller.scope == "site":
        raise forbidden("Action is not allowed to site users")
    page = paginate(_ACCOUNTS, visible_accounts(call.world, call.caller), call.parameters)
    return {
        "data": [account_view(call.world, account) for account in page.items],
        "pagination": page.pagination,
    }


def list_sites(call: Call) -> dict[str, Any]:
    """`GET /sites`: the items are in `data.sites`; deleted and expired ones included."""
    sites = visible_sites(call.world, call.caller)
    page = paginate(_sites(call.world), sites, call.parameters)
    totals = {
        "totalLicenses": sum(site.licenses for site in sites),
        "activeLicenses": sum(_active(site) for site in sites),
    }
    views = [site_view(call.world, site) for site in page.items]
    return {"data": {"allSites": totals, "sites": views}, "pagination": page.pagination}


def get_account(call: Call) -> dict[str, Any]:
    """`GET /accounts/{id}`; 404 when it cannot be seen."""
    account = call.world.accounts.get(call.item)
    if account is None or not reaches(call.world, call.caller, Scope("account", account.id)):
        raise missing()
    return {"data": account_view(call.world, account)}


def get_site(call: Call) -> dict[str, Any]:
    """`GET /sites/{id}`; 404 when it cannot be seen."""
    site = call.world.sites.get(call.item)
    if site is None or not reaches(call.world, call.caller, Scope("site", site.id)):
        raise missing()
    return {"data": site_view(call.world, site)}


def account_view(world: World, account: Account) -> dict[str, Any]:
    """Return the account with every documented field, deprecated ones too."""
    sites = [site for site in world.sites.values() if site.account_id == account.id]
    agents = sum(_active(site) for site in sites)
    return {
        "id": account.id,
        "name": account.name,
        "state": account.state,
        "accountType": "Paid",
        "isDefault": account.is_default,
        "expiration": account.expiration,
        "unlimitedExpiration": account.expiration is None,
        "externalId": "",
        "salesforceId": "",
        "usageType": "customer",
        "billingMode": "subscription",
        "activeAgents": agents,
        "numberOfSites": len(sites),
        "totalLicenses": account.licenses,
        "licenses": _licenses(account.licenses),
        "skus": [
            {
                "type": "Complete",
                "agentsInSku": agents,
                "totalLicenses": account.licenses,
                "unlimited": False,
            }
        ],
        **{f"total{sku}": 0 for sku in ("Core", "Control")},
        "totalComplete": account.licenses,
        **{f"unlimited{sku}": False for sku in ("Core", "Control", "Complete")},
        **{f"{sku}Sites": 0 for sku in ("core", "control")},
        "completeSites": len(sites),
        **{f"agentsIn{sku}Sku": 0 for sku in ("Core", "Control")},
        "agentsInCompleteSku": agents,
        **_VENDOR,
        "createdAt": account.created_at,
        "updatedAt": account.updated_at,
    }


def site_view(world: World, site: Site) -> dict[str, Any]:
    """Return the site with every documented field, deprecated ones too."""
    return {
        "id": site.id,
        "name": site.name,
        "description": site.description,
        "accountId": site.account_id,
        "accountName": world.accounts[site.account_id].name,
        "state": site.state,
        "siteType": "Paid",
        "isDefault": site.is_default,
        "expiration": site.expiration,
        "unlimitedExpiration": site.expiration is None,
        "totalLicenses": site.licenses,
        "activeLicenses": _active(site),
        "unlimitedLicenses": False,
        "licenses": _licenses(site.licenses),
        "sku": "Complete",
        "suite": "Complete",
        "externalId": None,
        **_VENDOR,
        "createdAt": site.created_at,
        "updatedAt": site.updated_at,
        "healthStatus": True,
        "registrationToken": f"simulated-registration-token-of-{site.id}",
    }


def _active(site: Site) -> int:
    return site.licenses * 3 // 4 if site.state == "active" else 0


def _licenses(count: int) -> dict[str, Any]:
    bundle = {
        "name": "complete",
        "displayName": "Complete",
        "majorVersion": 1,
        "minorVersion": 1,
        "totalSurfaces": count,
        "surfaces": [{"name": "Total Agents", "count": count}],
    }
    return {"bundles": [bundle], "modules": [], "settings": []}


_SORT_KEYS = {
    "id": lambda _item: None,
    "name": lambda item: item.name,
    "totalLicenses": lambda item: item.licenses,
    "expiration": lambda item: item.expiration,
    "state": lambda item: item.state,
    "createdAt": lambda item: item.created_at,
    "updatedAt": lambda item: item.updated_at,
}

_ACCOUNTS: Listing[Account] = Listing(
    column="Account.id",
    filters={
        "ids": identifiers(lambda account: [account.id]),
        "accountIds": identifiers(lambda account: [account.id]),
        "name": text(lambda account: account.name),
        "query": contains(lambda account: [account.name]),
        "states": any_of(lambda account: [account.state], choices=_STATES),
        "isDefault": flag(lambda account: account.is_default),
        **dict.fromkeys(
            ("activeLicenses", "accountType", "createdAt", "updatedAt", "expiration", "usageType",
             "totalLicenses", "features", "billingMode"), unsupported,
        ),
    },
    sort_keys={
        **_SORT_KEYS,
        **dict.fromkeys(
            ("accountType", "activeAgents", "activeLicenses", "billingMode", "numberOfSites",
             "usageType"), unsupported_key,
        ),
    },
)  # fmt: skip


def _sites(world: World) -> Listing[Site]:
    """Return the listing of sites; account names are looked up in the world."""

    def account_name(site: Site) -> str:
        return world.accounts[site.account_id].name

    return Listing(
        column="SiteView.id",
        filters={
            "siteIds": identifiers(lambda site: [site.id], 500),
            "accountIds": identifiers(lambda site: [site.account_id], 500),
            "accountId": text(lambda site: site.account_id),
            "name": text(lambda site: site.name),
            "name__contains": contains(lambda site: [site.name], 10),
            "accountName__contains": contains(lambda site: [account_name(site)], 10),
            "description": text(lambda site: site.description),
            "description__contains": contains(lambda site: [site.description], 10),
            "query": contains(lambda site: [site.name, site.description, account_name(site)]),
            "state": any_of(lambda site: [site.state], 1, _STATES),
            "states": any_of(lambda site: [site.state], choices=_STATES),
            "isDefault": flag(lambda site: site.is_default),
            **dict.fromkeys(
                ("module", "activeLicenses", "siteType", "adminOnly", "externalId", "sku",
                 "availableMoveSites", "createdAt", "updatedAt", "expiration", "healthStatus",
                 "registrationToken", "totalLicenses", "features", "suite"), unsupported,
            ),
        },
        sort_keys={**_SORT_KEYS, "accountName": account_name,
                   "description": lambda site: site.description,
                   **dict.fromkeys(
                       ("activeLicenses", "siteType", "sku", "suite"), unsupported_key
                   )},
    )  # fmt: skip
