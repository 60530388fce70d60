"""`python -P -m reconciler.simulator [--port N] [--world FILE] [--watch-stdin]`.

Serves on 127.0.0.1, prints one JSON line `{"url": ..., "token": ...}` as soon as the socket
accepts, and goes on until SIGTERM or SIGINT, with `--watch-stdin` also until its standard input
is closed.
Exit codes: 0 stopped, 1 could not start.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from reconciler.simulator.serve import Server, listen, open_console, server_for, url_of
from reconciler.simulator.world import DEFAULT_WORLD, load

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_CHUNK = 4096


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        console = open_console(load(options.world))
        token = console.mint_apply_token()
        listener = listen(options.port)
    except (OSError, ValueError, OverflowError) as error:
        sys.stderr.write(f"the simulator cannot start: {error}\n")
        return 1
    with listener:
        asyncio.run(_serve(server_for(console), listener, token, watch=options.watch_stdin))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reconciler.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 means any")
    parser.add_argument("--world", type=Path, default=DEFAULT_WORLD, help="world file (JSON)")
    parser.add_argument(
        "--watch-stdin", action="store_true", help="stop when standard input is closed"
    )
    return parser


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
