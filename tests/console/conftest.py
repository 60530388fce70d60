"""A scripted console, a raw socket and a clock that only moves when told."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from reconciler.console.client import ReadClient, WriteClient
from reconciler.console.retry import Retries
from reconciler.settings import ConsoleSettings, Runtime, Token

PREFIX = "/web/api/v2.1"
CANARY = "eyJjYW5hcnk.c2VjcmV0LXRva2Vu.4711"


@dataclass
class Clock:
    """Time that passes by sleeping, or by `step` seconds each time somebody looks."""

    seconds: float = 0.0
    step: float = 0.0
    slept: list[float] = field(default_factory=list)
    start: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]
    body: Any


class Console:
    """Answers what a test scripted; `requests` holds what came."""

    token = CANARY

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.routes: dict[tuple[str, str], Any] = {}
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def on(self, method: str, path: str, *replies: Any) -> None:
        """Give the replies in turn, the last one for ever.

        A reply is a body, `(status, body)` or `(status, body, headers)`, or makes one from the
        request. A body is bytes as they are, or JSON.
        """
        self.routes[method, path] = list(replies)

    def count(self, method: str, path: str) -> int:
        return sum((request.method, request.path) == (method, path) for request in self.requests)

    def reply(self, request: Request) -> tuple[int, bytes, dict[str, str]]:
        self.requests.append(request)
        replies = self.routes.get((request.method, request.path))
        if replies is None:
            return 404, b'{"errors": [{"code": 4040010, "title": "unscripted"}]}', {}
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply):
            reply = reply(request)
        parts = reply if isinstance(reply, tuple) else (200, reply)
        status, body, headers = (*parts, {})[:3]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
        return status, raw, {**kind, **headers}

    @staticmethod
    def page(records: Any, total: int | None = None, cursor: Any = None) -> dict[str, Any]:
        count = len(records) if total is None else total
        return {"data": records, "pagination": {"totalItems": count, "nextCursor": cursor}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients that hang up are what these tests are about."""


def _handler(console: Console) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                parts.path.removeprefix(PREFIX),
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                parts.query,
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(raw) if raw else None,
            )
            status, body, headers = console.reply(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
            pass

    return Handler


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_console() -> Iterator[Callable[[], Console]]:
    consoles: list[Console] = []

    def start() -> Console:
        console = Console()
        consoles.append(console)
        threading.Thread(target=console.server.serve_forever, args=(0.01,), daemon=True).start()
        return console

    yield start
    for console in consoles:
        console.server.shutdown()
        console.server.server_close()


@pytest.fixture
def console(new_console: Callable[[], Console]) -> Console:
    return new_console()


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], Any]]:
    """Serve each connection with a function; `connections` counts them."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    @dataclass
    class Raw:
        url: str
        port: int
        connections: int = 0

    def start(talk: Callable[[socket.socket], None]) -> Raw:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        port = listener.getsockname()[1]
        raw = Raw(f"http://127.0.0.1:{port}", port)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                raw.connections += 1
                with connection:
                    connection.settimeout(10)
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        threads.append(thread)
        thread.start()
        return raw

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)


@pytest.fixture
def address() -> Callable[[str], ConsoleSettings]:
    return lambda url: ConsoleSettings(url, Token(CANARY))


@pytest.fixture
def runtime(clock: Clock) -> Runtime:
    return Runtime({}, clock.now, clock.sleep, clock.monotonic)


@pytest.fixture
def retries(clock: Clock) -> Retries:
    """Jitter that always draws the upper end."""
    return Retries(clock.now, clock.sleep, lambda _low, high: high)


@pytest.fixture
def reads(
    console: Console, runtime: Runtime, retries: Retries, address: Callable[[str], ConsoleSettings]
) -> Iterator[ReadClient]:
    with ReadClient(address(console.url), runtime, retries) as client:
        yield client


@pytest.fixture
def writes(
    console: Console, runtime: Runtime, retries: Retries, address: Callable[[str], ConsoleSettings]
) -> Iterator[WriteClient]:
    with WriteClient(address(console.url), runtime, retries) as client:
        yield client
