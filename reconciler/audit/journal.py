"""The journal: JSON Lines, append-only, each record carrying the hash of the line before.

An intent is on disk before the console is asked; if it cannot be, JournalError stops the run
and nothing is written. The file is locked while it is open, so that two applies on one journal
never run together; the lock is the operating system's and dies with its holder.
"""

import fcntl
import os
import stat
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.audit.chain import GENESIS, Fault, Record, hash_of, read_chain
from reconciler.domain.digest import canonical
from reconciler.domain.instants import instant_text
from reconciler.errors import JournalError, RefusedError


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
        self._appending = threading.Lock()
        self.head = GENESIS
        """Hash of the last record, to be published where the journal's owner cannot rewrite it."""
        self.records: tuple[Record, ...] = ()
        """What earlier runs recorded."""
        self.appended: list[Record] = []
        """What this run recorded."""

    def __enter__(self) -> Self:
        """Open, lock, verify and, after a crash, recover.

        Raises RefusedError when another apply holds it, JournalError when it cannot be
        written or its chain is broken.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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

    @property
    def run(self) -> str:
        """Id of this run."""
        return self._run_id

    @property
    def length(self) -> int:
        """Number of the last record; 0 for an empty journal."""
        return self._sequence

    def close(self) -> None:
        """Close and unlock; closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def check(self) -> None:
        """Raise JournalError when a record could not be kept; nothing may be written then."""
        if self._is_torn:
            raise self._unwritable("an earlier record could not be written")

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Add one record and return only when it is on disk. Safe to share between threads.

        Raises JournalError; the record may then be half written, which the next run recovers,
        so this one adds nothing more.
        """
        with self._appending:
            self._append(kind, data)

    def _append(self, kind: str, data: dict[str, Any]) -> None:
        self.check()
        time = instant_text(self._now())
        record = {
            "sequence": self._sequence + 1,
            "previous": self.head,
            "time": time,
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
            is_here = os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except OSError as error:
            self._is_torn = True
            raise self._unwritable(_why(error)) from error
        if not is_here:
            # What nobody finds under its name is no record.
            self._is_torn = True
            raise self._unwritable("the file that was opened is not there any more")
        self._sequence += 1
        self.head = hash_of(line)
        self.appended.append(Record(self._sequence, time, self._run_id, kind, data, self.head))

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
            chain = read_chain(content)
            if chain.fault:
                raise self._broken(chain.fault)
            if chain.torn:
                torn_path = self._path.with_name(self._path.name + ".torn")
                _append_bytes(torn_path, chain.torn + b"\n")
                os.ftruncate(self._descriptor, len(content) - len(chain.torn))
            _sync_folder(self._path.parent)
        except OSError as error:
            raise self._unwritable(_why(error)) from error
        self._sequence, self.head = len(chain.records), chain.head
        self.records = chain.records
        if chain.torn:
            self.append("recovered", {"bytes": len(chain.torn), "sha256": hash_of(chain.torn)})

    def _broken(self, fault: Fault) -> JournalError:
        return JournalError(
            f"The journal {self._path} is broken at record {fault.record}: it {fault.what}.",
            fault.remedy
            or "Keep the file as evidence, find out who changed it, and continue with another "
            "--journal.",
        )

    def _unwritable(self, why: str) -> JournalError:
        return JournalError(
            f"The journal {self._path} cannot be written: {why}.",
            "Without a journal nothing is changed: make the path writable, or name another "
            "with --journal.",
        )


def _why(error: OSError) -> str:
    return error.strerror or str(error)


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
