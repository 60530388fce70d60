"""Files that only their owner may read: written whole or not at all, read with suspicion."""

import contextlib
import errno
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from reconciler.errors import SettingsError
from reconciler.resources import resource

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a temporary file is opened."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file, for the messages about it."""

    word: str
    """`plan`, `snapshot`."""
    article: str
    """`a saved plan`."""
    schema: str
    """Name of its published schema."""
    limit: int
    """Bytes that are read at most."""
    made_by: str
    """The command that makes one."""

    def unreadable(self, path: Path, why: str) -> SettingsError:
        """Return the error that a file is none of this kind."""
        return SettingsError(
            f"{path} cannot be read as {self.article}: {why}.", f"Make one with: {self.made_by}"
        )


def check_writable(path: Path, kind: Kind) -> None:
    """Raise SettingsError when a file could not be put there, as `write_private` does.

    For whoever has more than one thing to save: before the first of them.
    """
    temporary = _temporary(path, kind)
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        os.close(os.open(temporary, _NEW, 0o600))
    except (OSError, ValueError) as error:
        raise _unwritable(path, kind, error) from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def write_private(path: Path, text: str, kind: Kind) -> None:
    """Put a file into place: only its owner can read it, and nobody ever sees half of it (T64).

    Raises SettingsError when the path cannot be written.
    """
    temporary = _temporary(path, kind)
    try:
        with os.fdopen(os.open(temporary, _NEW, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, ValueError) as error:
        raise _unwritable(path, kind, error) from error
    finally:
        # Gone already when it was put into place; an interruption leaves nothing behind either.
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def read_private(path: Path, kind: Kind, *, follow: bool = True) -> dict[str, Any]:
    """Return the JSON object of a file that fits the published schema of its kind.

    Raises SettingsError when it is no regular file, too large, not JSON, repeats a key, or does
    not fit; without `follow` also when it is a link.
    """
    content = read_content(path, kind, follow=follow)
    try:
        tree = json.loads(content.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise kind.unreadable(path, f"it is not JSON, {_reason(error)}") from error
    schema = json.loads((resource("schemas") / kind.schema).read_text("utf-8"))
    errors = sorted(Draft202012Validator(schema).iter_errors(tree), key=lambda e: e.json_path)
    if errors:
        where = errors[0].json_path
        raise kind.unreadable(path, f"it does not match schemas/{kind.schema} at {where}")
    return dict(tree)


def read_content(path: Path, kind: Kind, *, follow: bool = True) -> bytes:
    """Return the bytes of a regular file; opening a pipe must not wait for somebody to write.

    Raises SettingsError when it is none or too large; without `follow` also when it is a link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise kind.unreadable(path, "it is not a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(kind.limit + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise kind.unreadable(path, _reason(error)) from error
    if len(content) > kind.limit:
        raise kind.unreadable(path, f"it is larger than any {kind.word}")
    return content


def _temporary(path: Path, kind: Kind) -> Path:
    # Not derived from the name of the file, which may be as long as names can be, or empty.
    return path.parent / f".{kind.word}-{secrets.token_hex(8)}"


def _unwritable(path: Path, kind: Kind, error: Exception) -> SettingsError:
    return SettingsError(
        f"The {kind.word} cannot be saved to {path}: {_reason(error)}.",
        "Name a path in a folder that can be written.",
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key is repeated")
    return keys


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
