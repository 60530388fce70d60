"""Every operation of the console: method, path, handler, and the permission it asks for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.simulator import (
    accounts,
    activity_listing,
    bulk,
    places,
    policies,
    role_listing,
    roles,
    service_users,
    sites,
    tokens,
    users,
)
from reconciler.simulator.calls import Call

Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One documented operation; `permission` None means that any valid token will do."""

    method: str
    path: str
    handler: Handler
    permission: str | None = None
    takes_parameters: bool = False
    is_newer: bool = False
    """True for what only the newer specification has."""
    is_open: bool = False
    """True for what asks for no token."""


def methods_on(glob: str) -> tuple[str, ...]:
    """Return the methods of all operations on whose path the glob could match, each once.

    `*` is anything within one part of a path, `**` anything at all, as in a fault.
    """
    wanted = tuple(re.findall(r"\*\*?|[^*]", glob))
    found = [
        route.method
        for route in ROUTES
        if _overlap(wanted, tuple(re.findall(r"\{id\}|[^{]", route.path)))
    ]
    return tuple(dict.fromkeys(found))


@cache
def _overlap(glob: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Tell whether some text fits both; one element is a character, `*`, `**` or `{id}`."""
    if not path:
        return set(glob) <= {"*", "**"}
    if not glob:
        return False
    if glob[0] in {"*", "**"}:
        crosses = glob[0] == "**" or path[0] != "/"
        return _overlap(glob[1:], path) or (crosses and _overlap(glob, path[1:]))
    if path[0] == "{id}":
        takes = glob[0] != "/"
        return takes and (_overlap(glob[1:], path) or _overlap(glob[1:], path[1:]))
    return glob[0] == path[0] and _overlap(glob[1:], path[1:])


def _info(_call: Call) -> dict[str, Any]:
    release = {"build": "42", "latestAgentVersion": "24.1.2.6", "patch": "1", "release": "S-24.1"}
    return {"data": release | {"version": "S-24.1.1#42"}}


def _status(_call: Call) -> dict[str, Any]:
    return {"data": {"health": "ok"}}


ROUTES = (
    Route("GET", "/system/status", _status, is_open=True),
    Route("GET", "/system/status/cache", _status, is_open=True),
    Route("GET", "/system/status/db", _status, is_open=True),
    Route("GET", "/system/info", _info),
    Route("GET", "/settings/sso", policies.sso_settings, takes_parameters=True),
    Route("GET", "/accounts", places.list_accounts, "Accounts.view", takes_parameters=True),
    Route("POST", "/accounts", accounts.create_account, "Accounts.create"),
    Route("GET", "/accounts/{id}", places.get_account, "Accounts.view"),
    Route("PUT", "/accounts/{id}", accounts.update_account, "Accounts.edit"),
    Route("GET", "/accounts/{id}/policy", policies.account_policy, "Policy.view"),
    Route("POST", "/accounts/{id}/expire-now", accounts.expire_account, "Accounts.edit"),
    Route("PUT", "/accounts/{id}/reactivate", accounts.reactivate_account, "Accounts.edit"),
    Route("GET", "/sites", places.list_sites, "Sites.view", takes_parameters=True),
    Route("POST", "/sites", sites.create_site, "Sites.create"),
    Route("GET", "/sites/{id}", places.get_site, "Sites.view"),
    Route("PUT", "/sites/{id}", sites.update_site, "Sites.edit"),
    Route("DELETE", "/sites/{id}", sites.delete_site, "Sites.delete"),
    Route("GET", "/sites/{id}/policy", policies.site_policy, "Policy.view"),
    Route("POST", "/sites/{id}/expire-now", sites.expire_site, "Sites.edit"),
    Route("PUT", "/sites/{id}/reactivate", sites.reactivate_site, "Sites.edit"),
    Route("GET", "/groups", places.list_groups, "Groups.view", takes_parameters=True),
    Route("GET", "/groups/{id}", places.get_group, "Groups.view"),
    Route("GET", "/rbac/roles", role_listing.list_roles, "Roles.view", takes_parameters=True),
    Route("GET", "/rbac/role", role_listing.get_template, "Roles.view", takes_parameters=True),
    Route("POST", "/rbac/role", roles.create_role, "Roles.create"),
    Route("GET", "/rbac/role/{id}", role_listing.get_role, "Roles.view", takes_parameters=True),
    Route("PUT", "/rbac/role/{id}", roles.update_role, "Roles.edit"),
    Route("DELETE", "/rbac/role/{id}", roles.delete_role, "Roles.delete"),
    Route("GET", "/user", users.get_self, "Users.view", takes_parameters=True),
    Route("GET", "/users", users.list_users, "Users.view", takes_parameters=True),
    Route("POST", "/users", users.create_user, "Users.create"),
    Route("POST", "/users/delete-users", bulk.delete_users, "Users.delete"),
    Route("POST", "/users/api-token-details", tokens.token_details),
    Route("POST", "/users/generate-api-token", tokens.generate_own_token),
    Route("POST", "/users/revoke-api-token", tokens.revoke_token),
    Route("GET", "/users/viewer-auth-check", users.check_viewer),
    Route("GET", "/users/tenant-admin-auth-check", users.check_tenant_admin),
    Route("GET", "/users/rs-auth-check", users.check_remote_shell),
    Route("GET", "/users/{id}", users.get_user, "Users.view"),
    Route("PUT", "/users/{id}", users.update_user, "Users.edit"),
    Route("DELETE", "/users/{id}", users.delete_user, "Users.delete"),
    Route("GET", "/users/{id}/api-token-details", tokens.token_of, "Users.view"),
    Route("GET", "/service-users", service_users.list_service_users, "Service Users.view",
          takes_parameters=True),
    Route("POST", "/service-users", service_users.create_service_user, "Service Users.create"),
    Route("POST", "/service-users/delete-service-users", bulk.delete_service_users,
          "Service Users.delete"),
    Route("GET", "/service-users/{id}", service_users.get_service_user, "Service Users.view",
          is_newer=True),
    Route("PUT", "/service-users/{id}", service_users.update_service_user, "Service Users.edit"),
    Route("DELETE", "/service-users/{id}", service_users.delete_service_user,
          "Service Users.delete"),
    Route("POST", "/service-users/{id}/generate-api-token", tokens.generate_token,
          "Service Users.edit", is_newer=True),
    Route("GET", "/activities", activity_listing.list_activities, "Activity Page.view",
          takes_parameters=True),
    Route("GET", "/activities/types", activity_listing.list_types, "Activity Page.view"),
    Route("GET", "/export/activities", activity_listing.export_activities, "Activity Page.view",
          takes_parameters=True),
)  # fmt: skip
"""A path without `{id}` wins over one with it."""
