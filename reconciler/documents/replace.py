"""Policy files that were read -> the same files with other text, each replaced whole.

Nothing is replaced before everything that shall replace it lies beside it, and nothing that has
changed since it was read. Folders below the one that was named are entered as `find_files` enters
them: links are not followed, so nothing outside is ever written.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import SettingsError

_OLD = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opened for writing too: what nobody may write is not replaced either."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_AGAIN = "Nothing else may write there meanwhile, and you must be allowed to; then run it again."


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file that gets other text."""

    folder: Path
    """As the user named it; links in it are followed."""
    path: str
    """Relative to the folder, with `/`; links in it are not followed."""
    before: bytes
    after: bytes

    @property
    def name(self) -> str:
        """Return the name of the file itself."""
        return self.path.rpartition("/")[2]


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Replace files, keeping their modes and, where that is allowed, their owners.

    Raises SettingsError, before the first one is replaced, when one cannot be or is no longer what
    was read. Nobody ever sees half a file.
    """
    staged: list[tuple[Replacement, str]] = []
    try:
        for item in replacements:
            temporary = f".fmt-{secrets.token_hex(8)}"
            staged.append((item, temporary))
            with _told(item), _inside(item) as folder:
                _stage(item, temporary, folder)
        for item, temporary in staged:
            with _told(item), _inside(item) as folder:
                os.replace(temporary, item.name, src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        # Gone already where they were put into place; an interruption leaves nothing behind either.
        for item, temporary in staged:
            with contextlib.suppress(OSError), _inside(item) as folder:
                os.unlink(temporary, dir_fd=folder)


def _stage(item: Replacement, temporary: str, folder: int) -> None:
    """Put the new text beside a file that is still what was read."""
    with os.fdopen(os.open(item.name, _OLD, dir_fd=folder), "rb") as old:
        status = os.fstat(old.fileno())
        if not stat.S_ISREG(status.st_mode) or old.read(len(item.before) + 1) != item.before:
            raise SettingsError(
                f"{item.folder / item.path} has changed while it was formatted.", _AGAIN
            )
    with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=folder), "wb") as new:
        new.write(item.after)
        new.flush()
        with contextlib.suppress(PermissionError):  # somebody else's file stays readable as it was
            os.fchown(new.fileno(), status.st_uid, status.st_gid)
        os.fchmod(new.fileno(), stat.S_IMODE(status.st_mode))
        os.fsync(new.fileno())


@contextlib.contextmanager
def _inside(item: Replacement) -> Iterator[int]:
    """Open the folder that a file lies in, one step at a time."""
    descriptor = os.open(item.folder, _FOLDER)
    try:
        for step in item.path.split("/")[:-1]:
            inner = os.open(step, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told(item: Replacement) -> Iterator[None]:
    """Name the file in what the machine refuses."""
    try:
        yield
    except OSError as error:
        told = f"{item.folder / item.path} cannot be written: {error.strerror or error}."
        raise SettingsError(told, _AGAIN) from error
