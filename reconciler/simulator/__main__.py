"""`python -P -m reconciler.simulator`, the same as `reconciler simulator`; `--help` tells all.

Prints one JSON line `{"url": ..., "token": ...}` as soon as the socket accepts, and goes on until
SIGTERM or SIGINT, with `--watch-stdin` also until its standard input is closed.
Exit codes: 0 stopped, 1 could not start.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading

from reconciler.simulator.app import PREFIX, handle
from reconciler.simulator.calls import Console
from reconciler.simulator.diary import tell
from reconciler.simulator.door import door_for
from reconciler.simulator.envelopes import Request
from reconciler.simulator.options import read, world_for
from reconciler.simulator.present import as_of
from reconciler.simulator.rehearsal import Rehearsal
from reconciler.simulator.scenario import from_arguments
from reconciler.simulator.serve import Server, listen, open_console, server_for, url_of, wall_clock
from reconciler.simulator.storage import Storage
from reconciler.simulator.world import World, dump

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CHUNK = 4096
_MANY = 1000
"""Users; also the longest page."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    options = read(sys.argv[1:] if arguments is None else arguments, os.environ)
    with contextlib.ExitStack() as stack:
        try:
            if options.export:
                return _export(options, stack)
            console, token = _open(options, stack)
            console.door = door_for(options.host, options.control_token)
            _warm_up(console, token)
            rehearsal = Rehearsal(console, from_arguments(options), tell if options.log else None)
            listener = stack.enter_context(listen(options.port, options.host))
        except (OSError, ValueError, OverflowError) as error:
            sys.stderr.write(f"the simulator cannot start: {error}\n")
            return 1
        asyncio.run(_serve(server_for(rehearsal), listener, token, watch=options.watch_stdin))
    return 0


def _open(options: argparse.Namespace, stack: contextlib.ExitStack) -> tuple[Console, str]:
    """Return the console and the token to tell; from the state file if there is something in it."""
    if options.state is None:
        console = open_console(_world(options)[0])
        return console, console.mint_apply_token()
    storage = stack.enter_context(contextlib.closing(Storage(options.state)))
    if storage.is_new:
        world, origin = _world(options)
        console = open_console(world)
        token = console.mint_apply_token()
        storage.begin(console, origin, token)
    else:
        if options.world or options.seed is not None:
            _check_origin(options, storage)
        console = open_console(World())
        token = storage.restore(console)
    console.keep = storage.save
    return console, token


def _world(options: argparse.Namespace) -> tuple[World, str]:
    """Return the world to serve as `world_for` does; the sample company as it is today."""
    world, origin = world_for(options)
    if options.world is None and options.seed is None:
        world = as_of(world, from_arguments(options).frozen or wall_clock())
    return world, origin


def _warm_up(console: Console, token: str) -> None:
    """Ask for the long listings of a large world once, so that the first client need not wait."""
    if len(console.world.users) < _MANY:
        return
    for path in ("/users", "/service-users"):
        cursor: str | None = ""
        while cursor is not None:
            headers = (("authorization", f"ApiToken {token}"),)
            request = Request("GET", PREFIX + path, f"limit={_MANY}&cursor={cursor}", headers)
            pagination = json.loads(handle(console, request).body).get("pagination", {})
            cursor = pagination.get("nextCursor")
    console.requests.clear()


def _check_origin(options: argparse.Namespace, storage: Storage) -> None:
    """Raise ValueError when the state did not begin as the world that the options ask for."""
    wanted, kept = world_for(options)[1], storage.origin() or "the sample world"
    if wanted != kept:
        raise ValueError(
            f"{options.state} began with {kept}, not with {wanted}: name another state file, or "
            "leave the world out to go on with what is kept"
        )


def _export(options: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    """Write the world to a file, or to standard output."""
    is_kept = options.state is not None and options.state.exists()
    world = _open(options, stack)[0].world if is_kept else world_for(options)[0]
    if str(options.export) == "-":
        sys.stdout.write(dump(world))
    else:
        options.export.write_text(dump(world), encoding="utf-8")
    return 0


async def _serve(server: Server, listener: socket.socket, token: str, *, watch: bool) -> None:
    def stop() -> None:
        server.should_exit = True

    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    if watch:
        threading.Thread(target=_watch, args=(server,), daemon=True).start()
    sys.stdout.write(json.dumps({"url": url_of(listener), "token": token}) + "\n")
    sys.stdout.flush()
    await server.serve([listener])


def _watch(server: Server) -> None:
    """Wait for the end of standard input; reads past Python's buffer, whose lock outlives us."""
    while os.read(0, _CHUNK):
        pass
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
