"""The simulator's own door, beside the console's: everything under `/_simulator/`.

Every request must carry the header `X-Simulator-Control: yes`, so that no web page and no client
that got lost can use it. There is no token: the server listens on loopback only.

    GET  /_simulator/changes   {"changes": [...]}: the ground truth, oldest first; each with
                               sequence, at, actor_id, actor, method, path, before, after, invited
    GET  /_simulator/requests  {"total", "counts": {"GET /web/...": 3},
                                "requests": [[method, path], ...]}
    GET  /_simulator/world     the world as its file would hold it
    POST /_simulator/world     replaces the world and empties changes and requests; tokens of
                               principals that are still there go on working
    POST /_simulator/tokens    {"principal": "<e-mail or service user name>"} -> {"token": "..."}:
                               a new token that acts as that principal

Errors come in the console's envelope: 404 unknown, 405 method, 403 without the header, 400.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from reconciler.simulator.calls import Console
from reconciler.simulator.envelopes import (
    ApiError,
    Request,
    Response,
    answer,
    forbidden,
    invalid,
    missing,
)  # fmt: skip
from reconciler.simulator.world import export, parse

PREFIX = "/_simulator/"
Action = Callable[[Console, Request], dict[str, Any]]


def handle(console: Console, request: Request) -> Response:
    """Answer one control request."""
    try:
        return answer(_find(request)(console, request))
    except ApiError as error:
        return error.response()


def _find(request: Request) -> Action:
    actions = _ACTIONS.get(request.path.removeprefix(PREFIX))
    if request.header("x-simulator-control") != "yes":
        raise forbidden("send the header X-Simulator-Control: yes")
    if actions is None:
        raise missing()
    if request.method not in actions:
        raise ApiError(405)
    return actions[request.method]


def _changes(console: Console, _request: Request) -> dict[str, Any]:
    return {"changes": [asdict(change) for change in console.changes]}


def _requests(console: Console, _request: Request) -> dict[str, Any]:
    counts = Counter(f"{method} {path}" for method, path in console.requests)
    return {
        "total": len(console.requests),
        "counts": dict(sorted(counts.items())),
        "requests": console.requests,
    }


def _export(console: Console, _request: Request) -> dict[str, Any]:
    return export(console.world)


def _replace(console: Console, request: Request) -> dict[str, Any]:
    try:
        world = parse(request.json())
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid(f"world: {error}") from error
    console.world = world
    console.changes.clear()
    console.requests.clear()
    return {"success": True}


def _mint(console: Console, request: Request) -> dict[str, Any]:
    name = request.json().get("principal")
    principal = console.world.named(name) if isinstance(name, str) else None
    if principal is None:
        raise invalid(f"principal: nobody is called {name!r} here")
    return {"token": console.mint(principal.id)}


_ACTIONS: Mapping[str, Mapping[str, Action]] = {
    "changes": {"GET": _changes},
    "requests": {"GET": _requests},
    "world": {"GET": _export, "POST": _replace},
    "tokens": {"POST": _mint},
}
