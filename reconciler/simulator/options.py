"""Options of the simulator, from the command line and from the environment."""

import argparse
import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NoReturn

from reconciler.simulator import scenario
from reconciler.simulator.generate import Size, generate
from reconciler.simulator.serve import HOST
from reconciler.simulator.snapshot import parse_any
from reconciler.simulator.world import DEFAULT_WORLD, World

_SIZES = tuple(item.name for item in fields(Size))
_FROM_ENVIRONMENT = (
    "host", "port", "world", "seed", *_SIZES, "state", "scenario", "fault", "fault_seed",
    "rate_limits", "log",
)  # fmt: skip
_CONTROL_TOKEN = "SIMULATOR_CONTROL_TOKEN"  # noqa: S105  the name of a variable
_PREFIX = "SIMULATOR_"
_LINKS = re.compile(r"SERVICE_(HOST|PORT)|PORT_\d+_")
"""What Kubernetes adds for a service called `simulator`; its plain SIMULATOR_PORT is an address."""
_LOG = {"yes": "--log", "no": "--no-log"}
_DESCRIPTION = """\
Serve a console to rehearse on. It speaks the Management API v2.1, goes wrong on command, and keeps
the ground truth of every change. Prints one line of JSON, {"url": ..., "token": ...}, as soon as it
answers, and serves until it is interrupted. The token may do everything.
"""
_EXAMPLES = """
examples:
  A console of a sample company, on a port of its own:
    reconciler simulator
  A large company, the same one each time, that survives restarts:
    reconciler simulator --port 8080 --seed 1 --users 10000 --sites 500 --state rehearsal.state
  Your own console, from a snapshot or from a world file:
    reconciler simulator --world snapshot.json
  The response to the second change of a user is lost; every request meets rate limits:
    reconciler simulator --fault 'reset-after@PUT /users/*#2' --rate-limits seconds
  Write a generated world down, to change it by hand:
    reconciler simulator --seed 7 --export world.json

environment:
  SIMULATOR_HOST, SIMULATOR_PORT, SIMULATOR_WORLD, SIMULATOR_SEED, SIMULATOR_ACCOUNTS ...
  SIMULATOR_SERVICE_USERS, SIMULATOR_STATE, SIMULATOR_SCENARIO, SIMULATOR_FAULT,
  SIMULATOR_FAULT_SEED, SIMULATOR_RATE_LIMITS stand for the options of those names; an option on
  the command line wins. SIMULATOR_FAULT may hold several faults, one a line or, on one line,
  separated by `;`; those on the command line come on top. SIMULATOR_LOG is yes or no.
  SIMULATOR_CONTROL_TOKEN is the secret of the control API; without it the control API is off
  wherever the simulator does not listen on loopback.

control API:
  GET /_simulator/ tells everything it can do: faults, rate limits, clock, changes, request log.
"""


