"""How accounts, sites and groups are filtered and sorted (API reference, section 3.3)."""

from collections.abc import Callable
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.lists import (
    Filter,
    Listing,
    any_of,
    contains,
    flag,
    identifiers,
    instants,
    moment,
    number,
    text,
)
from reconciler.simulator.records import Account, Group, Site
from reconciler.simulator.scopes import Scope, covers, scopes_of
from reconciler.simulator.views import (
    active_licenses,
    features_of,
    group_token,
    site_token,
    sites_by_account,
)

STATES = ("active", "expired", "deleted")
_TYPES = ("Trial", "Paid")
_SKUS = ("Core", "Control", "Complete")
_FEATURES = ("firewall-control", "device-control", "ioc")


def account_listing(call: Call) -> Listing[Account]:
    """Return the listing of accounts."""
    sites = sites_by_account(call.world, call.console.stamp())

    def agents(account: Account) -> int:
        return sum(active_licenses(site) for site in sites[account.id])

    newer: dict[str, Filter] = {
        "state": any_of(lambda account: [account.state], 1, STATES),
        "name__contains": contains(lambda account: [account.name], 10),
    }
    return Listing(
        column="Account.id",
        filters={
            "ids": identifiers(lambda account: [account.id]),
            "accountIds": identifiers(lambda account: [account.id]),
            "query": contains(lambda account: [account.name]),
            "accountType": any_of(lambda account: [account.account_type], 1, _TYPES),
            "usageType": any_of(_as_list("usage_type"), 1, ("customer", "mssp")),
            "billingMode": any_of(_as_list("billing_mode"), 1, ("subscription", "consumption")),
            "activeLicenses": number(agents),
            **_common(call),
            **_newer(call, newer),
        },
        sort_keys={
            **_sort_keys(),
            "accountType": lambda account: account.account_type,
            "activeAgents": agents,
            "activeLicenses": agents,
            "billingMode": lambda account: account.billing_mode,
            "numberOfSites": lambda account: len(sites[account.id]),
            "usageType": lambda account: account.usage_type,
        },
    )


def site_listing(call: Call) -> Listing[Site]:
    """Return the listing of sites; account names are looked up in the world."""
    world = call.world

    def account_name(site: Site) -> str:
        return world.accounts[site.account_id].name

    return Listing(
        column="SiteView.id",
        filters={
            "siteIds": identifiers(lambda site: [site.id], 500),
            "accountIds": identifiers(lambda site: [site.account_id], 500),
            "accountId": identifiers(lambda site: [site.account_id], 1),
            "name__contains": contains(lambda site: [site.name], 10),
            "accountName__contains": contains(lambda site: [account_name(site)], 10),
            "description": text(lambda site: site.description),
            "description__contains": contains(lambda site: [site.description], 10),
            "query": contains(lambda site: _searched(call, site, account_name(site))),
            "state": any_of(lambda site: [site.state], 1, STATES),
            "siteType": any_of(lambda site: [site.site_type], 1, _TYPES),
            "suite": any_of(lambda site: [site.sku], 1, _SKUS),
            "sku": text(lambda site: site.sku, caseless=True),
            "module": any_of(lambda _site: []),
            "externalId": text(lambda site: site.external_id),
            "registrationToken": text(site_token),
            "healthStatus": flag(lambda _site: True),
            "adminOnly": _yes_only(lambda site: _is_admin(call, site)),
            "availableMoveSites": _yes_only(lambda site: site.state == "active"),
            "activeLicenses": number(active_licenses),
            **_common(call),
            **_newer(call, {}),
        },
        sort_keys={
            **_sort_keys(),
            "accountName": account_name,
            "activeLicenses": active_licenses,
            "description": lambda site: site.description,
            "siteType": lambda site: site.site_type,
            "sku": lambda site: site.sku,
            "suite": lambda site: site.sku,
        },
    )


