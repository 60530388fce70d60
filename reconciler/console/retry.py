"""When a call is tried again, how often, and after how long (T54)."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from reconciler.console.answers import BrokenConsoleError, BusyError, NoAnswerError, NotSentError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

ATTEMPTS = 5
"""Of one call, the first included."""
RUN_BUDGET = 100
"""Retries that all calls of one client share."""
MAX_RETRY_AFTER = 120.0
"""Longest wait that a console may ask for, in seconds."""
BACKOFF_BASE, BACKOFF_CAP = 5.0, 30.0
"""Seconds; each wait is drawn between 0 and the doubling limit (API reference, quirk 9)."""
_CONNECT = (0.5, 5.0)
"""The same where no connection was made."""
_QUIET = timedelta(seconds=2)
"""At most one notice in this time, however many readings fail side by side."""

HARMLESS = (NotSentError, BusyError)
"""Failures after which nothing can have happened: any method may try again."""
READABLE = (*HARMLESS, NoAnswerError, BrokenConsoleError)
"""Failures after which reading may try again."""


class Budget:
    """A count that threads share."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one and tell whether there was one."""
        with self._lock:
            self._left -= 1
            return self._left >= 0


class Notices:
    """When the last notice was; shared by threads."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def is_due(self, now: datetime) -> bool:
        """Tell whether a notice is due, and remember that it is given."""
        with self._lock:
            is_due = self._last is None or now - self._last >= _QUIET
            self._last = now if is_due else self._last
        return is_due


@dataclass(frozen=True, slots=True)
class Retries:
    """The retry rules of one client. `draw(low, high)` gives the jitter."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    draw: Callable[[float, float], float] = random.SystemRandom().uniform
    budget: Budget = field(default_factory=lambda: Budget(RUN_BUDGET))
    notices: Notices = field(default_factory=Notices)

    def call(self, request: Callable[[], _T], on: tuple[type[Exception], ...]) -> _T:
        """Return what `request` returns, trying again after the failures in `on`.

        Raises the last failure itself when the attempts or the shared budget are used up.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(on),
            stop=self._stop,
            wait=self._wait,
            sleep=self.sleep,
            before_sleep=self._tell,
            reraise=True,
        )
        return retrying(request)

    def _stop(self, state: RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or not self.budget.take()

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, BusyError):
            asked = retry_after(error.retry_after, self.now())
            if asked is not None:
                return asked
        # Whoever does not listen is asked again soon, and given up soon.
        base, cap = _CONNECT if isinstance(error, NotSentError) else (BACKOFF_BASE, BACKOFF_CAP)
        return self.draw(0.0, min(cap, base * 2.0 ** (state.attempt_number - 1)))

    def _tell(self, state: RetryCallState) -> None:
        """Tell why nothing seems to happen for a while, once for all that fails together."""
        error = state.outcome.exception() if state.outcome else None
        if self.notices.is_due(self.now()):
            _log.warning("%s; trying again in %.0f s", error, state.upcoming_sleep)


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds a `Retry-After` asks for, between 0 and the cap; None if unreadable.

    Seconds or an HTTP date, both seen by the vendor's own client (API reference, section 4).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(MAX_RETRY_AFTER, float(text[:9]))
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits is no C integer
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return min(MAX_RETRY_AFTER, max(0.0, (instant - now).total_seconds()))
