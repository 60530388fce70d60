"""What the code hosts of the tests have in common: real HTTP on loopback, a log, and faults.

A host answers one request at a time, from state in memory that a test may look at and change. It
imports nothing of the product: it is written from what the hosts publish about themselves.
"""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, TypeVar
from urllib.parse import unquote

from codehost.exchange import Asked, Fault, Planned, Refused, Reply

HOST = "127.0.0.1"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


_H = TypeVar("_H", bound=Callable[..., Any])


def route(method: str, pattern: str) -> Callable[[_H], _H]:
    """Mark a method of a host as what answers; `{name}` in the pattern is a path segment."""

    def mark(handler: _H) -> _H:
        handler.__dict__.setdefault("routes", []).append((method, pattern))
        return handler

    return mark


class Host:
    """A host's state and what it answers. Subclasses mark methods with `route`."""

    table: ClassVar[list[tuple[str, re.Pattern[str], str]]] = []

    def __init__(self) -> None:
        self.url = ""
        """Where it listens; set by `running`."""
        self.tls: ssl.SSLContext | None = None
        """With it, the host speaks https."""
        self.now = NOW
        self.log: list[Asked] = []
        """Every request, oldest first."""
        self.errors: list[str] = []
        """What no client of a real host would ask; `running` fails the test for it."""
        self.before_each: Callable[[Asked], object] = lambda asked: asked
        """Called before a request takes effect: others act in between."""
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self._planned: list[Planned] = []

    def __init_subclass__(cls) -> None:
        cls.table = []
        for name in dir(cls):
            for method, pattern in getattr(getattr(cls, name), "routes", ()):
                regex = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(pattern)))
                cls.table.append((method, regex, name))

    def fail(
        self, fault: Fault, at: int = 0, method: str = "", path: str = "", times: int = 1
    ) -> None:
        """Let the next `times` requests that fit go wrong; `at` is a request's number."""
        self._planned.append(Planned(fault, at, method, path, times))

    def start_over(self) -> None:
        """Forget the log and the planned faults; the state stays."""
        self.log.clear()
        self._planned.clear()

    def asked(self, method: str = "", path: str = "") -> list[Asked]:
        """Return the requests with this method whose path holds the pattern."""
        return [a for a in self.log if method in {"", a.method} and re.search(path, a.path)]

    def admit(self, asked: Asked) -> None:
        """Check what every request needs; raise Refused."""

    def decorate(self, asked: Asked, reply: Reply) -> Reply:
        """Add what every answer carries."""
        del asked
        return reply

    def take(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Any:
        """Handle one request. Return (fault, reply); the reply is None when nothing took effect."""
        with self.lock:
            asked = Asked(len(self.log) + 1, method, target, headers, body)
            self.log.append(asked)
            self.before_each(asked)
            fault = next((p for p in self._planned if p.fits(asked)), None)
            if fault:
                fault.times -= 1
            reply = None
            if fault is None or fault.fault.is_after:
                reply = self.decorate(asked, self._answer(asked))
            sent = (fault.fault.reply or Reply(0)) if fault else reply
            asked.status = sent.status if sent else 0
            return fault.fault if fault else None, reply

    def _answer(self, asked: Asked) -> Reply:
        try:
            self.admit(asked)
            for method, regex, name in self.table:
                found = regex.fullmatch(asked.path) if method == asked.method else None
                if found:
                    parts = {key: unquote(value) for key, value in found.groupdict().items()}
                    reply: Reply = getattr(self, name)(asked, **parts)
                    return reply
        except Refused as refused:
            return refused.reply
        except Exception as error:  # noqa: BLE001  a defect of the host fails the test
            self.errors.append(f"{asked.method} {asked.target}: {error!r}")
            return Reply(500, {"message": "defect of the test's host"})
        self.errors.append(f"unknown: {asked.method} {asked.target}")
        return Reply(404, {"message": "Not Found"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: Host, port: int) -> None:
        self.host = host
        self.connections: set[socket.socket] = set()
        super().__init__((HOST, port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients that hang up are ordinary here."""


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _any(self) -> None:
        host = self.server.host
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault, reply = host.take(self.command, self.path, headers, body)
        if fault and fault.hangs:
            host.stopped.wait()
        if fault and not fault.is_cut:
            reply = fault.reply
        if reply is None or (fault and fault.hangs):
            self.close_connection = True
            return
        self._send(reply, is_cut=fault is not None and fault.is_cut)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815  as inherited

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, reply: Reply, *, is_cut: bool) -> None:
        content, headers = reply.encoded()
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut else content)
        self.wfile.flush()
        self.close_connection |= is_cut

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as inherited
        pass


_Some = TypeVar("_Some", bound=Host)


@contextlib.contextmanager
def running(host: _Some, port: int = 0) -> Iterator[_Some]:
    """Serve a host for the length of a `with` block; its `errors` fail the test at the end."""
    with listening(host, port):
        yield host
        assert host.errors == [], host.errors


@contextlib.contextmanager
def listening(host: Host, port: int = 0) -> Iterator[None]:
    """Serve a host from a thread."""
    server = _Server(host, port)
    host.url = f"{'https' if host.tls else 'http'}://{HOST}:{server.server_port}"
    if host.tls:  # each connection shakes hands in its own thread
        server.socket = host.tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        host.stopped.set()
        server.shutdown()
        thread.join()
        for connection in list(server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