def group_listing(call: Call) -> Listing[Group]:
    """Return the listing of groups; older consoles give at most 300 at a time."""
    sites, times = call.world.sites, instants("updatedAt", lambda group: group.updated_at)
    kinds = ("static", "dynamic", "pinned")
    del times["updatedAt__between"]
    return Listing(
        column="Group.id",
        maximum=1000 if call.world.settings.newer else 300,
        filters={
            "id": identifiers(lambda group: [group.id], 1),
            "groupIds": identifiers(lambda group: [group.id], 500),
            "siteIds": identifiers(lambda group: [group.site_id], 500),
            "accountIds": identifiers(lambda group: [sites[group.site_id].account_id], 500),
            "name": text(lambda group: group.name),
            "description": text(lambda group: group.description),
            "query": contains(lambda group: [group.name, group.description]),
            "type": any_of(lambda group: [group.type], 1, kinds),
            "types": any_of(lambda group: [group.type], choices=kinds),
            "isDefault": flag(lambda group: group.is_default),
            "rank": number(lambda group: group.rank),
            "registrationToken": text(group_token),
            **times,
        },
        sort_keys={
            "id": lambda _group: None,
            "name": lambda group: group.name,
            "type": lambda group: group.type,
            "rank": lambda group: group.rank,
            "siteId": lambda group: group.site_id,
            "description": lambda group: group.description,
            "createdAt": lambda group: group.created_at,
            "updatedAt": lambda group: group.updated_at,
        },
    )


def _common(call: Call) -> dict[str, Filter]:
    """Return the filters that accounts and sites share."""
    caseless = call.world.settings.exact_filters == "caseless"
    return {
        "name": text(lambda place: place.name, caseless=caseless),
        "states": any_of(lambda place: [place.state], choices=STATES),
        "isDefault": flag(lambda place: place.is_default),
        "features": any_of(lambda place: features_of(place.sku), choices=_FEATURES),
        "totalLicenses": number(lambda place: place.licenses),
        "expiration": moment(lambda place: place.expiration),
        "createdAt": moment(lambda place: place.created_at),
        "updatedAt": moment(lambda place: place.updated_at),
    }


def _newer(call: Call, more: dict[str, Filter]) -> dict[str, Filter]:
    """Return the filters that only newer consoles have."""
    if not call.world.settings.newer:
        return {}
    without = any_of(lambda place: [place.state], choices=STATES)
    shared: dict[str, Filter] = {
        "statesNin": lambda name, raw: _none_of(without(name, raw)),
        "sku": text(lambda place: place.sku, caseless=True),
        "module": any_of(lambda _place: []),
    }
    return shared | more


def _none_of(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda item: not test(item)


def _as_list(attribute: str) -> Callable[[Any], list[str]]:
    return lambda item: [getattr(item, attribute)]


def _yes_only(test: Callable[[Any], bool]) -> Filter:
    """Narrow when `true`, do nothing when `false`."""
    narrow = flag(test)

    def build(name: str, raw: str) -> Callable[[Any], bool]:
        chosen = narrow(name, raw)
        return chosen if raw.lower() == "true" else lambda _item: True

    return build


def _searched(call: Call, site: Site, account_name: str) -> list[str]:
    """Account names are not searched where there is only one account."""
    own = [site.name, site.description]
    return [*own, account_name] if len(call.world.accounts) > 1 else own


def _is_admin(call: Call, site: Site) -> bool:
    """Tell whether the caller is Admin of a site, by the predefined role of that name."""
    roles, scope = call.world.roles, Scope("site", site.id)
    return any(
        roles[grant.role_id].predefined
        and roles[grant.role_id].name == "Admin"
        and covers(call.world, holder, scope)
        for grant, holder in zip(call.caller.grants, scopes_of(call.caller), strict=True)
    )


def _sort_keys() -> dict[str, Callable[[Any], Any]]:
    return {
        "id": lambda _place: None,
        "name": lambda place: place.name,
        "totalLicenses": lambda place: place.licenses,
        "expiration": lambda place: place.expiration,
        "state": lambda place: place.state,
        "createdAt": lambda place: place.created_at,
        "updatedAt": lambda place: place.updated_at,
    }
