"""The simulator's own door, beside the console's: everything under `/_simulator/`.

Every request but the first must carry the header `X-Simulator-Control: yes`, so that no web page
and no client that got lost can use it; its value is the secret SIMULATOR_CONTROL_TOKEN if the
simulator was started with one. Off loopback, without a secret, all of this is off.

    GET    /_simulator/             this text, every kind of fault, how a fault is written in
                                    short (`faults`) and, with all else, in full (`schema`)
    GET    /_simulator/faults       {"faults": [{"fault": {...}, "matched", "hits", "missed"}],
                                    "seed", "requests": so many since the faults were set};
                                    each "fault" is in full, as PUT takes it
    PUT    /_simulator/faults       {"faults": [...], "seed": 0}, as in a scenario file, each in
                                    full or in short ("503@7"); requests count from 1 again
    DELETE /_simulator/faults       no faults any more
    PUT    /_simulator/scenario     a whole scenario file, in place of all that is in force
    GET    /_simulator/rate-limits  {"rate_limits": null or {"retry_after", "limits"}}
    PUT    /_simulator/rate-limits  {} for the known ones, or {"retry_after": "none", "seconds" or
                                    "date", "limits": {"/users": [40, 80]}}; full buckets
    DELETE /_simulator/rate-limits  no limits any more
    GET    /_simulator/clock        {"now", "frozen"}
    PUT    /_simulator/clock        {"freeze": true, false or an instant} and/or
                                    {"advance": seconds}; in this order
    GET    /_simulator/changes      {"changes": [...]}: the ground truth, oldest first; each with
                                    sequence, at, actor_id, actor, method, path, before, after,
                                    invited
    GET    /_simulator/requests     {"total", "counts": {"GET /web/...": 3},
                                    "requests": [[method, path], ...]}
    GET    /_simulator/log          {"entries": [...]}: each request with index, at, method, path,
                                    status (0: none), principal and faults; index null marks what
                                    other actors did; beside faults that were set it names
                                    `rate-limit`, and `internal-error`: a defect of the simulator
    POST   /_simulator/reset        back to the first world, with empty diaries, the clock going
                                    right, the same faults, and requests counted from 1; started
                                    again with --state, the first world is the one it found there
    GET    /_simulator/world        the world as its file would hold it
    POST   /_simulator/world        replaces the world, by one or by a snapshot of a console, and
                                    resets; tokens of principals that are still there go on working
    POST   /_simulator/tokens       {"principal": "<e-mail or service user name>"} -> {"token"}:
                                    a new token that acts as that principal

The fault `refuse` resets connections to this door too, and each one counts: do not ask until the
client has met them.

Errors come in the console's envelope: 404 unknown, 405 method, 403 without the header, 400.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from reconciler.simulator import scenario
from reconciler.simulator.calls import timestamp
from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.envelopes import (
    ApiError,
    Request,
    Response,
    answer,
    invalid,
    missing,
)  # fmt: skip
from reconciler.simulator.rehearsal import Rehearsal
from reconciler.simulator.snapshot import parse_any
from reconciler.simulator.strict_json import tree_of
from reconciler.simulator.world import export

PREFIX = "/_simulator/"
Action = Callable[[Rehearsal, Request], dict[str, Any]]


def handle(rehearsal: Rehearsal, request: Request) -> Response:
    """Answer one control request."""
    try:
        return answer(_find(rehearsal, request)(rehearsal, request))
    except ApiError as error:
        return error.response()


def _find(rehearsal: Rehearsal, request: Request) -> Action:
    name = request.path.removeprefix(PREFIX)
    actions = _ACTIONS.get(name)
    if name:
        rehearsal.console.door.admit(request)
    if actions is None:
        raise missing()
    if request.method not in actions:
        raise ApiError(405)
    return actions[request.method]


def _help(_rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    return {
        "about": (__doc__ or "").splitlines(),
        "faults": (scenario.__doc__ or "").splitlines(),
        "kinds": {
            name: {key: value for key, value in asdict(kind).items() if value not in {"", None}}
            for name, kind in KINDS.items()
        },
        "schema": json.loads(scenario.SCHEMA.read_text(encoding="utf-8")),
    }


def _faults(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    schedule = rehearsal.schedule
    pairs = zip(schedule.faults, schedule.tallies, strict=True)
    return {
        "faults": [{"fault": scenario.in_full(fault), **asdict(tally)} for fault, tally in pairs],
        "seed": schedule.seed,
        "requests": rehearsal.index,
    }


def _set_faults(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    tree = _tree(request)
    for name in sorted(set(tree) - {"faults", "seed"}):
        raise invalid(f"{name}: Unknown field")
    wanted = _parsed(scenario.parse, tree)
    _arrange(rehearsal, replace(rehearsal.scenario, faults=wanted.faults, seed=wanted.seed))
    return _faults(rehearsal, request)


def _drop_faults(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    rehearsal.arrange(replace(rehearsal.scenario, faults=()))
    return _faults(rehearsal, request)


def _set_scenario(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    _arrange(rehearsal, _parsed(scenario.parse, _tree(request)))
    return _faults(rehearsal, request)


def _limits(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    limits = rehearsal.throttle.limits
    return {"rate_limits": asdict(limits) if limits else None}


def _set_limits(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    whole = _parsed(scenario.parse, {"rate_limits": _tree(request)})
    rehearsal.limit(whole.rate_limits)
    return _limits(rehearsal, request)


def _drop_limits(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    rehearsal.limit(None)
    return _limits(rehearsal, request)


def _clock(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    clock = rehearsal.clock
    return {"now": timestamp(clock()), "frozen": clock.frozen is not None}


def _set_clock(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    tree, clock = request.json(), rehearsal.clock
    for name in sorted(set(tree) - {"freeze", "advance"}):
        raise invalid(f"{name}: Unknown field")
    freeze, seconds = tree.get("freeze"), tree.get("advance", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise invalid("advance: Not a number of seconds.")
    if not (freeze is None or isinstance(freeze, bool | str)):
        raise invalid("freeze: Not an instant, true or false.")
    instant = _parsed(scenario.parse_instant, freeze) if isinstance(freeze, str) else None
    if freeze:
        clock.freeze(instant)
    elif freeze is False:
        clock.thaw()
    try:
        clock.advance(seconds)
    except (OverflowError, ValueError) as error:
        raise invalid(f"advance: {error}") from error
    return _clock(rehearsal, request)


def _changes(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    return {"changes": [asdict(change) for change in rehearsal.console.changes]}


def _requests(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    requests = rehearsal.console.requests
    counts = Counter(f"{method} {path}" for method, path in requests)
    return {"total": len(requests), "counts": dict(sorted(counts.items())), "requests": requests}


def _log(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    return {"entries": [asdict(entry) for entry in rehearsal.diary.entries]}


def _reset(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    rehearsal.reset()
    return {"success": True}


def _export(rehearsal: Rehearsal, _request: Request) -> dict[str, Any]:
    return export(rehearsal.console.world)


def _replace(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    try:
        world = parse_any(request.json())
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid(f"world: {error}") from error
    rehearsal.begin_with(world)
    return {"success": True}


def _mint(rehearsal: Rehearsal, request: Request) -> dict[str, Any]:
    name = request.json().get("principal")
    principal = rehearsal.console.world.named(name) if isinstance(name, str) else None
    if principal is None:
        raise invalid(f"principal: nobody is called {name!r} here")
    return {"token": rehearsal.console.mint(principal.id)}


def _arrange(rehearsal: Rehearsal, wanted: scenario.Scenario) -> None:
    try:
        rehearsal.arrange(wanted)
    except ValueError as error:
        raise invalid(str(error)) from error


def _tree(request: Request) -> dict[str, Any]:
    """Return the body as an object in which no key stands twice; raises ApiError 400."""
    request.json()
    tree: dict[str, Any] = _parsed(tree_of, request.body)
    return tree


def _parsed(read: Callable[[Any], Any], given: Any) -> Any:
    try:
        return read(given)
    except ValueError as error:
        raise invalid(str(error)) from error


_ACTIONS: Mapping[str, Mapping[str, Action]] = {
    "": {"GET": _help},
    "faults": {"GET": _faults, "PUT": _set_faults, "DELETE": _drop_faults},
    "scenario": {"PUT": _set_scenario},
    "rate-limits": {"GET": _limits, "PUT": _set_limits, "DELETE": _drop_limits},
    "clock": {"GET": _clock, "PUT": _set_clock},
    "changes": {"GET": _changes},
    "requests": {"GET": _requests},
    "log": {"GET": _log},
    "reset": {"POST": _reset},
    "world": {"GET": _export, "POST": _replace},
    "tokens": {"POST": _mint},
}
