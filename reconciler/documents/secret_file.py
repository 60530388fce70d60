"""The file that takes a new API token: made before the console is asked, for its owner only.

Whoever cannot be told a token must not ask for one. So the file is there, empty and writable,
before the request leaves, and it goes away again when no token came.
"""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.domain.secret import Secret
from reconciler.errors import SettingsError


class SecretFile:
    """A new file of mode 0600; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._is_kept = False

    def __enter__(self) -> Self:
        """Make it; raises SettingsError when it is there already or cannot be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self._path, flags, 0o600)
            os.fchmod(self._descriptor, 0o600)
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
            while content:
                content = content[os.write(self._descriptor, content) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise SettingsError(
                f"The token could not be written to {self._path}: {error.strerror or error}.",
                "It is lost: make a new one with `reconciler service-user rotate`.",
            ) from None
        self._is_kept = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it, and remove it when no token came."""
        os.close(self._descriptor)
        if not self._is_kept:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
