"""The Management API v2.1 as calls with retries and whole listings.

Two types, so that what only reads cannot write: `ReadClient` has no mutating verb at all (T03).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from reconciler.console.answers import (
    BrokenConsoleError,
    ForbiddenError,
    NoAnswerError,
    lost,
    success,
)
from reconciler.console.limits import Limits
from reconciler.console.listing import read_listing
from reconciler.console.retry import HARMLESS, READABLE, Retries
from reconciler.console.transport import Address, Transport
from reconciler.errors import DeniedError, NotUnderstoodError

Record = Mapping[str, Any]
"""A JSON object as the console sent it."""


class Clock(Protocol):
    """Time as an argument; `settings.Runtime` is one."""

    @property
    def now(self) -> Callable[[], datetime]:
        """Give the instant in UTC."""
        ...

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait some seconds."""
        ...

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds since some fixed moment."""
        ...


class ReadClient:
    """Reads from one console; use as a context manager. Safe to share between threads."""

    def __init__(self, address: Address, clock: Clock, retries: Retries | None = None) -> None:
        self._transport = Transport(address, clock.monotonic)
        self._limits = Limits(clock.monotonic, clock.sleep)
        self._retries = retries or Retries(clock.now, clock.sleep)
        self._refusal: DeniedError | None = None

    @property
    def origin(self) -> str:
        """`https://host[:port]` of the console."""
        return self._transport.origin

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Record:
        """Return the body of `GET path`, an object without errors.

        Tries again on connect errors, broken answers, 429 and 5xx. Raises UnreachableError when
        that did not help, DeniedError (401, 403), MissingError (404, 501), RejectedError (other
        4xx) and NotUnderstoodError.
        """

        def attempt() -> Record:
            self._limits.wait(path)
            return self._ask("GET", path, params)

        return self._retries.call(attempt, READABLE)

    def list_all(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        items: Sequence[str] = ("data",),
        on_page: Callable[[int, int], None] = lambda _read, _total: None,
    ) -> list[Record]:
        """Return every record of a paged listing, in order of id, or raise.

        `items` is the way to the records in the body: `("data", "sites")` for sites (API
        reference, section 3.2). `on_page` hears how many records are read of how many. Raises
        IncompleteReadError when three readings do not add up (T47), else as `get`.
        """
        return read_listing(self.get, path, params or {}, tuple(items), on_page)

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Record | None = None,
    ) -> Record:
        """Send one request; a token that the console has refused is not sent again (T60)."""
        if self._refusal:
            raise DeniedError(self._refusal.message, self._refusal.remedy)
        try:
            return success(self._transport.send(method, path, params, body), f"{method} {path}")
        except DeniedError as error:
            if not isinstance(error, ForbiddenError):  # that is about this path alone
                self._refusal = error
            raise

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class WriteClient(ReadClient):
    """Reads and writes. A write is tried again only when it cannot have happened."""

    def __init__(self, address: Address, clock: Clock, retries: Retries | None = None) -> None:
        super().__init__(address, clock, retries)
        self._check: Callable[[], None] = lambda: None

    def check_before_writes(self, check: Callable[[], None]) -> None:
        """Call `check` before every attempt to write, when all waiting is over.

        What it raises, the write raises; nothing is sent then.
        """
        self._check = check

    def put(self, path: str, body: Record) -> Record:
        """Replace what is at `path`; see `post` for the errors."""
        return self._write("PUT", path, body)

    def post(self, path: str, body: Record) -> Record:
        """Create below `path` and return the answer's body.

        Tries again on connect errors and 429 only. Raises LostAnswerError when the request was
        sent and no good answer came, so that only reading tells; UnreachableError when it never
        arrived; DeniedError, MissingError and RejectedError when the console said no.
        """
        return self._write("POST", path, body)

    def delete(self, path: str) -> Record:
        """Delete what is at `path`; see `post` for the errors."""
        return self._write("DELETE", path, None)

    def _write(self, method: str, path: str, body: Record | None) -> Record:
        call = f"{method} {path}"

        def attempt() -> Record:
            self._limits.wait(path)
            self._check()
            try:
                return self._ask(method, path, None, body)
            except (NoAnswerError, BrokenConsoleError, NotUnderstoodError) as error:
                raise lost(error, call) from None

        return self._retries.call(attempt, HARMLESS)
