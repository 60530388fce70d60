"""The lock of this machine: an OS lock on a file per console in the user's state folder.

It ends with its process, however that ends, so there is nothing to expire or to take over. The
file's content only tells people who holds it; the file is never deleted, since whoever waits for
a deleted file's lock would share it with nobody.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.base import Clocks, Held, Owner, locked

_MAX_BYTES = 4096
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def console_key(origin: str) -> str:
    """Return the name under which a console's locks stand: 16 hexadecimal digits."""
    return hashlib.sha256(origin.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class LocalLock:
    """Keeps two applies of one user on one machine apart, whatever journals they write."""

    folder: Path
    """The user's state folder; made when missing."""
    origin: str
    """The console, normalised."""
    owner: Owner
    clocks: Clocks

    @property
    def name(self) -> str:
        """What messages and the journal call it."""
        return f"the local lock on {self.origin}"

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "locks" / f"{console_key(self.origin)}.lock"

    def acquire(self) -> Held:
        """Take it, see `base.Lock`."""
        descriptor = self._open()
        try:
            self._take(descriptor)
        except BaseException as error:
            # An interruption too: a descriptor that stays open would keep the lock.
            holder, since = _signature(descriptor)
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise self._taken(holder, since) from None
            if isinstance(error, OSError):
                raise self._unusable(error) from error
            raise

        def release() -> bool:
            with contextlib.suppress(OSError):  # the text only informs
                os.ftruncate(descriptor, 0)
            os.close(descriptor)
            return True

        return Held(self.name, self.owner, release, is_ours=lambda: self._is_in_place(descriptor))

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            raise self._unusable(error) from error

    def _take(self, descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not self._is_in_place(descriptor):
            # Somebody deleted the file between opening and locking: another file counts by now.
            raise BlockingIOError
        since = self.clocks.now().isoformat(timespec="seconds")
        told = {"holder": f"{self.owner.label}, process {os.getpid()}", "since": since}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(told).encode(), 0)

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.lstat())
        except OSError:
            return False

    def _taken(self, holder: str, since: str) -> RefusedError:
        wait = "Wait until that apply has ended; the lock ends with its process."
        return locked(self.name, holder, since, wait)

    def _unusable(self, error: OSError) -> SettingsError:
        return SettingsError(
            f"The lock file {self.path} cannot be used: {error.strerror or error}.",
            "Without a lock nothing is changed: set RECONCILER_STATE to a folder that this user "
            "can write, the same one for every apply on this machine.",
        )


def _signature(descriptor: int) -> tuple[str, str]:
    """Return holder and instant as the file tells them; empty where it does not."""
    try:
        told = json.loads(os.pread(descriptor, _MAX_BYTES, 0))
        return str(told["holder"]), str(told["since"])
    except (OSError, ValueError, LookupError, TypeError):
        return "", ""
