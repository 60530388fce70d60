"""Requests, answers, and what can go wrong between them."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(slots=True)
class Asked:
    """One request, and what became of it."""

    number: int
    """From 1, since the start or the last `start_over`."""
    method: str
    target: str
    """Path and query as they were sent."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    who: str = ""
    """Whose token it carried."""
    status: int = 0
    """0: no answer was sent."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """Return the body, an object; raise Refused(400) as both hosts do."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(400, {"message": "Problems parsing JSON"})
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `content` is sent as JSON unless it is bytes."""

    status: int
    content: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, dict[str, str]]:
        if isinstance(self.content, bytes):
            return self.content, self.headers
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return json.dumps(self.content).encode(), kind | self.headers


class Refused(Exception):  # noqa: N818  reads as what it is
    """An answer that ends the handling of a request."""

    def __init__(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, content)
        self.reply = Reply(status, content, headers or {})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with one request."""

    reply: Reply | None = None
    """Sent instead of the true answer; None with `is_cut` false: the connection is closed."""
    is_after: bool = False
    """The request takes effect first."""
    is_cut: bool = False
    """Half of the true answer is sent, and the connection closed."""
    hangs: bool = False
    """Nothing is sent until the server stops."""


RESET = Fault()
LOST = Fault(is_after=True)
CUT = Fault(is_after=True, is_cut=True)
HANG = Fault(hangs=True)


def answer(
    status: int,
    content: Any = b"",
    headers: dict[str, str] | None = None,
    *,
    is_after: bool = False,
) -> Fault:
    """Return the fault of answering so, before or after the request took effect."""
    return Fault(Reply(status, content, headers or {}), is_after=is_after)


@dataclass(slots=True)
class Planned:
    fault: Fault
    at: int
    method: str
    path: str
    times: int

    def fits(self, asked: Asked) -> bool:
        return (
            self.times > 0
            and self.at in {0, asked.number}
            and self.method in {"", asked.method}
            and re.search(self.path, asked.path) is not None
        )
