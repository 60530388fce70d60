"""Rate limits: a token bucket per API token and path prefix (API reference, section 4).

The longest prefix wins; paths without one are not limited. Buckets are counted in millionths of a
request, so with times in microseconds every decision is exact. `/system/status` and `/users/login`
are limited per address instead of per token: on loopback, all callers are one.
UNVERIFIED, hence switchable: whether a 429 says when to come back (`retry_after`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LIMITS: Mapping[str, tuple[int, int]] = {
    "/users": (40, 80), "/users/login": (1, 1), "/user": (2, 5), "/user-groups": (15, 50),
    "/service-users": (5, 10), "/rbac": (50, 100), "/sites": (100, 10), "/accounts": (100, 10),
    "/activities": (10, 30), "/export": (1, 30), "/licenses": (10, 5), "/system/status": (2, 1),
    "/agents": (25, 1), "/threats": (10, 50), "/exclusions": (25, 25), "/upload": (1, 5),
}  # fmt: skip
"""Prefix below the API prefix: requests a second, and how many at once."""

RETRY_AFTER = ("none", "seconds", "date")
_PER_ADDRESS = ("/system/status", "/users/login")
_WHOLE = 1_000_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What is limited, and how it is told."""

    limits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict(LIMITS))
    retry_after: str = "none"
    """`none`, `seconds` (a number) or `date` (an HTTP date)."""


@dataclass(slots=True)
class Throttle:
    """The buckets. `limits` None lets everything pass."""

    clock: Callable[[], datetime]
    limits: RateLimits | None = None
    _buckets: dict[tuple[str, str], tuple[int, datetime]] = field(default_factory=dict)

    def restart(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()

    def admit(self, token: str, path: str) -> timedelta | None:
        """Take one request out of its bucket; return None, or how long it is empty still.

        `path` is below the API prefix. A refused request takes nothing.
        """
        prefix = longest_prefix(self.limits.limits if self.limits else {}, path)
        if self.limits is None or prefix is None:
            return None
        rate, burst = self.limits.limits[prefix]
        key = ("" if prefix in _PER_ADDRESS else token, prefix)
        now = self.clock()
        level, since = self._buckets.get(key, (burst * _WHOLE, now))
        gained = max(0, (now - since) // timedelta(microseconds=1)) * rate
        level = min(burst * _WHOLE, level + gained)
        if level < _WHOLE:
            self._buckets[key] = (level, now)
            return timedelta(microseconds=-((level - _WHOLE) // rate))
        self._buckets[key] = (level - _WHOLE, now)
        return None


def longest_prefix(limits: Mapping[str, tuple[int, int]], path: str) -> str | None:
    """Return the longest prefix of whole path parts: `/user` is none of `/users`."""
    found = [each for each in limits if path == each or path.startswith(each + "/")]
    return max(found, key=len, default=None)
