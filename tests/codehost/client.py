"""A bare client: one request, nothing repeated, nothing followed."""

import contextlib
import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(method: str, url: str, content: Any = None, **headers: str) -> Answer:
    """Ask once; `User_Agent=""` leaves that header out."""
    parts = urlsplit(url)
    named = {"User-Agent": "test", "Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
    connection = HTTPConnection(parts.netloc, timeout=120)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    with contextlib.closing(connection):
        connection.request(method, target, body, {k: v for k, v in named.items() if v})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
