"""When a call is tried again, how often, and after how long (T54)."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
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

HARMLESS = (NotSentError, BusyError)
"""Failures after which nothing can have happened: any method may try again."""
READABLE = (*HARMLESS, NoAnswerError, BrokenConsoleError)
"""Failures after which reading may try again."""


@dataclass(frozen=True, slots=True)
class Retries:
    """The retry rules of one client. `draw(low, high)` gives the jitter."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    draw: Callable[[float, float], float] = random.SystemRandom().uniform
    budget: "Budget" = field(default_factory=lambda: Budget(RUN_BUDGET))

    def call(self, request: Callable[[], _T], on: tuple[type[Exception], ...]) -> _T:
        """Return what `request` returns, trying again after the failures in `on`.

        Raises the last failure itself when the attempts or the shared budget are used up.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(on),
            stop=self._stop,
            wait=self._wait,
            sleep=self.sleep,
            before_sleep=_tell,
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
        limit = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** (state.attempt_number - 1))
        return self.draw(0.0, limit)


def _tell(state: RetryCallState) -> None:
    """Tell why nothing seems to happen for a while."""
    error = state.outcome.exception() if state.outcome else None
    _log.warning("%s; trying again in %.0f s", error, state.upcoming_sleep)


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


def retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds a `Retry-After` asks for, between 0 and the cap; None if unreadable.

    Seconds or an HTTP date, both seen by the vendor's own client (API reference, section 4).
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(MAX_RETRY_AFTER, float(text[:9]))
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return min(MAX_RETRY_AFTER, max(0.0, (instant - now).total_seconds()))
