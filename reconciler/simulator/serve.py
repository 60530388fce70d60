"""The console on a loopback socket: a thin ASGI adapter, served by uvicorn.

The protocol class is our own, over h11, so that faults can damage answers byte by byte.
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

from reconciler.simulator import control
from reconciler.simulator.calls import Change, Console
from reconciler.simulator.delivery import Delivery, dated, failed, json_delivery
from reconciler.simulator.diary import Entry
from reconciler.simulator.envelopes import Request
from reconciler.simulator.rehearsal import Rehearsal
from reconciler.simulator.scenario import Scenario, parse
from reconciler.simulator.wire import Sleep, deliver, protocol_for
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
    rehearsal: Rehearsal

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

    @property
    def log(self) -> list[Entry]:
        """What became of every request so far, and what others did in between, oldest first."""
        return list(self.rehearsal.diary.entries)

    def rehearse(self, *faults: Any, seed: int = 0, **more: Any) -> None:
        """Set the faults, each in short (`503@7`) or as in a scenario file, and count from 1.

        `more` are further fields of a scenario file. Raises ValueError with what is wrong.
        """
        self.rehearsal.arrange(parse({"faults": list(faults), "seed": seed, **more}))

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


def listen(port: int = 0, host: str = HOST) -> socket.socket:
    """Open the socket, on loopback unless told otherwise; it accepts at once. Raises OSError.

    Port 0 means any.
    """
    # With the protocol named, asyncio turns off Nagle's algorithm; else each answer costs 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket; for one that listens everywhere, that of loopback."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": HOST, "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_for(rehearsal: Rehearsal, sleep: Sleep = asyncio.sleep) -> Server:
    """Return a server of that rehearsal's console, not started yet."""
    config = uvicorn.Config(
        adapt(rehearsal, sleep), http=protocol_for(rehearsal.turns_away), loop="asyncio",
        ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
        date_header=False, proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return Server(config)


@contextlib.contextmanager
def running(
    world: World | None = None,
    port: int = 0,
    clock: Callable[[], datetime] = wall_clock,
    scenario: Scenario | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Iterator[Running]:
    """Serve from a thread for the length of a `with` block; `sleep` is how faults pass time."""
    console = open_console(world, clock)
    token = console.mint_apply_token()
    rehearsal = Rehearsal(console, scenario)
    listener = listen(port)
    server = server_for(rehearsal, sleep)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve([listener])), name="simulator", daemon=True
    )
    thread.start()
    try:
        yield Running(url_of(listener), token, console, rehearsal)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def adapt(rehearsal: Rehearsal, sleep: Sleep = asyncio.sleep) -> Callable[..., Any]:
    """Return the ASGI application over a rehearsal: bytes in, bytes out, nothing decided."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        request = await _whole(scope, receive)
        if request is None:
            return
        delivery = dated(_kept(rehearsal, _answer(rehearsal, request)), rehearsal.clock())
        with contextlib.suppress(asyncio.CancelledError):  # the server stops: nobody is to be told
            await deliver(delivery, scope["state"]["connection"], send, sleep)

    return application


def _answer(rehearsal: Rehearsal, request: Request) -> Delivery:
    """Return the answer to a control request or to one of the console's."""
    try:
        if not request.path.startswith(control.PREFIX):
            return rehearsal.perform(request)
        response = control.handle(rehearsal, request)
        return json_delivery(response.status, response.body, response.headers)
    except Exception as error:  # noqa: BLE001  a defect is told; what was changed is still kept
        return failed(error)


def _kept(rehearsal: Rehearsal, delivery: Delivery) -> Delivery:
    """Write down what changed; return the delivery, or what to answer if that cannot be done."""
    failure = rehearsal.console.keep(rehearsal.console)
    return json_delivery(failure.status, failure.body) if failure else delivery


async def _whole(scope: Any, receive: Any) -> Request | None:
    """Return the request once its body is there; None when the client has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = tuple(
        (key.decode("latin-1"), value.decode("latin-1")) for key, value in scope["headers"]
    )
    query = scope["query_string"].decode("latin-1")
    return Request(scope["method"], scope["path"], query, headers, body)
