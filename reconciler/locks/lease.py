"""A lock for pods: a Lease that one holder renews and that others take only when it stands still.

Nobody's clock is trusted but our own: a Lease is stale when we have seen it unchanged for as long
as it lasts. The times inside only inform people.
"""

from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.base import Clocks, Held, Owner, locked, taken_over
from reconciler.locks.keeper import Keeper, Term
from reconciler.locks.kubernetes import Body, Lease, LeaseClient

LIFETIME = 30
"""Seconds until a holder that renews no more may be replaced."""

_POLL = 2.0
_LONGEST = 300
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LeaseLock:
    """Keeps applies of one cluster apart that name the same Lease."""

    client: LeaseClient
    label: str
    """`NAMESPACE/NAME`."""
    owner: Owner
    clocks: Clocks

    @property
    def name(self) -> str:
        """What messages and the journal call it."""
        return f"the Lease {self.label}"

    def acquire(self) -> Held:
        """Take it, see `base.Lock`. A Lease that somebody holds is watched until it moves.

        A living holder moves it within a third of its duration; a dead one's is taken over when
        the duration has passed.
        """
        try:
            return self._acquired()
        except BaseException:
            self.client.close()
            raise

    def _acquired(self) -> Held:
        first: Lease | None = None
        watched_from = 0.0
        for _ in self._tries():
            asked = self.clocks.monotonic()
            seen = self.client.read()
            if seen is None or not seen.holder:
                self._take(seen)
            elif seen.holder == self._identity:  # also when the answer to our write was lost
                return self._held(seen, asked, None if first is None else _told(first))
            elif first is None:
                first, watched_from = seen, self.clocks.monotonic()
            elif seen.version != first.version:
                raise self._locked(seen)
            elif self.clocks.monotonic() - watched_from >= max(seen.seconds, LIFETIME):
                self._take(seen)
            else:
                self.clocks.sleep(_POLL)
        raise self._locked(first)
