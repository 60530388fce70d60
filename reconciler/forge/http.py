"""One exchange with a code host, within limits. The only module of this room that knows httpx.

The fences are those of the console's transport: nothing is taken from the environment, no redirect
is followed, no cookie is kept, the final address is checked, and size and time are limited.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx

from reconciler.console.deadline import Deadline
from reconciler.console.origin import is_loopback
from reconciler.console.transport import fenced_client
from reconciler.forge.answers import Answer
from reconciler.forge.base import ForgeError
from reconciler.settings import Token

_log = logging.getLogger(__name__)
"""Method, path, status and size only: no header, no query, no body."""

MAX_BYTES = 64 * 2**20
"""Of one answer; a page of the longest comments has 25 MiB, an artifact is allowed this much."""
REQUEST_SECONDS = 60.0
"""For one exchange, however slowly its bytes drip."""
_TIMEOUT = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=REQUEST_SECONDS)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class ApiAddress:
    """How to reach an API; `choice` makes it of the job's environment."""

    name: str
    """`GitHub` or `GitLab`, for messages."""
    url: str
    """What stands before every path: `https://host[:port][/path]`, without a slash at the end."""
    token: Token
    token_header: tuple[str, str]
    """The header that carries the token, and what stands before it there."""
    headers: Mapping[str, str]
    """What else the host wants with each call."""
    remedy: str
    """What to do when the token may not; `{needs}` stands for the permission."""
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None


class UnsentError(ForgeError):
    """No connection was made, so the request never left."""


class UnansweredError(ForgeError):
    """The request left and no whole answer came; a write may have happened."""


class Wire:
    """Sends requests to one host. Not for several threads."""

    def __init__(self, address: ApiAddress, monotonic: Callable[[], float]) -> None:
        self.address = address
        self._monotonic = monotonic
        self._client = fenced_client(address, _TIMEOUT, {"Accept-Encoding": "identity"})

    def send(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send one request with the token and return the whole answer, whatever its status.

        Raises ForgeError when the address is not one of the API (nothing is sent) or the answer is
        over a limit, UnsentError, UnansweredError.
        """
        header, prefix = self.address.token_header
        headers = {**self.address.headers, header: prefix + self.address.token.reveal()}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        request = self._request(method, url, headers, content)
        if not _is_below(request.url, httpx.URL(self.address.url)):
            raise ForgeError(
                f"{self.address.name} names an address outside of its API; nothing was sent there",
                "Look at the API's address that the job gives, and at proxies in between.",
            )
        return self._exchange(request, f"{method} {request.url.path}")

    def fetch(self, url: str, call: str) -> Answer:
        """Get a signed address without the token; `call` stands for it in messages.

        The address itself is as good as a password for a minute, so it is never told. Raises as
        `send` does; https or this machine only.
        """
        request = self._request("GET", url, {}, None)
        host = request.url.host
        is_safe = request.url.scheme == "https" or (
            request.url.scheme == "http" and is_loopback(host)
        )
        if not (host and is_safe) or request.url.userinfo:
            raise ForgeError(
                f"{self.address.name} redirects {call} to an address that is not https",
                "Nothing was sent there. Look at proxies between this job and the API.",
            )
        return self._exchange(request, f"{call} (its storage)")

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None
    ) -> httpx.Request:
        try:
            return self._client.build_request(method, url, headers=headers, content=content)
        except httpx.InvalidURL:
            raise ForgeError(
                f"{self.address.name} names an address that is none; nothing was sent",
                "Look at proxies between this job and the API.",
            ) from None

    def _exchange(self, request: httpx.Request, call: str) -> Answer:
        name = self.address.name
        try:
            with Deadline(self._monotonic, REQUEST_SECONDS):
                response = self._client.send(request, stream=True)
                try:
                    body = self._whole(response, call)
                finally:
                    response.close()
        except _NEVER_SENT as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise ForgeError(
                    f"{name}: the certificate is not trusted; {call} was not sent",
                    "Give the CA that signed it with RECONCILER_CA_FILE, beside any other that is"
                    " needed.",
                ) from None
            raise UnsentError(
                f"{name}: no connection for {call} ({type(error).__name__})",
                "Look at the network and RECONCILER_PROXY.",
            ) from None
        except httpx.HTTPError as error:
            raise UnansweredError(
                f"{name} gave no whole answer to {call} ({type(error).__name__})",
                "The connection broke or was too slow. Try again later.",
            ) from None
        _log.debug("%s: %d, %d bytes", call, response.status_code, len(body))
        return Answer(
            host=name,
            call=call,
            status=response.status_code,
            headers=dict(response.headers),
            body=body,
            next_link=response.links.get("next", {}).get("url", ""),
            token=self.address.token.reveal(),
        )

    def _whole(self, response: httpx.Response, call: str) -> bytes:
        body = bytearray()
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._refused(call, "packed, though that was not asked for")
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise self._refused(call, f"longer than {MAX_BYTES} bytes")
        return bytes(body)

    def _refused(self, call: str, what: str) -> ForgeError:
        message = f"{self.address.name}: the answer to {call} is {what}"
        return ForgeError(message, "Look at proxies between this job and the API.")


def _is_below(url: httpx.URL, base: httpx.URL) -> bool:
    """Tell whether an address is one of the API; `raw_path` keeps what `%2F` hides."""
    same = all(getattr(url, part) == getattr(base, part) for part in ("scheme", "host", "port"))
    start = base.raw_path.rstrip(b"/") + b"/"
    path = url.raw_path.partition(b"?")[0]
    climbs = any(unquote_to_bytes(part) in {b".", b".."} for part in path.split(b"/"))
    return same and not url.userinfo and url.raw_path.startswith(start) and not climbs
