"""A proxy between the product and its console that does the harm it is told to do."""

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/web/api/v2.1"
PATIENCE = 120


@dataclass(frozen=True)
class Reply:
    """An answer of the console on its way back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """One request at the proxy; a fault decides what becomes of it."""

    def __init__(self, handler: Any, index: int, content: bytes) -> None:
        self.index = index
        self.method: str = handler.command
        self.path: str = urlsplit(handler.path).path.removeprefix(PREFIX)
        self._handler = handler
        self._content = content

    def forward(self) -> Reply:
        """Let it happen, and return the console's answer without sending it."""
        return self._handler.server.ask(self._handler, self._content)  # type: ignore[no-any-return]

    def answer(self, reply: Reply, cut: int = 0) -> None:
        """Send an answer; with `cut`, that many bytes of it are missing."""
        self._handler.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.write(reply.body[: len(reply.body) - cut])
        if cut:
            self._handler.close_connection = True

    def reset(self) -> None:
        """Break the connection hard."""
        self._handler.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._handler.connection.close()


Fault = Callable[[Exchange], None]


@dataclass
class Rule:
    """When a fault strikes."""

    fault: Fault
    method: str
    path: str
    at: int | None
    skip: int
    times: int

    def strikes(self, exchange: Exchange) -> bool:
        """Tell whether this request is meant; counts those that are."""
        if self.at is not None:
            return exchange.index == self.at
        if not re.fullmatch(f"({self.method}) {self.path}", f"{exchange.method} {exchange.path}"):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


class Proxy(ThreadingHTTPServer):
    """Stands between the product and the console."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.upstream = urlsplit(upstream).netloc
        self.seen: list[tuple[str, str]] = []
        self.broken: list[BaseException] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def when(
        self,
        fault: Fault,
        *,
        method: str = "GET|POST|PUT|DELETE",
        path: str = ".*",
        at: int | None = None,
        skip: int = 0,
        times: int = 1,
    ) -> None:
        """Let a fault strike at request number `at`, or at the next `times` that match."""
        self._rules.append(Rule(fault, method, path, at, skip, times))

    def start_over(self) -> None:
        """Forget what was seen, and do no harm."""
        with self._lock:
            self.seen.clear()
            self._rules.clear()

    def count(self, method: str, path: str = ".*") -> int:
        return sum(bool(re.fullmatch(f"({method}) {path}", f"{m} {p}")) for m, p in self.seen)

    def take(self, handler: Any, content: bytes) -> None:
        """Do with one request what the rules say; without one, pass it on."""
        with self._lock:
            exchange = Exchange(handler, len(self.seen), content)
            self.seen.append((exchange.method, exchange.path))
            rule = next((rule for rule in self._rules if rule.strikes(exchange)), None)
        try:
            if rule:
                rule.fault(exchange)
            else:
                exchange.answer(exchange.forward())
        except (HTTPException, OSError):
            exchange.reset()
        except BaseException as error:  # a wrong test must not look like a fault of the network
            self.broken.append(error)
            raise

    def ask(self, handler: Any, content: bytes) -> Reply:
        """Pass one request on to the console."""
        connection = HTTPConnection(self.upstream, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(
                handler.command, handler.path, content or None, dict(handler.headers)
            )
            answer = connection.getresponse()
            kind = answer.headers.get("Content-Type", "")
            return Reply(answer.status, answer.read(), {"Content-Type": kind} if kind else {})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients that hang up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.take(self, content)  # type: ignore[attr-defined]

    do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        pass


class Faults:
    """What can go wrong with one request, by name."""

    @staticmethod
    def status(code: int, body: bytes = b"", **headers: str) -> Fault:
        """Answer this instead of asking the console."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return lambda exchange: exchange.answer(Reply(code, body, named))

    @staticmethod
    def html(exchange: Exchange) -> None:
        exchange.answer(Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html"}))

    @staticmethod
    def reset_before(exchange: Exchange) -> None:
        exchange.reset()

    @staticmethod
    def reset_after(exchange: Exchange) -> None:
        exchange.forward()
        exchange.reset()

    @staticmethod
    def status_after(code: int) -> Fault:
        """Let it happen, and answer this all the same."""

        def fault(exchange: Exchange) -> None:
            exchange.forward()
            exchange.answer(Reply(code, b"<html>bad gateway</html>"))

        return fault

    @staticmethod
    def truncated(exchange: Exchange) -> None:
        reply = exchange.forward()
        exchange.answer(reply, cut=len(reply.body) // 2)

    @staticmethod
    def changed(change: Callable[[dict[str, Any]], None]) -> Fault:
        """Change the JSON of the answer on its way back."""

        def fault(exchange: Exchange) -> None:
            reply = exchange.forward()
            body = json.loads(reply.body)
            change(body)
            exchange.answer(replace(reply, body=json.dumps(body).encode()))

        return fault

    @staticmethod
    def repeated(change: Callable[[dict[str, Any]], None]) -> Fault:
        """Change the first answer's JSON, and give that whatever is asked from then on."""
        kept: list[Reply] = []

        def fault(exchange: Exchange) -> None:
            if not kept:
                reply = exchange.forward()
                body = json.loads(reply.body)
                change(body)
                kept.append(replace(reply, body=json.dumps(body).encode()))
            exchange.answer(kept[0])

        return fault

    @staticmethod
    def before(action: Callable[[], object]) -> Fault:
        """Something else happens just before this request reaches the console."""

        def fault(exchange: Exchange) -> None:
            action()
            exchange.answer(exchange.forward())

        return fault

    @staticmethod
    def after(action: Callable[[], object]) -> Fault:
        """Something else happens after the console did it, before the answer is back."""

        def fault(exchange: Exchange) -> None:
            reply = exchange.forward()
            action()
            exchange.answer(reply)

        return fault
