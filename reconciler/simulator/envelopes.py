"""What goes over the wire: requests, answers and the error envelope.

Error codes have seven digits, HTTP status x 10000 + 10 (API reference, section 2.2).
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

_TITLES = {
    400: "Validation Error",
    401: "Authentication Failed",
    403: "Insufficient permissions",
    404: "Requested resource was not found",
    405: "Method Not Allowed",
    409: "Conflict",
    500: "Internal server error",
    501: "Not supported",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; header names in lower case, `query` still percent-encoded."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first header of that lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    def parameters(self) -> dict[str, str]:
        """Return the decoded query; of a repeated parameter the first value counts."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        return dict(reversed(pairs))

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; raises ApiError 400 when it is none."""
        try:
            value = json.loads(self.body)
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            raise invalid("Invalid JSON received") from error
        if not isinstance(value, dict):
            raise invalid("Invalid input type.")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: status, JSON body, and headers beside those that every answer has."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class ApiError(Exception):
    """The console says no; becomes the error envelope."""

    def __init__(
        self, status: int, detail: str | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(detail or _TITLES[status])
        self.status = status
        self.detail = detail
        self.headers = headers

    def response(self) -> Response:
        """Write the envelope (API reference, section 2.1)."""
        error = {
            "code": self.status * 10000 + 10,
            "detail": self.detail,
            "title": _TITLES[self.status],
        }
        return Response(self.status, write({"errors": [error]}), self.headers)


def answer(body: Any, status: int = 200) -> Response:
    """Write a JSON answer."""
    return Response(status, write(body))


class Written(bytes):
    """A part of an answer that is JSON already; may stand in an object, or one within it."""

    __slots__ = ()


def write(value: Any) -> bytes:
    """Write a value as JSON; what is `Written` goes in as it is."""
    if isinstance(value, Written):
        return value
    if isinstance(value, dict) and _is_partly_written(value):
        members = (_encode(key).encode() + b": " + write(each) for key, each in value.items())
        return b"{" + b", ".join(members) + b"}"
    return _encode(value).encode()


def invalid(detail: str) -> ApiError:
    """Return a 400, `<field>: <what is wrong>`."""
    return ApiError(400, detail)


def forbidden(detail: str | None = None) -> ApiError:
    """Return a 403 / 4030010."""
    return ApiError(403, detail)


def missing() -> ApiError:
    """Return a 404 / 4040010."""
    return ApiError(404)


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _is_partly_written(value: dict[str, Any]) -> bool:
    return any(
        isinstance(each, Written) or (isinstance(each, dict) and _is_partly_written(each))
        for each in value.values()
    )
