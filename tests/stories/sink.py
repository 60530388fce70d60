"""An HTTP endpoint that takes events, or does not, as it is told."""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Taken:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in it."""
        if self.body.startswith(b"["):
            return list(json.loads(self.body))
        return [json.loads(line) for line in self.body.splitlines()]


class SinkServer(ThreadingHTTPServer):
    """Answers 200, or the next of `answers`: a status, `drop`, `hang`, or a body for 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[Taken] = []
        self.taken: list[Taken] = []
        self.answers: deque[int | str | bytes] = deque()
        self.when_taken: Callable[[], object] = lambda: None
        """Called when events were taken, before the answer goes out."""
        self.over = threading.Event()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that was taken, in order."""
        return [event for taken in self.taken for event in taken.events]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: clients that hang up are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: SinkServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        taken = Taken(self.path, dict(self.headers.items()), body)
        self.server.asked.append(taken)
        answer = self.server.answers.popleft() if self.server.answers else 200
        if answer == "hang":
            self.server.over.wait()
        if answer in {"hang", "drop"}:
            self.close_connection = True
            return
        status = answer if isinstance(answer, int) else 200
        content = answer if isinstance(answer, bytes) else b""
        if status == 200 and not content:
            self.server.taken.append(taken)
            self.server.when_taken()
        self.send_response(status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        pass
