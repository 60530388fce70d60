"""The console on a loopback socket: a thin ASGI adapter, served by uvicorn.

`http="h11"` is fixed so that a protocol class of our own can later damage answers byte by byte.
"""

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn

from reconciler.simulator.app import handle
from reconciler.simulator.calls import Change, Console
from reconciler.simulator.envelopes import Request
from reconciler.simulator.world import World, load

HOST = "127.0.0.1"
_PATIENCE = 0.005
"""Seconds for connections to close by themselves."""


@dataclass(frozen=True, slots=True)
class Running:
    """A console that is being served."""

    url: str
    token: str
    """Of the world's apply service user."""
    console: Console

    @property
    def world(self) -> World:
        """The world; tests may change it between requests."""
        return self.console.world

    @property
    def changes(self) -> list[Change]:
        """Every change so far, oldest first."""
        return self.console.changes

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(method, path) of every request so far, oldest first."""
        return self.console.requests

    def token_for(self, name: str, expires: datetime | None = None) -> str:
        """Mint a token for a user (by e-mail) or service user (by name); KeyError if unknown."""
        principal = self.world.named(name)
        if principal is None:
            raise KeyError(name)
        return self.console.mint(principal.id, expires)


class Server(uvicorn.Server):
    """uvicorn without its signal handling, and quick to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone; whoever runs the server decides about them."""
        yield

    async def main_loop(self) -> None:
        """Serve until `should_exit`, looking ten times as often as uvicorn does."""
        while not self.should_exit:  # noqa: ASYNC110  the flag is set from other threads
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every connection, politely and then for good; uvicorn would wait 0.1 s."""
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(_PATIENCE)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def wall_clock() -> datetime:
    """Return the time of day; the only place of the simulator that looks."""
    return datetime.now(UTC)  # noqa: TID251  another building: it has its own clock, passed in


def open_console(world: World | None = None, clock: Callable[[], datetime] = wall_clock) -> Console:
    """Return a console over the given world, or over the default one."""
    return Console(world or load(), clock, lambda: secrets.token_urlsafe(48))


def listen(port: int = 0) -> socket.socket:
    """Open the loopback socket; it accepts at once. Port 0 means any. Raises OSError."""
    # With the protocol named, asyncio turns off Nagle's algorithm; else each answer costs 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def server_for(console: Console) -> Server:
    """Return a server of that console, not started yet."""
    config = uvicorn.Config(
        adapt(console), http="h11", loop="asyncio", ws="none", lifespan="off",
        access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return Server(config)


@contextlib.contextmanager
def running(
    world: World | None = None, port: int = 0, clock: Callable[[], datetime] = wall_clock
) -> Iterator[Running]:
    """Serve from a thread for the length of a `with` block."""
    console = open_console(world, clock)
    token = console.mint_apply_token()
    listener = listen(port)
    server = server_for(console)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve([listener])), name="simulator", daemon=True
    )
    thread.start()
    try:
        yield Running(url_of(listener), token, console)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def adapt(console: Console) -> Callable[..., Any]:
    """Return the ASGI application over a console: bytes in, bytes out, nothing decided."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = tuple(
            (key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]
        )
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], scope["path"], query, headers, body)
        response = handle(console, request)
        content = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(response.body)).encode()),
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": content})
        await send({"type": "http.response.body", "body": response.body})

    return application
