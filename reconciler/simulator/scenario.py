r"""Scenarios: what shall go wrong in a rehearsal, as a JSON file, a JSON body or options.

A fault in short is `KIND[+effect][=VALUE]@WHERE`. WHERE is a number among all requests, or
`[METHOD ]PATH[#NUMBER]`, counted among those that match; for NUMBER also `7-9`, `7-` (from the
seventh on), `*` (each) and `5%` (by chance).

    503@7                               the seventh request, whatever it is
    429=30@5-9                          five in a row, with Retry-After: 30
    reset-after@PUT /users/*#2          the response to the second change of a user is lost
    504+effect@POST /users              done, and answered by 504, each time
    latency=2@5%                        every twentieth or so, two seconds late
    change=petra@acme.example DELETE /users/{ana@acme.example}@12
                                        Petra deletes Ana just before the twelfth request

The API prefix may be left out of every path. A fault in full is an object, in a file or a PUT:
`GET /_simulator/` answers the schema of all that as `schema`, and as `kinds` what values mean.

A failing DNS look-up, a TLS error and a refused connection come before HTTP: no fault makes them.
Point the client at a name that does not exist (`http://console.invalid`), with `https://` at this
plain-text port, or at a port on which nobody listens; `refuse` comes nearest to the last.
"""

import argparse
import difflib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.faults import API, Act, Fault
from reconciler.simulator.routes import methods_on
from reconciler.simulator.strict_json import tree_of
from reconciler.simulator.throttle import LIMITS, RETRY_AFTER, RateLimits

