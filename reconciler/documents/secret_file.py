"""The file that takes a new API token: made before the console is asked, for its owner only.

Whoever cannot be told a token must not ask for one. So the file is there before the request
leaves, with room for the longest token on the disk, and it goes away again when no token came.
What a run that was killed left behind holds that room and no token; the next one may take it over.
"""

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.domain.secret import Secret
from reconciler.errors import SettingsError

ROOM = 16_384
"""Bytes that are reserved; no token is longer, legacy or JWT (API reference, section 1.1)."""

_RESERVED = b"Reserved for an API token; none came.\n".ljust(ROOM, b"\n")
_MODE = 0o600
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class SecretFile:
    """A new file of mode 0600; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._is_ours = False
        """Whether it is locked by us, and may go away with us."""

    def __enter__(self) -> Self:
        """Make it, with room in it.

        Raises SettingsError when something is there already, when it cannot be made, and when
        the disk has no room.
        """
        try:
            self._descriptor, is_new = _opened(self._path)
            try:
                self._reserve(is_new=is_new)
            except OSError:
                self._close()
                raise
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise SettingsError(
                f"The file for the token, {self._path}, cannot be made: {why}. Nothing was asked.",
                "Name a file that does not exist yet, in a folder that can be written.",
            ) from error
        return self

    def keep(self, secret: Secret) -> None:
        """Write the token and a newline, on disk when this returns.

        Raises SettingsError, which never quotes it; the token is then lost.
        """
        content = secret.reveal().encode() + b"\n"
        try:
            _write(self._descriptor, content)
            os.ftruncate(self._descriptor, len(content))
            os.fsync(self._descriptor)
        except OSError as error:
            raise SettingsError(
                f"The token could not be written to {self._path}: {error.strerror or error}.",
                "It is lost: make a new one with `reconciler service-user rotate`.",
            ) from None
        self._is_ours = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, and remove it when no token came."""
        self._close()

    def _reserve(self, *, is_new: bool) -> None:
        """Lock the file, and write what a token will overwrite; the lock ends with this process."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(self._descriptor)
        # Whoever had the lock before may have removed it, or put a token into it.
        is_there = os.path.samestat(found, self._path.lstat())
        if not is_there or not (
            (is_new and not found.st_size) or _is_left(self._descriptor, found)
        ):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._is_ours = True
        os.fchmod(self._descriptor, _MODE)
        _write(self._descriptor, _RESERVED)
        os.fsync(self._descriptor)

    def _close(self) -> None:
        if self._is_ours:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _opened(path: Path) -> tuple[int, bool]:
    """Return a descriptor, and whether the file is new."""
    try:
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _MODE), True
    except FileExistsError as error:
        try:
            return os.open(path, _FLAGS), False
        except OSError:
            raise error from None


def _is_left(descriptor: int, found: os.stat_result) -> bool:
    """Tell whether a file holds a reservation of ours, or a part of one, and nothing else."""
    is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
    if not is_ours or stat.S_IMODE(found.st_mode) != _MODE or found.st_size > ROOM:
        return False
    return _RESERVED.startswith(os.pread(descriptor, ROOM, 0))


def _write(descriptor: int, content: bytes) -> None:
    """Write from the beginning of the file, whatever a single call takes."""
    offset = 0
    while offset < len(content):
        offset += os.pwrite(descriptor, content[offset:], offset)
