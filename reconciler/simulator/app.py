"""The console as one pure function: `handle(console, request) -> response`.

Order of judgement: path (404), method (405), token (401), permission (403), then the handler.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.simulator import rbac
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
from reconciler.simulator.records import Principal, ServiceUser, User
from reconciler.simulator.routes import ROUTES, Route

PREFIX = "/web/api/v2.1"
NOBODY = User(id="0", email="", full_name="", scope="site")
"""Who asks what needs no token."""

WITNESSES: list[Callable[[Console, Request, Response], None]] = []
"""Called with every exchange, for whoever checks this console against its documentation."""


def handle(console: Console, request: Request) -> Response:
    """Answer one request; never raises for anything a client can send."""
    console.requests.append((request.method, request.path))
    response = _respond(console, request)
    for witness in WITNESSES:
        witness(console, request, response)
    return response


def _respond(console: Console, request: Request) -> Response:
    try:
        route, item = _find(console, request)
        call = _admit(console, request, route, item)
        return answer(route.handler(call) | _ERRORS[console.world.settings.success_errors])
    except ApiError as error:
        return error.response()


def _find(console: Console, request: Request) -> tuple[Route, str]:
    """Return the route and the id in the path; raises ApiError 404 or 405."""
    path = request.path.removeprefix(PREFIX) if request.path.startswith(PREFIX) else ""
    matches = [
        (route, match.groupdict().get("id") or "")
        for route in ROUTES
        if (match := _PATTERNS[route.path].fullmatch(path))
        and (console.world.settings.newer or not route.is_newer)
    ]
    if not matches:
        raise missing()
    named = [found for found in matches if not found[1]] or matches
    for route, item in named:
        if route.method == request.method:
            return route, item
    methods = ", ".join(dict.fromkeys(route.method for route, _ in named))
    raise ApiError(405, headers=(("allow", methods),))


def _admit(console: Console, request: Request, route: Route, item: str) -> Call:
    """Return the call once token, permission and parameters are in order."""
    caller = NOBODY if route.is_open else _authenticate(console, request)
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
    if console.world.settings.last_activation == "moving" and isinstance(principal, ServiceUser):
        principal = replace(principal, last_activation=console.stamp())
        console.world.service_users[principal.id] = principal
    return principal


_ERRORS: Mapping[str, dict[str, Any]] = {
    "absent": {}, "null": {"errors": None}, "empty": {"errors": []},
}  # fmt: skip
"""What a success says of errors, by the switch `success_errors`."""
_PATTERNS = {
    route.path: re.compile(re.escape(route.path).replace(r"\{id\}", "(?P<id>[^/]+)"))
    for route in ROUTES
}
