"""One request, one answer, within limits. The only module that knows httpx.

Fences: nothing is taken from the environment, no redirect is followed, no cookie is kept, the
final address is checked, and size, time and header count are limited (T17, T19 to T22).
"""

import json
import logging
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Protocol, Self

import certifi  # httpx depends on it; its own way to load it would honour SSLKEYLOGFILE
import httpx

from reconciler import __version__
from reconciler.console.answers import Answer, NoAnswerError, NotSentError
from reconciler.console.deadline import Backend, Deadline
from reconciler.console.origin import API_PREFIX, request_url
from reconciler.errors import NotUnderstoodError, RefusedError, SettingsError, UnreachableError

_log = logging.getLogger(__name__)
"""Method, path, status and size only: no header, no query, no body."""

MAX_WIRE_BYTES = 32 * 2**20
MAX_BODY_BYTES = 64 * 2**20
MAX_HEADERS = 200
REQUEST_SECONDS = 60.0
"""For the whole exchange, however slowly its bytes drip."""
_TIMEOUT = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=REQUEST_SECONDS)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Secret(Protocol):
    """A token that hides itself."""

    def reveal(self) -> str:
        """Return the token."""
        ...


class Route(Protocol):
    """Which way to take to some host."""

    @property
    def proxy(self) -> str | None:
        """Proxy address or None."""
        ...

    @property
    def ca_file(self) -> Path | None:
        """PEM file or None for the built-in list."""
        ...


class Address(Route, Protocol):
    """How to reach the console; `settings.ConsoleSettings` is one."""

    @property
    def url(self) -> str:
        """Normalised origin."""
        ...

    @property
    def token(self) -> Secret:
        """The API token."""
        ...


class Transport:
    """Sends requests to one console. Safe to share between threads."""

    def __init__(self, address: Address, monotonic: Callable[[], float]) -> None:
        self.origin = address.url
        self._token = address.token
        self._monotonic = monotonic
        accepted = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        self._client = fenced_client(address, _TIMEOUT, accepted)

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request below the API prefix and return the whole answer, whatever its status.

        Raises RefusedError when the address would leave the API (nothing is sent), NotSentError
        when no connection was made, NoAnswerError when the request may have arrived but no whole
        answer came in time, NotUnderstoodError when the answer is over a limit.
        """
        request = self._request(method, request_url(self.origin, path, params or {}), body)
        call = f"{method} {path}"
        try:
            with Deadline(self._monotonic, REQUEST_SECONDS):
                response = self._client.send(request, stream=True)
                try:
                    answer = _whole(response, call)
                finally:
                    response.close()
        except _NEVER_SENT as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise UnreachableError(
                    f"{call}: the certificate of {self.origin} is not trusted; nothing was sent",
                    "Give the CA that signed it with RECONCILER_CA_FILE.",
                ) from None
            raise NotSentError(
                f"{call}: no connection to {self.origin} ({_kind(error)})",
                "Check the address, the network and RECONCILER_PROXY.",
            ) from None
        except httpx.HTTPError as error:
            raise NoAnswerError(
                f"{call}: no whole answer from {self.origin} ({_kind(error)})",
                "The connection broke or was too slow. Try again later.",
            ) from None
        _log.debug("%s: %d, %d bytes", call, answer.status, len(answer.body))
        return replace(answer, token=self._token.reveal())

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _request(self, method: str, url: str, body: Mapping[str, Any] | None) -> httpx.Request:
        """Build the request and check where it really goes."""
        headers = {"Authorization": f"ApiToken {self._token.reveal()}"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        request = self._client.build_request(method, url, headers=headers, content=content)
        home, there = httpx.URL(self.origin), request.url
        same = all(getattr(home, x) == getattr(there, x) for x in ("scheme", "host", "port"))
        if not same or there.userinfo or not there.path.startswith(f"{API_PREFIX}/"):
            raise RefusedError(
                "a request would leave the console's API; it was not sent",
                "Give SENTINELONE_URL as scheme and host only.",
            )
        return request


def fenced_client(route: Route, timeout: httpx.Timeout, headers: Mapping[str, str]) -> httpx.Client:
    """Return a client behind the fences of every client here; use it within a Deadline only.

    Nothing is taken from the environment, no redirect is followed and no cookie is kept. Raises
    SettingsError when the file of certificates holds none.
    """
    # Their INFO lines hold addresses and queries, their DEBUG lines headers (T17).
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        transport=network(route),
        trust_env=False,
        follow_redirects=False,
        timeout=timeout,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={**headers, "User-Agent": f"sentinelone-reconciler/{__version__}"},
    )


def network(route: Route) -> httpx.HTTPTransport:
    """Return httpx's network layer with our fences; use it within a Deadline only.

    Raises SettingsError when the file of certificates holds none.
    """
    context = _tls(route.ca_file) if route.ca_file else _usual_tls()
    proxy = None
    if route.proxy:
        own = context if route.proxy.startswith("https:") else None
        proxy = httpx.Proxy(route.proxy, ssl_context=own)
    # Idle connections go soon, so that a write seldom meets one that the console is closing.
    limits = httpx.Limits(keepalive_expiry=2.0)
    network = httpx.HTTPTransport(verify=context, trust_env=False, proxy=proxy, limits=limits)
    # httpx passes no network layer on, so it is put in here; a test watches this seam.
    network._pool._network_backend = Backend()  # noqa: SLF001 - it has no public name
    return network


@cache
def _usual_tls() -> ssl.SSLContext:
    """Return the one context with the built-in list: to read the list takes longer than to ask."""
    return _tls(Path(certifi.where()))


def _tls(ca_file: Path) -> ssl.SSLContext:
    """Return a verifying context; `ssl.create_default_context` would read SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError:
        raise SettingsError(
            f"RECONCILER_CA_FILE: {ca_file} holds no certificates",
            "Point it at a PEM file, or unset it.",
        ) from None
    return context


def _whole(response: httpx.Response, call: str) -> Answer:
    if len(response.headers) > MAX_HEADERS:
        raise _too_much(call, f"more than {MAX_HEADERS} headers")
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"identity", "gzip"}:
        raise _too_much(call, "a content coding that was not asked for")
    raw = _limited(response.iter_raw(), call)
    body = _inflated(raw, call) if coding == "gzip" else b"".join(raw)
    return Answer(response.status_code, dict(response.headers), body)


def _limited(chunks: Iterator[bytes], call: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_WIRE_BYTES:
            raise _too_much(call, f"more than {MAX_WIRE_BYTES} bytes")
        yield chunk


def _inflated(chunks: Iterator[bytes], call: str) -> bytes:
    """Unpack gzip without ever holding more than the limit, whatever the ratio."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    body = bytearray()
    try:
        for chunk in chunks:
            body += unpacker.decompress(chunk, MAX_BODY_BYTES + 1 - len(body))
            if len(body) > MAX_BODY_BYTES or unpacker.unconsumed_tail:
                raise _too_much(call, f"more than {MAX_BODY_BYTES} bytes when unpacked")
    except zlib.error:
        raise _too_much(call, "a body that is not gzip, though it says so") from None
    if not unpacker.eof:
        raise NoAnswerError(f"{call}: the packed answer ends too early", "Try again later.")
    return bytes(body)


def _too_much(call: str, what: str) -> NotUnderstoodError:
    return NotUnderstoodError(
        f"{call}: the console's answer has {what}",
        "No console answers like this; check that the URL is right and what is in between.",
    )


def _kind(error: Exception) -> str:
    """Name the failure without its text, which may hold parts of the request."""
    return type(error).__name__
