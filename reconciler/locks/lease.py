"""A lock for pods: a Lease that its holder renews, and that others take only when it stands still.

Nobody's clock is trusted but our own: a Lease is stale when we have seen it unchanged for as long
as it lasts. The times inside only inform people.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.base import Clocks, Held, Owner, locked, taken_over
from reconciler.locks.keeper import Keeper, Term
from reconciler.locks.kubernetes import Body, Lease, LeaseClient

LIFETIME = 30
"""Seconds until a holder that renews no more may be replaced."""

_POLL = 2.0
_LONGEST = 300
"""A Lease that lasts longer than so many seconds is not waited for."""
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LeaseLock:
    """Keeps applies apart that name the same Lease of the same cluster."""

    client: LeaseClient
    label: str
    """`NAMESPACE/NAME`."""
    owner: Owner
    clocks: Clocks
    tell: Callable[[str], None]
    """Told why acquiring takes time."""

    @property
    def name(self) -> str:
        """What messages and the journal call it."""
        return f"the Lease {self.label}"

    @property
    def identity(self) -> str:
        """What stands in the Lease while we hold it."""
        return f"{self.owner.label}, nonce {self.owner.nonce}"

    def acquire(self) -> Held:
        """Take it, see `base.Lock`. A Lease that somebody holds is watched until it moves.

        A living holder moves it within a third of its duration; a dead one's is taken over when
        the whole duration has passed.
        """
        try:
            return self._acquired()
        except BaseException:
            self.client.close()
            raise

    def _acquired(self) -> Held:
        takeover = None
        for left in reversed(range(_ATTEMPTS)):
            try:
                seen = self._vacant()
                if not self.is_ours(seen):
                    takeover = taken_over(seen.holder, seen.since) if seen and seen.holder else None
                asked = self.clocks.monotonic()
                taken = self._write(seen)
            except SettingsError:
                # Perhaps it was written and only the answer was lost; the next read tells.
                if not left:
                    raise
                self.clocks.sleep(_POLL)
                continue
            if taken:
                return self._held(taken, asked, takeover)
            faster = self.client.read()
            if faster and faster.holder:
                raise self._locked(faster)
        raise locked(self.name, "", "", "Somebody else was faster; run apply again.")

    def is_ours(self, lease: Lease | None) -> bool:
        """Tell whether we hold it, by what the API server says."""
        return lease is not None and lease.holder == self.identity

    def _vacant(self) -> Lease | None:
        """Return the Lease when it is free, stale or ours, None when there is none."""
        first = self.client.read()
        begun = self.clocks.monotonic()
        if first is None or not first.holder or self.is_ours(first):
            return first
        lasts = max(first.seconds, LIFETIME)
        if lasts > _LONGEST:
            raise self._locked(first)
        self.tell(f"{self.name} is held by {first.holder}: watching whether it is renewed")
        while self.clocks.monotonic() - begun < lasts:
            self.clocks.sleep(_POLL)
            seen = self.client.read()
            if seen is None or not seen.holder:
                return seen
            if seen.version != first.version:
                raise self._locked(seen)
        return first

    def _write(self, seen: Lease | None) -> Lease | None:
        now = self.time()
        spec: Body = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LIFETIME,
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": seen.transitions + 1 if seen else 0,
        }
        return self.client.replace(seen.changed(spec)) if seen else self.client.create(spec)

    def _held(self, taken: Lease, asked: float, takeover: str | None) -> Held:
        ours = _Ours(self, taken)
        keeper = Keeper(ours.renew, Term(LIFETIME), asked, self.clocks.monotonic)
        return Held(self.name, self.owner, ours.release, takeover, keeper.start())

    def time(self) -> str:
        """Return this instant as Kubernetes writes a MicroTime."""
        return self.clocks.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _locked(self, lease: Lease) -> RefusedError:
        return locked(
            self.name,
            lease.holder,
            lease.since,
            f"Wait until that apply has ended. If it died, its Lease can be taken over after "
            f"{max(lease.seconds, LIFETIME)} seconds without a renewal: run apply again.",
        )


@dataclass(slots=True)
class _Ours:
    """A Lease while we hold it."""

    lock: LeaseLock
    lease: Lease
    """As last seen."""

    def renew(self) -> bool:
        """Renew it, see `Keeper`."""
        for _ in range(_ATTEMPTS):
            renewed = self.lock.client.replace(self.lease.changed({"renewTime": self.lock.time()}))
            if renewed:
                self.lease = renewed
                return True
            # Taken over; or labelled by somebody; or our own change, whose answer was lost.
            seen = self.lock.client.read()
            if seen is None or not self.lock.is_ours(seen):
                return False
            self.lease = seen
        raise SettingsError(f"{self.lock.name} changes all the time.", "Find out who writes it.")

    def release(self) -> bool:
        """Give it back, if it is still ours."""
        try:
            for _ in range(_ATTEMPTS):
                seen = self.lock.client.read()
                if seen is None or not self.lock.is_ours(seen):
                    return False
                free: Body = {"holderIdentity": None, "renewTime": self.lock.time()}
                if self.lock.client.replace(seen.changed(free)):
                    return True
            return False
        finally:
            self.lock.client.close()
