"""The console as one pure function: `handle(console, request) -> response`.

Order of judgement: path (404), method (405), token (401), permission (403), then the handler.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.simulator import activities, control, places, rbac, service_users, users
from reconciler.simulator.calls import Call, Console
from reconciler.simulator.envelopes import (
    ApiError,
    Request,
    Response,
    answer,
    forbidden,
    invalid,
    missing,
)
from reconciler.simulator.records import Principal

PREFIX = "/web/api/v2.1"
Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One documented operation; `permission` None means that any valid token will do."""

    method: str
    path: str
    handler: Handler
    permission: str | None = None
    takes_parameters: bool = False


def _info(_call: Call) -> dict[str, Any]:
    release = {"build": "42", "latestAgentVersion": "24.1.2.6", "patch": "1", "release": "S-24.1"}
    return {"data": release | {"version": "S-24.1.1#42"}}


ROUTES = (
    Route("GET", "/system/info", _info),
    Route("GET", "/accounts", places.list_accounts, "Accounts.view", takes_parameters=True),
    Route("GET", "/accounts/{id}", places.get_account, "Accounts.view"),
    Route("GET", "/sites", places.list_sites, "Sites.view", takes_parameters=True),
    Route("GET", "/sites/{id}", places.get_site, "Sites.view"),
    Route("GET", "/rbac/roles", rbac.list_roles, "Roles.view", takes_parameters=True),
    Route("GET", "/rbac/role/{id}", rbac.get_role, "Roles.view"),
    Route("GET", "/user", users.get_self, "Users.view", takes_parameters=True),
    Route("GET", "/users", users.list_users, "Users.view", takes_parameters=True),
    Route("POST", "/users", users.create_user, "Users.create"),
    Route("GET", "/users/viewer-auth-check", users.check_viewer),
    Route("GET", "/users/tenant-admin-auth-check", users.check_tenant_admin),
    Route("GET", "/users/{id}", users.get_user, "Users.view"),
    Route("PUT", "/users/{id}", users.update_user, "Users.edit"),
    Route("DELETE", "/users/{id}", users.delete_user, "Users.delete"),
    Route("GET", "/service-users", service_users.list_service_users, "Service Users.view",
          takes_parameters=True),
    Route("POST", "/service-users", service_users.create_service_user, "Service Users.create"),
    Route("GET", "/service-users/{id}", service_users.get_service_user, "Service Users.view"),
    Route("PUT", "/service-users/{id}", service_users.update_service_user, "Service Users.edit"),
    Route("DELETE", "/service-users/{id}", service_users.delete_service_user,
          "Service Users.delete"),
    Route("GET", "/activities", activities.list_activities, "Activity Page.view",
          takes_parameters=True),
    Route("GET", "/activities/types", activities.list_types, "Activity Page.view"),
)  # fmt: skip
"""Earlier routes win, so the named ones stand before `{id}`."""

_STATUS = Route("GET", "/system/status", lambda _call: {"data": {"health": "ok"}})
"""The one operation that asks for no token."""


def handle(console: Console, request: Request) -> Response:
    """Answer one request; never raises for anything a client can send."""
    if request.path.startswith(control.PREFIX):
        return control.handle(console, request)
    console.requests.append((request.method, request.path))
    try:
        route, item = _find(request)
        if route is _STATUS:
            return answer({"data": {"health": "ok"}})
        return answer(route.handler(_admit(console, request, route, item)))
    except ApiError as error:
        return error.response()


def _find(request: Request) -> tuple[Route, str]:
    """Return the route and the id in the path; raises ApiError 404 or 405."""
    path = request.path.removeprefix(PREFIX) if request.path.startswith(PREFIX) else ""
    matches = [
        (route, match.groupdict().get("id") or "")
        for route in (_STATUS, *ROUTES)
        if (match := _PATTERNS[route.path].fullmatch(path))
    ]
    if not matches:
        raise missing()
    named = [found for found in matches if not found[1]] or matches
    for route, item in named:
        if route.method == request.method:
            return route, item
    raise ApiError(405)


def _admit(console: Console, request: Request, route: Route, item: str) -> Call:
    """Return the call once token, permission and parameters are in order."""
    caller = _authenticate(console, request)
    if route.permission and not rbac.holds(console.world, caller, route.permission):
        raise forbidden()
    parameters = request.parameters()
    if parameters and not route.takes_parameters:
        raise invalid(f"{next(iter(parameters))}: Unknown field")
    return Call(console, request, caller, item, parameters)


def _authenticate(console: Console, request: Request) -> Principal:
    """Return who the token acts as; raises ApiError 401 (API reference, section 1)."""
    scheme, _, value = (request.header("authorization") or "").partition(" ")
    token = console.tokens.get(value.strip()) if scheme.lower() == "apitoken" else None
    principal = console.world.principal(token.principal_id) if token else None
    if token is None or principal is None:
        raise ApiError(401)
    if token.expires and token.expires <= console.clock():
        raise ApiError(401)
    return principal


_PATTERNS = {
    route.path: re.compile(re.escape(route.path).replace(r"\{id\}", "(?P<id>[^/]+)"))
    for route in (_STATUS, *ROUTES)
}
