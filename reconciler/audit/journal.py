"""The journal: JSON Lines, append-only, each record carrying the hash of the line before.

An intent is on disk before the console is asked; if it cannot be, JournalError stops the run
and nothing is written. The file is locked while it is open, so that two applies on one journal
never run together; the lock is the operating system's and dies with its holder.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.domain.digest import canonical
from reconciler.errors import JournalError, RefusedError

GENESIS = "sha256:" + "0" * 64
"""What the first record names as the hash before it."""

_OPENING = b'{"data":'
"""How the canonical form of every record begins; its keys are sorted."""


class Journal:
    """An open, locked journal. Use as a context manager; it closes and unlocks."""

    def __init__(self, path: Path, *, now: Callable[[], datetime], run_id: str) -> None:
        """Name the file; `now` gives aware UTC instants, `run_id` ties the run's records."""
        self._path = path
        self._now = now
        self._run_id = run_id
        self._descriptor = -1
        self._sequence = 0
        self._is_torn = False
        self.head = GENESIS
        """Hash of the last record, to be published where the journal's owner cannot rewrite it."""
        self.unfinished: dict[str, str] = {}
        """Principal -> time of an intent without outcome: an earlier run died in between."""

    def __enter__(self) -> Self:
        """Open, lock, verify and, after a crash, recover.

        Raises RefusedError when another apply holds it, JournalError when it cannot be
        written or its chain is broken.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise self._unwritable(_why(error)) from error
        try:
            self._lock()
            self._recover()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close and unlock."""
        self.close()

    def close(self) -> None:
        """Close and unlock; closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Add one record and return only when it is on disk.

        Raises JournalError; the record may then be half written, which the next run recovers,
        so this one adds nothing more.
        """
        if self._is_torn:
            raise self._unwritable("an earlier record could not be written")
        record = {
            "sequence": self._sequence + 1,
            "previous": self.head,
            "time": self._now().isoformat().replace("+00:00", "Z"),
            "run": self._run_id,
            "kind": kind,
            "data": data,
        }
        try:
            line = canonical(record)
        except ValueError as error:
            # Half a surrogate pair, for example: JSON in UTF-8 has no form for it.
            raise self._unwritable(f"a record has no canonical form, {error}") from error
        try:
            _write_all(self._descriptor, line + b"\n")
            os.fsync(self._descriptor)
        except OSError as error:
            self._is_torn = True
            raise self._unwritable(_why(error)) from error
        self._sequence += 1
        self.head = _hash(line)

    def _lock(self) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            # Reading a pipe would never end, and a device keeps nothing.
            raise self._unwritable("it is not a regular file")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(
                f"Another apply holds the journal {self._path}.",
                "Wait until it has ended; the lock ends with its process.",
            ) from error
        except OSError as error:
            raise self._unwritable(_why(error)) from error

    def _recover(self) -> None:
        """Verify the chain; set a torn last line aside and say so in the record."""
        try:
            with os.fdopen(self._descriptor, "rb", closefd=False) as file:
                content = file.read()
            whole, newline, torn = content.rpartition(b"\n")
            self._verify(whole.split(b"\n") if newline else [])
            if not newline and torn[: len(_OPENING)] != _OPENING[: len(torn)]:
                # Not even the beginning of a first record: somebody else's file, not ours to cut.
                raise self._broken()
            if torn:
                _append_bytes(self._path.with_name(self._path.name + ".torn"), torn + b"\n")
                os.ftruncate(self._descriptor, len(content) - len(torn))
            _sync_folder(self._path.parent)
        except OSError as error:
            raise self._unwritable(_why(error)) from error
        if torn:
            self.append("recovered", {"bytes": len(torn), "sha256": _hash(torn)})

    def _verify(self, lines: list[bytes]) -> None:
        for line in lines:
            record: Any = None
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(line)
            expected = {"sequence": self._sequence + 1, "previous": self.head}
            if not isinstance(record, dict) or any(
                record.get(key) != value for key, value in expected.items()
            ):
                raise self._broken()
            self._sequence += 1
            self.head = _hash(line)
            self._note(record)

    def _note(self, record: dict[str, Any]) -> None:
        """Keep the intents that no outcome answers; a foreign record's form is not trusted."""
        data = record.get("data")
        principal = data.get("principal") if isinstance(data, dict) else None
        name = str(principal.get("name")) if isinstance(principal, dict) else ""
        if record.get("kind") == "intent":
            self.unfinished[name] = str(record.get("time"))
        elif record.get("kind") == "outcome":
            self.unfinished.pop(name, None)

    def _broken(self) -> JournalError:
        return JournalError(
            f"The journal {self._path} is broken at record {self._sequence + 1}: "
            "it was edited, cut or mixed with another.",
            "Keep the file as evidence, find out who changed it, and continue with "
            "another --journal.",
        )

    def _unwritable(self, why: str) -> JournalError:
        return JournalError(
            f"The journal {self._path} cannot be written: {why}.",
            "Without a journal nothing is changed: make the path writable, or name another "
            "with --journal.",
        )


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _hash(line: bytes) -> str:
    return "sha256:" + hashlib.sha256(line).hexdigest()


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _append_bytes(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the directory entry of a new file durable too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
