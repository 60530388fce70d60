"""Every kind of fault by name, with what its value means: the one list, for code, file and help.

The kinds are those that an API client must survive (reliability reference, row R4). A refused
connection, a failing DNS look-up and a TLS error happen before HTTP and cannot be made by an HTTP
server: point the client at a closed port, an unknown name or a plain-text port for those;
`refuse` comes nearest, it resets connections as soon as they are made.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault of this kind does."""

    stage: str
    """`instead` of asking the console; `world`: of which state it speaks; `body`: JSON changed;
    `wire`: bytes and time; `others`: somebody else acts."""
    text: str
    value: str = ""
    """What the value means; empty when the kind takes none."""
    default: float | str | None = None
    maximum: int = 1_000_000
    minimum: int = 0
    """Both of a value that is a number."""

    @property
    def is_number(self) -> bool:
        """True when the value is a number, from `minimum` to `maximum`."""
        return isinstance(self.default, int | float)


_ENVELOPE = "answered in the console's envelope"
_GATEWAY = "answered as an nginx HTML page"
_AWAY = "redirects"
_RETRY = "Retry-After: seconds, `date` or `date+SECONDS`; without it no such header"
_TARGET = "`same`, `port` (the next one), `host` (console.invalid), or an address"
_FIELD = "name of the field"

KINDS: Mapping[str, Kind] = {
    **{name: Kind("instead", _ENVELOPE) for name in ("400", "401", "403", "404", "409", "500")},
    **{name: Kind("instead", _GATEWAY) for name in ("502", "504")},
    **{name: Kind("instead", _GATEWAY, _RETRY, "") for name in ("429", "503")},
    **{name: Kind("instead", _AWAY, _TARGET, "same") for name in ("301", "302", "307", "308")},
    "html": Kind("instead", "200 with a sign-in page as HTML"),
    "empty": Kind("instead", "200 without a body"),
    "reset-before": Kind("instead", "the connection breaks, nothing was done"),
    "close-before": Kind("instead", "the connection ends without a byte, nothing was done"),
    "late": Kind("instead", "504, and it is done behind the client's back later on",
                 "after so many more requests", 1),
    "stale": Kind("world", "a read answers from the state before the last writes",
                  "how many writes it lags behind", 1),
    "lag": Kind("world", "a read answers from the state of some time ago (eventual consistency)",
                "seconds of the console's clock", 5),
    "change": Kind("others", "somebody else sends the fault's `requests`, before or after it"),
    "duplicate-key": Kind("body", "`data` is there twice, empty the second time"),
    "nan": Kind("body", "NaN in place of totalItems, or beside the fields of the first object"),
    "missing-field": Kind("body", "a field of the first item is left out", _FIELD, "id"),
    "wrong-type": Kind("body", "a field of the first item has another type", _FIELD, "id"),
    "null-field": Kind("body", "a field of the first item is null", _FIELD, "id"),
    "extra-field": Kind("body", "every object has a field more", _FIELD, "surprise"),
    "deep": Kind("body", "lists within lists beside `data`", "how many", 100_000),
    "id-number": Kind("body", "every id is a bare number"),
    "errors": Kind("body", "`errors` with an entry beside `data`"),
    "bad-json": Kind("body", "the JSON text ends too early, its length is right"),
    "bad-utf8": Kind("body", "a byte that is no UTF-8, inside a text"),
    "cursor-loop": Kind("body", "a page's nextCursor leads to the same page again"),
    "wrong-total": Kind("body", "totalItems is off", "by so many; below 0: too low", 1,
                        minimum=-1_000_000),
    "short-page": Kind("body", "rows at the end of the page are left out", "how many", 1),
    "missing-page": Kind("body", "the next page's content in place of this one's"),
    "repeated-row": Kind("body", "the last row is the first one once more"),
    "truncated": Kind("wire", "half of the body, then the end; the whole length is declared"),
    "truncated-no-length": Kind("wire", "half of the body, then the end; no length is declared"),
    "truncated-chunked": Kind("wire", "half of a chunk, then the end"),
    "length-too-long": Kind("wire", "the declared length is too long, then the end",
                            "by so many bytes", 10),
    "length-too-short": Kind("wire", "the declared length is too short", "by so many bytes", 10),
    "bad-gzip": Kind("wire", "says it is gzip, and its check sum is wrong"),
    "not-gzip": Kind("wire", "says it is gzip, and is not"),
    "gzip-bomb": Kind("wire", "spaces before the body, gzipped",
                      "how many MiB when unpacked", 128, 4096),
    "not-http": Kind("wire", "bytes that are no HTTP"),
    "drip": Kind("wire", "byte by byte", "seconds between two bytes", 0.05),
    "stall": Kind("wire", "half of the body, then silence until the client goes away"),
    "latency": Kind("wire", "done at once, answered later", "seconds", 5),
    "reset-midway": Kind("wire", "half of the body, then the connection breaks"),
    "reset-after": Kind("wire", "done, and the connection breaks: a lost response"),
    "close-after": Kind("wire", "done, and the connection ends without a byte"),
    "refuse": Kind("wire", "answers, closes, and resets the connections that follow, "
                   "those to the control API too", "how many", 1),
}  # fmt: skip
"""Name to kind. Those of the stage `instead` take `effect`: done all the same, only not told."""
