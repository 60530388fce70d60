"""How accounts, sites and groups look in answers (API reference, sections 5.4 to 5.6)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from reconciler.simulator.records import Account, Group, Site
from reconciler.simulator.world import World

Place = TypeVar("Place", Account, Site)
_VENDOR = ("SentinelOne", "1820000000000000002")
_SUPPORT: Mapping[str, list[str]] = {
    "Core": [],
    "Control": ["firewall-control", "device-control"],
    "Complete": ["firewall-control", "device-control", "ioc"],
}
_SKUS = tuple(_SUPPORT)


def as_of(now: str, place: Place) -> Place:
    """Return an account or a site as it is at that time: expired when its time has come.

    Nothing is written down for it, and no activity tells of it.
    """
    is_over = place.state == "active" and place.expiration and place.expiration <= now
    return replace(place, state="expired") if is_over else place


def account_view(world: World, account: Account, sites: list[Site]) -> dict[str, Any]:
    """Return the account with every documented field, deprecated ones too."""
    agents = sum(active_licenses(site) for site in sites)
    return {
        **account_core(world, account, agents),
        "numberOfSites": len(sites),
        **{f"total{sku}": account.licenses if sku == account.sku else 0 for sku in _SKUS},
        **{f"unlimited{sku}": sku == account.sku and account.licenses < 0 for sku in _SKUS},
        **{f"{sku.lower()}Sites": sum(site.sku == sku for site in sites) for sku in _SKUS},
        **{
            f"agentsIn{sku}Sku": sum(active_licenses(site) for site in sites if site.sku == sku)
            for sku in _SKUS
        },
    }


def account_core(world: World, account: Account, agents: int) -> dict[str, Any]:
    """Return the account as writes answer it: without the counts by SKU."""
    sku = {
        "type": account.sku,
        "agentsInSku": agents,
        "totalLicenses": max(account.licenses, 0),
        "unlimited": account.licenses < 0,
    }
    return {
        "id": account.id,
        "name": account.name,
        "state": account.state,
        "accountType": account.account_type,
        "isDefault": account.is_default,
        "expiration": account.expiration,
        "unlimitedExpiration": account.expiration is None,
        "externalId": account.external_id,
        "salesforceId": account.salesforce_id,
        "usageType": account.usage_type,
        "billingMode": account.billing_mode,
        "activeAgents": agents,
        "totalLicenses": account.licenses,
        "licenses": _licenses(account.sku, account.licenses),
        "skus": [sku],
        **_creator(world, account.creator_id),
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
        "siteType": site.site_type,
        "isDefault": site.is_default,
        "expiration": site.expiration,
        "unlimitedExpiration": site.expiration is None,
        "totalLicenses": site.licenses,
        "activeLicenses": active_licenses(site),
        "unlimitedLicenses": site.licenses < 0,
        "licenses": _licenses(site.sku, site.licenses),
        "sku": site.sku,
        "suite": site.sku,
        "externalId": site.external_id,
        **_creator(world, site.creator_id),
        "createdAt": site.created_at,
        "updatedAt": site.updated_at,
        "healthStatus": True,
        "registrationToken": site_token(site),
    }


def group_view(group: Group) -> dict[str, Any]:
    """Return the group as answered alone."""
    return {
        "id": group.id,
        "name": group.name,
        "siteId": group.site_id,
        "type": group.type,
        "isDefault": group.is_default,
        "description": group.description,
        "rank": group.rank,
        "filterId": group.filter_id,
        "registrationToken": group_token(group),
        "creator": _VENDOR[0],
        "creatorId": _VENDOR[1],
        "createdAt": group.created_at,
        "updatedAt": group.updated_at,
    }


def listed_group_view(group: Group) -> dict[str, Any]:
    """Return the group as listed: three fields more than alone."""
    return group_view(group) | {"filterName": None, "inherits": True, "totalAgents": 0}


def sites_by_account(world: World, now: str) -> Mapping[str, list[Site]]:
    """Return the sites of each account as of now; an empty list for an account without."""
    sites: defaultdict[str, list[Site]] = defaultdict(list)
    for site in world.sites.values():
        sites[site.account_id].append(as_of(now, site))
    return sites


def active_licenses(site: Site) -> int:
    """Return how many agents a site has: most of its licences, none when it is not active."""
    return max(site.licenses, 0) * 3 // 4 if site.state == "active" else 0


def features_of(sku: str) -> list[str]:
    """Return what a SKU supports, in the words of the filter `features`."""
    return _SUPPORT[sku]


def site_token(site: Site) -> str:
    """Return the registration token of a site, which is a secret."""
    return f"simulated-registration-token-of-{site.id}"


def group_token(group: Group) -> str:
    """Return the registration token of a group, which is a secret."""
    return f"simulated-registration-token-of-{group.id}"


def _creator(world: World, creator_id: str) -> dict[str, str]:
    """Return who made a place; `creator` is a full name."""
    principal = world.principal(creator_id)
    name, number = (principal.name, principal.id) if principal else _VENDOR
    return {"creator": name, "creatorId": number}


def _licenses(sku: str, count: int) -> dict[str, Any]:
    bundle = {
        "name": sku.lower(),
        "displayName": sku,
        "majorVersion": 1,
        "minorVersion": 1,
        "totalSurfaces": count,
        "surfaces": [{"name": "Total Agents", "count": count}],
    }
    return {"bundles": [bundle], "modules": [], "settings": []}
