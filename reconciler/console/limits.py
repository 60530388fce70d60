"""How fast each part of the API may be called: one token bucket per published path prefix."""

import threading
from collections.abc import Callable

PUBLISHED: dict[str, tuple[float, float]] = {
    "/users": (40, 80),
    "/users/login": (1, 1),
    "/user": (2, 5),
    "/user-groups": (15, 50),
    "/service-users": (5, 10),
    "/rbac": (50, 100),
    "/sites": (100, 10),
    "/accounts": (100, 10),
    "/activities": (10, 30),
    "/export": (1, 30),
    "/licenses": (10, 5),
    "/system/status": (2, 1),
    "/cache": (2, 1),
    "/db": (2, 1),
    "/agents": (25, 1),
    "/threats": (10, 50),
    "/exclusions": (25, 25),
    "/upload": (1, 5),
}
"""Requests per second and burst for each prefix (API reference, section 4)."""

SPARED = 5
"""One of so many turns of a burst is never used: requests do not travel equally fast, so a slow one
may arrive together with those after it, and the console counts arrivals."""

UNKNOWN = (2.0, 2.0)
"""For paths that the table leaves out, as careful as the slowest read in it."""


class Limits:
    """All buckets of one token; safe to share between threads."""

    def __init__(self, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, path: str) -> None:
        """Take one turn for `path`, sleeping first when its bucket is empty.

        The turn is booked under the lock and slept for outside it, so waiting threads queue up
        fairly and other prefixes are not held back.
        """
        prefix, (rate, burst) = published_limit(path)
        with self._lock:
            now = self._monotonic()
            bucket = self._buckets.setdefault(prefix, _Bucket(rate, burst - burst // SPARED, now))
            seconds = bucket.book(now)
        if seconds > 0:
            self._sleep(seconds)


def published_limit(path: str) -> tuple[str, tuple[float, float]]:
    """Return the longest published prefix of `path` (whole segments) and its limit."""
    segments = path.split("/")
    for length in range(len(segments), 1, -1):
        prefix = "/".join(segments[:length])
        if prefix in PUBLISHED:
            return prefix, PUBLISHED[prefix]
    return "", UNKNOWN


class _Bucket:
    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._turns, self._seen = burst, now

    def book(self, now: float) -> float:
        """Take a turn and return the seconds until it may be used; turns may be owed."""
        gained = max(0.0, now - self._seen) * self._rate
        self._turns = min(self._burst, self._turns + gained) - 1
        self._seen = now
        return max(0.0, -self._turns / self._rate)