SCHEMA = Path(__file__).with_name("scenario.schema.json")
_SHORT = re.compile(r"(?P<kind>[a-z0-9-]+)(?P<effect>\+effect)?(=(?P<value>.*))?", re.DOTALL)
_WHERE = re.compile(
    r"((?P<method>[A-Z]+) )?(?P<path>/[^#]*)?(?(path)(#|$))"
    r"((?P<percent>[0-9]+(\.[0-9]+)?)%|(?P<at>[0-9]+(-[0-9]*)?|\*))?"
)
_RETRY_VALUE = re.compile(r"([0-9]{1,9}|date(\+[0-9]{1,9})?)?")
_TARGET_VALUE = re.compile(r"same|port|host|https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class Scenario:
    """What shall go wrong; without anything, nothing does."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0
    rate_limits: RateLimits | None = None
    frozen: datetime | None = None
    """Where the console's clock stands still; None: it runs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `from_arguments` reads."""
    group = parser.add_argument_group("what shall go wrong")
    group.add_argument("--scenario", type=Path, metavar="FILE", help="faults and more, as JSON")
    group.add_argument(
        "--fault", action="append", default=[], metavar="KIND[=VALUE]@WHERE",
        help="one fault, such as 503@7 or 'reset-after@PUT /users/*#2'; may be repeated",
    )  # fmt: skip
    group.add_argument("--fault-seed", type=int, metavar="N", help="decides faults by chance")
    group.add_argument(
        "--rate-limits", nargs="?", const="none", choices=RETRY_AFTER,
        help="limit requests as the console does; a 429 tells nothing, seconds or a date",
    )  # fmt: skip
    group.add_argument(
        "--log", action=argparse.BooleanOptionalAction, default=True,
        help="one line a request on standard error",
    )  # fmt: skip


def from_arguments(options: argparse.Namespace) -> Scenario:
    """Return what the options ask for; options win over the file.

    Raises ValueError with what is wrong, or OSError.
    """
    scenario = load(options.scenario) if options.scenario else Scenario()
    faults = tuple(parse_short(text) for text in options.fault)
    scenario = replace(scenario, faults=scenario.faults + faults)
    if options.fault_seed is not None:
        scenario = replace(scenario, seed=options.fault_seed)
    if options.rate_limits:
        scenario = replace(scenario, rate_limits=RateLimits(retry_after=options.rate_limits))
    return scenario


def load(path: Path) -> Scenario:
    """Read a scenario file; raises ValueError naming the file and what is wrong, or OSError."""
    try:
        return parse(tree_of(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse(tree: Any) -> Scenario:
    """Build a scenario from its JSON tree; raises ValueError naming the place at fault."""
    check(tree)
    faults = []
    for number, item in enumerate(tree.get("faults", [])):
        try:
            faults.append(parse_short(item) if isinstance(item, str) else _full(item))
        except ValueError as error:
            raise ValueError(f"faults[{number}]: {error}") from None
    return Scenario(
        tuple(faults),
        tree.get("seed", 0),
        parse_limits(tree.get("rate_limits", False)),
        parse_instant(tree["clock"]) if "clock" in tree else None,
    )


def check(tree: Any, what: str = "the scenario") -> None:
    """Raise ValueError, one line with the place at fault, unless the tree fits the schema.

    `what` is `the scenario`, or `the fault` for one alone.
    """
    error = best_match(_VALIDATORS[what].iter_errors(tree))
    if error is None:
        return
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.path)
    raise ValueError(f"{path.lstrip('.') or what}: {error.message}")


def parse_limits(tree: Any) -> RateLimits | None:
    """Build rate limits from a tree that fits the schema."""
    if tree is False:
        return None
    given: Mapping[str, Any] = {} if tree is True else tree
    table = given.get("limits", LIMITS)
    limits = {prefix: (rate, burst) for prefix, (rate, burst) in table.items()}
    return RateLimits(limits, given.get("retry_after", "none"))


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant, naive meaning UTC; raises ValueError."""
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"clock: {text!r} is no instant such as 2026-11-23T09:00:00Z") from None


def parse_short(text: str) -> Fault:
    """Read a fault in short; raises ValueError with an example of a right one."""
    what, at_sign, where = text.rpartition("@")
    left, right = _SHORT.fullmatch(what), _WHERE.fullmatch(where)
    if not (at_sign and left and right and where):
        raise ValueError(
            f"{text!r} is no fault: write KIND[=VALUE]@WHERE, "
            "such as 503@7 or 'reset-after@PUT /users/*#2'"
        )
    tree = {"kind": left["kind"], "effect": bool(left["effect"])}
    tree |= {key: right[key] for key in ("method", "path", "at") if right[key]}
    if right["percent"]:
        tree["chance"] = float(right["percent"]) / 100
    if left["kind"] == "change":
        tree["requests"] = [_short_act(left["value"] or "")]
    elif left["value"] is not None:
        tree["value"] = left["value"]
    check(tree, "the fault")
    return _full(tree)


def in_full(fault: Fault) -> dict[str, Any]:
    """Write a fault in the words of the schema; `parse` reads the same fault from it."""
    last = "" if fault.last is None else str(fault.last)
    at = f"{fault.first}-{last}" if fault.last != fault.first else str(fault.first)
    plain = ("kind", "value", "method", "path", "chance", "count", "effect", "when")
    tree = {name: getattr(fault, name) for name in plain}
    tree |= {"at": "*" if at == "1-" else at}
    if fault.requests:
        tree["requests"] = [
            {"as": act.principal, "method": act.method, "path": act.path, "body": act.body}
            for act in fault.requests
        ]
    return {name: value for name, value in tree.items() if value is not None and value != ""}


def _short_act(text: str) -> dict[str, Any]:
    name, method, path, body = [*text.split(" ", 3), "", "", "", ""][:4]
    tree: dict[str, Any] = {"as": name, "method": method, "path": path}
    return tree | ({"body": json.loads(body)} if body else {})


def _full(tree: Mapping[str, Any]) -> Fault:
    first, last = _span(str(tree.get("at", "*")))
    acts = tree.get("requests", [])
    fault = Fault(
        kind=tree["kind"],
        value=_value(tree["kind"], tree.get("value")),
        first=first,
        last=last,
        method=tree.get("method", ""),
        path=tree.get("path", ""),
        chance=tree.get("chance", 1.0),
        count=tree.get("count"),
        effect=tree.get("effect", False),
        when=tree.get("when", "before"),
        requests=tuple(
            Act(each["as"], each["method"], each["path"], each.get("body")) for each in acts
        ),
    )
    if fault.effect and KINDS[fault.kind].stage != "instead":
        raise ValueError(f"{fault.kind}: `effect` is for faults that answer instead of the console")
    if (fault.kind == "change") != bool(acts):
        raise ValueError("a change, and nothing else, has `requests`")
    _check_target(fault)
    return fault


def _check_target(fault: Fault) -> None:
    """Raise ValueError for a method and path that no operation has: they would never be met."""
    path = fault.path.removeprefix(API) if fault.path else "/**"
    methods, every = methods_on(path), methods_on("/**")
    if fault.method and fault.method not in every:
        raise ValueError(f"method: {fault.method!r} is none of {', '.join(every)}")
    if not methods:
        raise ValueError(f"path: no operation of the console has a path like {fault.path!r}")
    if fault.method and fault.method not in methods:
        raise ValueError(
            f"method: {fault.path!r} knows no {fault.method}, only {', '.join(methods)}"
        )


def _span(text: str) -> tuple[int, int | None]:
    if text == "*":
        return 1, None
    first, dash, last = text.partition("-")
    span = int(first), int(last) if last else None if dash else int(first)
    if span[1] is not None and span[1] < span[0]:
        raise ValueError(f"at: {text} ends before it begins")
    return span


def _value(name: str, given: Any) -> float | str | None:
    """Return the value of a fault, by default that of its kind; raises ValueError."""
    kind = KINDS.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, KINDS, 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}"
        raise ValueError(f"unknown kind {name!r}; {hint}")
    if given is None:
        return kind.default
    if kind.default is None:
        raise ValueError(f"{name} takes no value")
    if kind.is_number:
        return _number(name, given, kind.minimum, kind.maximum)
    text = str(given)
    form = {"": _RETRY_VALUE, "same": _TARGET_VALUE}.get(str(kind.default))
    if form and not form.fullmatch(text):
        raise ValueError(f"{name}: the value {text!r} is none of {kind.value}")
    return text


def _number(name: str, given: Any, minimum: int, maximum: int) -> float:
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not minimum <= number <= maximum:
        raise ValueError(f"{name}: the value {given!r} is no number from {minimum} to {maximum}")
    return int(number) if number.is_integer() else number


_FORM: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
_VALIDATORS = {
    "the scenario": Draft202012Validator(_FORM),
    "the fault": Draft202012Validator(_FORM["properties"]["faults"]["items"]),
}
