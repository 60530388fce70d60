"""How one answer travels: what is declared, what is sent, and how the connection ends.

Pure data; `wire` puts it on a socket. A plain delivery goes the ordinary way through uvicorn and
keeps the connection open; every other one is written as raw bytes and takes its connection along.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus

from reconciler.simulator.envelopes import ApiError

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One answer, whole or damaged."""

    status: int
    """What the client is told; 0 when it is told nothing."""
    headers: Headers = ()
    """Without those that frame the body."""
    body: bytes = b""
    framing: str = "length"
    """`length`: a Content-Length; `close`: none, the end of the connection is the end of the
    body; `chunked`: one chunk and no final one."""
    length_error: int = 0
    """Added to the Content-Length that is declared."""
    cut: int | None = None
    """Only so many bytes of the body are sent."""
    raw: bytes | None = None
    """Sent in place of status line, headers and body."""
    ending: str = "open"
    """Then the connection stays `open`, is closed (`close`), is broken with a TCP reset
    (`reset`), or is kept without another byte until the client goes away (`stall`)."""
    wait: float = 0.0
    """Seconds before the first byte."""
    gap: float | None = None
    """Seconds between two bytes; None sends all at once."""

    @property
    def is_plain(self) -> bool:
        """True when HTTP allows every bit of it, so that the connection can go on."""
        return (
            self.framing == "length"
            and not self.length_error
            and (self.cut, self.raw, self.gap, self.ending) == (None, None, None, "open")
        )

    def content(self) -> Headers:
        """Return the headers of a plain delivery."""
        return (*self.headers, ("content-length", str(len(self.body))))

    def message(self) -> bytes:
        """Return the bytes that go over the wire, damage included."""
        if self.raw is not None:
            return self.raw
        body = self.body if self.cut is None else self.body[: self.cut]
        framing: Headers = (("connection", "close"),)
        if self.framing == "length":
            framing = (("content-length", str(len(self.body) + self.length_error)),)
        if self.framing == "chunked":
            framing = (("transfer-encoding", "chunked"),)
            body = b"%x\r\n%b" % (len(self.body), body)
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *framing)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def json_delivery(status: int, body: bytes, more: Headers = ()) -> Delivery:
    """Return a plain JSON answer."""
    return Delivery(status, (("content-type", "application/json"), *more), body)


def failed(error: Exception) -> Delivery:
    """Return the 500 for a defect of the simulator itself, in the console's envelope."""
    what = f"the simulator itself failed: {type(error).__name__}: {error}"
    response = ApiError(500, what).response()
    return json_delivery(response.status, response.body)


def dated(delivery: Delivery, now: datetime) -> Delivery:
    """Return the delivery with the instant, aware, as its `Date`."""
    date = format_datetime(now.astimezone(UTC), usegmt=True)
    return replace(delivery, headers=(("date", date), *delivery.headers))
