"""What every lock is to its user, whatever stands behind it."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from reconciler.errors import ReconcilerError, RefusedError
from reconciler.locks.keeper import Keeper

_SHOWN = 200


class Clocks(Protocol):
    """The clocks of this process; `settings.Runtime` is one."""

    @property
    def now(self) -> Callable[[], datetime]:
        """Return the instant, aware and in UTC."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Return seconds since some fixed moment."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait so many seconds."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who asks for a lock."""

    nonce: str
    """Never used twice, so that nobody releases what somebody else has taken over."""
    label: str
    """For people: which run, on which machine."""

    @classmethod
    def of_run(cls, run_id: str, nonce: str) -> "Owner":
        """Name a run of this machine by the id that its records in the journal carry."""
        return cls(nonce, f"run {run_id} on {socket.gethostname()}")


class Lock(Protocol):
    """A lock that can be asked for."""

    def acquire(self) -> "Held":
        """Take the lock, to be used as a context manager.

        Raises RefusedError, naming the holder, when another apply has it; SettingsError when it
        cannot be asked for.
        """


@dataclass(slots=True)
class Held:
    """A lock that is ours; leaving the context releases it, if it is still ours."""

    name: str
    owner: Owner
    release: Callable[[], bool] = field(repr=False)
    """Gives it back and tells whether it was still ours. May raise ReconcilerError."""
    takeover: str | None = None
    """Whose stale lock was taken over and since when it was theirs; None when it was free."""
    keeper: Keeper | None = None
    """Renews a lock that expires; None for one that does not."""
    is_ours: Callable[[], bool] = lambda: True
    """For a lock that does not expire: tells whether somebody has put it aside."""
    is_released: bool = False
    """True once it was given back."""

    def __enter__(self) -> Self:
        """Hold it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop renewing and give it back. What cannot be given back expires by itself."""
        if self.keeper:
            self.keeper.stop()
        try:
            self.is_released = self.release()
        except ReconcilerError:
            self.is_released = False

    def still_held(self) -> bool:
        """Tell whether nobody else can have it by now. Asks nobody, so it may be asked often."""
        return self.is_ours() and (self.keeper is None or self.keeper.is_fresh())


def locked(name: str, holder: str, since: str, remedy: str) -> RefusedError:
    """Return the refusal for a lock that another apply holds.

    What the lock says about its holder was written by others; it is shown escaped and cut.
    """
    who = _plain(holder) or "somebody who left no name"
    when = f" since {_plain(since)}" if since else ""
    return RefusedError(f"locked: {name} is held by {who}{when}; nothing was written.", remedy)


def taken_over(holder: str, since: str) -> str:
    """Return the words that record a takeover."""
    return f"{_plain(holder) or 'somebody who left no name'} since {_plain(since) or 'unknown'}"


def _plain(text: str) -> str:
    return text[:_SHOWN].encode("unicode_escape").decode("ascii")
