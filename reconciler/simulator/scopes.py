"""Who reaches what: access is inherited downwards (API reference, section 6 item 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from reconciler.simulator.records import Account, Grant, Group, Principal, ServiceUser, Site, User
from reconciler.simulator.world import World

Seen = TypeVar("Seen", User, ServiceUser)

LEVELS = ("tenant", "account", "site")


@dataclass(frozen=True, slots=True)
class Scope:
    """A level and the id of an account or site; the id is empty for the tenant."""

    level: str
    id: str


def scopes_of(principal: Principal) -> list[Scope]:
    """Return the scopes a principal stands on."""
    return [Scope(principal.scope, grant.scope_id) for grant in principal.grants]


def covers(world: World, holder: Scope, scope: Scope) -> bool:
    """Tell whether access on `holder` reaches `scope`."""
    if holder.level == "tenant" or holder == scope:
        return True
    if holder.level == "account" and scope.level == "site":
        site = world.sites.get(scope.id)
        return site is not None and site.account_id == holder.id
    if scope.level == "group":
        return covers(world, holder, Scope("site", world.groups[scope.id].site_id))
    return False


def home(world: World, scope: Scope) -> tuple[Account | None, Site | None, Group | None]:
    """Return the account, the site and the group that a scope lies in or is."""
    group = world.groups.get(scope.id) if scope.level == "group" else None
    site = world.sites.get(group.site_id if group else scope.id)
    account = world.accounts.get(site.account_id if site else scope.id)
    return account, site, group


def reaches(world: World, caller: Principal, scope: Scope) -> bool:
    """Tell whether any grant of the caller covers the scope."""
    return any(covers(world, holder, scope) for holder in scopes_of(caller))


def reaches_all(caller: Principal) -> bool:
    """Tell whether the caller stands on the tenant."""
    return caller.scope == "tenant" and bool(caller.grants)


def visible_grants(world: World, caller: Principal, principal: Principal) -> tuple[Grant, ...]:
    """Return the part of a principal's grants that the caller's scope covers."""
    if reaches_all(caller):
        return principal.grants
    return tuple(
        grant
        for grant in principal.grants
        if reaches(world, caller, Scope(principal.scope, grant.scope_id))
    )


def seen_of(world: World, caller: Principal, principals: Iterable[Seen]) -> list[Seen]:
    """Return those of the principals that are in the caller's lists."""
    if reaches_all(caller):
        return list(principals)
    return [each for each in principals if sees(world, caller, each)]


def sees(world: World, caller: Principal, principal: Principal) -> bool:
    """Tell whether a principal is in the caller's lists: at least one grant is covered."""
    return reaches_all(caller) or bool(visible_grants(world, caller, principal))


def visible_accounts(world: World, caller: Principal) -> list[Account]:
    """Return the accounts the caller stands on or above."""
    return [
        account
        for account in world.accounts.values()
        if reaches(world, caller, Scope("account", account.id))
    ]


def visible_sites(world: World, caller: Principal) -> list[Site]:
    """Return the sites the caller reaches, in every state."""
    return [site for site in world.sites.values() if reaches(world, caller, Scope("site", site.id))]