def read(arguments: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """Read the command line and, for what it does not say, the environment.

    Ends the process as argparse does: 0 after help, 1 with what is wrong.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        told = _told(environ)
    except ValueError as error:
        parser.error(str(error))
    if given.world or given.seed is not None:  # the command line says which world
        told = {name: text for name, text in told.items() if name not in {"world", "seed", *_SIZES}}
    words = [word for name, text in told.items() for word in _words(name, text)]
    options = parser.parse_args([*words, *arguments])
    if options.world and options.seed is not None:
        parser.error("--world and --seed exclude each other: a world is read or generated")
    if options.seed is None and any(getattr(options, name) is not None for name in _SIZES):
        parser.error("how large a world is goes with --seed")
    options.control_token = environ.get(_CONTROL_TOKEN, "")
    return options


def world_for(options: argparse.Namespace) -> tuple[World, str]:
    """Return the world that the options ask for, and in words from what it was made.

    The words are equal for equal worlds; they are empty when the options name no world. Raises
    ValueError with what is wrong, or OSError.
    """
    if options.seed is not None:
        given = {name: getattr(options, name) for name in _SIZES}
        size = Size(**{name: value for name, value in given.items() if value is not None})
        words = " ".join(f"--{name.replace('_', '-')} {n}" for name, n in asdict(size).items())
        return generate(options.seed, size), f"--seed {options.seed} {words}"
    content = (options.world or DEFAULT_WORLD).read_bytes()
    try:
        world = parse_any(json.loads(content))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{options.world or DEFAULT_WORLD}: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    return world, f"--world with SHA-256 {digest}" if options.world else ""


def _told(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment says by name of the option; an empty variable says nothing.

    Raises ValueError for a variable that means nothing here, or SIMULATOR_LOG neither yes nor no.
    """
    known = [name.upper() for name in (*_FROM_ENVIRONMENT, "control_token")]
    for variable in sorted(environ):
        prefix, is_ours, word = variable.partition(_PREFIX)
        is_given = is_ours and not prefix and environ[variable]
        if is_given and word not in known and not _LINKS.match(word):
            near = difflib.get_close_matches(word, known, 1)
            hint = f"did you mean {_PREFIX}{near[0]}?" if near else "unset it"
            raise ValueError(f"the environment variable {variable} is unknown; {hint}")
    given = {name: environ.get(_PREFIX + name.upper(), "") for name in _FROM_ENVIRONMENT}
    told = {name: text for name, text in given.items() if text}
    if told.get("port", "").startswith("tcp://"):
        del told["port"]
    if told.get("log", "yes") not in _LOG:
        raise ValueError(f"SIMULATOR_LOG is yes or no, not {told['log']!r}")
    return told


def _words(name: str, text: str) -> list[str]:
    """Return a variable as words of the command line."""
    if name == "log":
        return [_LOG[text]]
    parts = [text]
    if name == "fault":  # a fault holds spaces and, in the body of a change, perhaps a `;`
        lines = text.strip().splitlines()
        parts = lines if len(lines) > 1 else text.split(";")
        parts = [part.strip() for part in parts if part.strip()]
    return [f"--{name.replace('_', '-')}={part}" for part in parts]


class _Parser(argparse.ArgumentParser):
    """Wrong usage ends with 1, as everywhere in the product: 2 means differences there."""

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong and where to read on."""
        self.exit(1, f"the simulator cannot start: {message}\nMore: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="reconciler simulator",
        usage="%(prog)s [options]",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    place = parser.add_argument_group("where it serves")
    place.add_argument(
        "--host", default=HOST, metavar="ADDRESS",
        help=f"address to listen on (default {HOST}; 0.0.0.0 in a container)",
    )  # fmt: skip
    place.add_argument("--port", type=int, default=0, metavar="N", help="default 0: any free one")
    place.add_argument("--watch-stdin", action="store_true", help="stop when standard input closes")
    world = parser.add_argument_group("which company (default: a small sample)")
    world.add_argument(
        "--world", type=Path, metavar="FILE", help="a world, or a snapshot of a console, as JSON"
    )
    world.add_argument("--seed", type=int, metavar="N", help="make one up; same seed, same bytes")
    for item in fields(Size):
        world.add_argument(
            f"--{item.name.replace('_', '-')}", type=int, metavar="N",
            help=_SIZE_HELP[item.name].format(item.default),
        )  # fmt: skip
    state = parser.add_argument_group("what outlives it")
    state.add_argument(
        "--state", type=Path, metavar="FILE",
        help="keep world, changes and tokens there (SQLite); goes on with what the file holds",
    )  # fmt: skip
    state.add_argument(
        "--export", type=Path, metavar="FILE", help="write the world there and end; `-`: stdout"
    )
    scenario.add_arguments(parser)
    return parser


_SIZE_HELP: Mapping[str, str] = {
    "accounts": "with --seed: so many accounts (default {})",
    "sites": "with --seed: sites, in all (default {})",
    "roles": "with --seed: roles, the six predefined ones included (default {})",
    "users": "with --seed: console users (default {})",
    "assignments": "with --seed: grants a user, on average (default {})",
    "service_users": "with --seed: service users (default {})",
}
