"""Reading accounts, sites and groups (API reference, sections 5.4 to 5.6 and 9)."""

from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden, missing
from reconciler.simulator.lists import paginate
from reconciler.simulator.place_listing import account_listing, group_listing, site_listing
from reconciler.simulator.records import Account, Site
from reconciler.simulator.scopes import Scope, reaches, visible_accounts, visible_sites
from reconciler.simulator.views import (
    account_view,
    active_licenses,
    as_of,
    group_view,
    listed_group_view,
    site_view,
    sites_by_account,
)


def list_accounts(call: Call) -> dict[str, Any]:
    """`GET /accounts`; 403 for a caller at site level."""
    if call.caller.scope == "site":
        raise forbidden("Action is not allowed to site users")
    world, now = call.world, call.console.stamp()
    sites = sites_by_account(world, now)
    accounts = [as_of(now, account) for account in visible_accounts(world, call.caller)]
    page = paginate(account_listing(call), accounts, call.parameters)
    return {
        "data": [account_view(world, account, sites[account.id]) for account in page.items],
        "pagination": page.pagination,
    }


def list_sites(call: Call) -> dict[str, Any]:
    """`GET /sites`: the items are in `data.sites`; deleted and expired ones included."""
    now = call.console.stamp()
    sites = [as_of(now, site) for site in visible_sites(call.world, call.caller)]
    page = paginate(site_listing(call), sites, call.parameters)
    totals = {
        "totalLicenses": sum(site.licenses for site in sites),
        "activeLicenses": sum(active_licenses(site) for site in sites),
    }
    views = [site_view(call.world, site) for site in page.items]
    return {"data": {"allSites": totals, "sites": views}, "pagination": page.pagination}


def list_groups(call: Call) -> dict[str, Any]:
    """`GET /groups`: those of sites the caller reaches."""
    seen = {site.id for site in visible_sites(call.world, call.caller)}
    groups = [group for group in call.world.groups.values() if group.site_id in seen]
    page = paginate(group_listing(call), groups, call.parameters)
    return {
        "data": [listed_group_view(group) for group in page.items],
        "pagination": page.pagination,
    }


def get_account(call: Call) -> dict[str, Any]:
    """`GET /accounts/{id}`; 404 when it cannot be seen."""
    account, world = seen_account(call), call.world
    sites = sites_by_account(world, call.console.stamp())[account.id]
    return {"data": account_view(world, account, sites)}


def get_site(call: Call) -> dict[str, Any]:
    """`GET /sites/{id}`; 404 when it cannot be seen."""
    return {"data": site_view(call.world, seen_site(call))}


def get_group(call: Call) -> dict[str, Any]:
    """`GET /groups/{id}`; 404 when it cannot be seen."""
    group = call.world.groups.get(call.item)
    if group is None or not reaches(call.world, call.caller, Scope("group", group.id)):
        raise missing()
    return {"data": group_view(group)}


def seen_account(call: Call) -> Account:
    """Return the account in the path; raises ApiError 404 when the caller cannot see it."""
    account = call.world.accounts.get(call.item)
    if account is None or not reaches(call.world, call.caller, Scope("account", account.id)):
        raise missing()
    return as_of(call.console.stamp(), account)


def seen_site(call: Call) -> Site:
    """Return the site in the path; raises ApiError 404 when the caller cannot see it."""
    site = call.world.sites.get(call.item)
    if site is None or not reaches(call.world, call.caller, Scope("site", site.id)):
        raise missing()
    return as_of(call.console.stamp(), site)
