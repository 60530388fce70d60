"""One time limit over a whole exchange.

httpx limits each read; a server that sends a byte now and then passes every one of those limits.
Here every connect, read and write of httpx's network layer gets only the time that is left.
"""

import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

import httpcore

_threads = threading.local()


class Deadline:
    """While entered, network operations of this thread end when `seconds` are over."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; negative when over."""
        return self._end - self._monotonic()

    def __enter__(self) -> Self:
        _threads.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        del _threads.deadline


def _shorter(timeout: float | None, error: type[Exception]) -> float | None:
    deadline: Deadline = _threads.deadline
    left = deadline.left()
    if left <= 0:
        raise error("the time for this request is over")
    return left if timeout is None else min(timeout, left)


class Backend(httpcore.SyncBackend):
    """httpcore's own network layer, each operation cut to the time that is left."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; raises httpcore.ConnectTimeout when the time is over."""
        timeout = _shorter(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _shorter(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _shorter(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = _shorter(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
