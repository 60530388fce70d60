"""What is answered in the console's place: errors, gateway pages, redirects, and silence.

Gateway answers are no JSON (API reference, sections 2.1 and 2.2: a 429 was an nginx HTML page).
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import quote

from reconciler.simulator.delivery import Delivery, Headers, json_delivery
from reconciler.simulator.envelopes import ApiError, Request
from reconciler.simulator.faults import Fault

_SIGN_IN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_GATEWAY = ("429", "502", "503", "504")
_REDIRECTS = ("301", "302", "307", "308")
_HOST = re.compile(r"([a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::([0-9]{1,5}))?")
_TOP_PORT = 65535


def answer_instead(fault: Fault, request: Request, now: datetime) -> Delivery:
    """Return the answer that a fault of the stage `instead` gives."""
    if fault.kind in _GATEWAY:
        return gateway_page(int(fault.kind), retry_after(str(fault.value or ""), now))
    if fault.kind in _REDIRECTS:
        headers = (("location", _location(str(fault.value), request)),)
        return Delivery(int(fault.kind), headers)
    if fault.kind in _SPECIAL:
        return _SPECIAL[fault.kind]
    response = ApiError(int(fault.kind)).response()
    return json_delivery(response.status, response.body)


def gateway_page(status: int, headers: Headers = ()) -> Delivery:
    """Return an nginx error page."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>"
        "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Delivery(status, (("content-type", "text/html"), *headers), page.encode())


def retry_after(value: str, now: datetime) -> Headers:
    """Return the header for `""` (none), seconds, `date` or `date+SECONDS`."""
    if not value:
        return ()
    word, _, seconds = value.rpartition("+")
    if value == "date":
        word, seconds = "date", "0"
    if word:
        instant = now + timedelta(seconds=int(seconds))
        return (("retry-after", format_datetime(instant, usegmt=True)),)
    return (("retry-after", seconds),)


def too_many(form: str, wait: timedelta, now: datetime) -> Delivery:
    """Return a rate limit's 429; `form` is one of `none`, `seconds` and `date`.

    Dates have whole seconds, so both forms round up: who obeys is never early.
    """
    seconds = math.ceil(wait.total_seconds())
    if form == "date":
        whole = now.replace(microsecond=0)
        seconds = math.ceil((now + wait - whole).total_seconds())
        return gateway_page(429, retry_after(f"date+{seconds}", whole))
    return gateway_page(429, retry_after(str(seconds) if form == "seconds" else "", now))


_SPECIAL: Mapping[str, Delivery] = {
    "late": gateway_page(504),
    "html": Delivery(200, (("content-type", "text/html"),), _SIGN_IN),
    "empty": Delivery(200, (("content-type", "application/json"),)),
    "reset-before": Delivery(0, raw=b"", ending="reset"),
    "close-before": Delivery(0, raw=b"", ending="close"),
}


def _location(target: str, request: Request) -> str:
    """Return an absolute address: the same path and query elsewhere, or the given address."""
    host = _HOST.fullmatch(request.header("host") or "")
    name, port = (host[1], int(host[2] or 80)) if host else ("127.0.0.1", 80)
    path = quote(request.path) + (f"?{request.query}" if request.query else "")
    if target == "same":
        return f"http://{name}:{port}{path}"
    if target == "port":
        return f"http://{name}:{port + 1 if port < _TOP_PORT else 1}{path}"
    if target == "host":
        return f"http://console.invalid{path}"
    return target
