"""State in a file: what the console holds outlives the process, even one that is killed.

One SQLite file keeps the world, the ground truth and who each token acts as. All that one request
changed goes in as one transaction before its answer is sent; so whatever a client was told is
there after a crash of the simulator. (A crash of the whole machine may lose the last moments, but
leaves a sound file.) Request counters, faults and a set clock begin anew with each start.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.simulator.calls import Change, Console, Token
from reconciler.simulator.envelopes import ApiError, Response
from reconciler.simulator.tables import Table
from reconciler.simulator.world import KINDS, parse, slim

_APPLICATION = 0x53314343
"""Marks the file as ours, in SQLite's own header."""
_VERSION = 1
_MAGIC = b"SQLite format 3\0"
_LAYOUT = """
CREATE TABLE records (kind TEXT, id TEXT, record TEXT, PRIMARY KEY (kind, id));
CREATE TABLE diary (kind TEXT, position INTEGER, record TEXT, PRIMARY KEY (kind, position));
"""
_KEEP = (
    "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET record = "
    "excluded.record"
)


class Storage:
    """An open state file. One simulator at a time: the file stays locked until it is closed."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; raises ValueError for one that is not ours, and OSError."""
        self._path = path
        _refuse_foreign(path)
        self._connection = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            self.is_new = self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            busy = "locked" in str(error)
            reason = "another simulator has it open" if busy else f"SQLite says: {error}"
            raise ValueError(f"{path}: cannot keep the state there: {reason}") from error
        except ValueError:
            self._connection.close()
            raise
        self._tables: dict[str, Table[Any]] = {}
        self._settings: Any = None
        self._highest = 0
        self._diaries: dict[str, tuple[int, Any]] = {}
        """How many entries are written, and the last of them."""

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def origin(self) -> str:
        """Return from what the kept world was made, as `begin` was told."""
        return str(self._read("origin").get("", ""))

    def begin(self, console: Console, origin: str, token: str) -> None:
        """Write a console into a new file, with the token that each start tells."""
        with _as_value_error(self._path):
            for kind, value in (("origin", origin), ("start", token)):
                self._connection.execute(_KEEP, (kind, "", json.dumps(value)))
            self._write(console)

    def restore(self, console: Console) -> str:
        """Put what is kept into a console and return the token of the start.

        Raises ValueError when it does not hold together.
        """
        with _as_value_error(self._path):
            tree = {name: list(self._read(name).values()) for name in KINDS}
            settings = self._read("settings")[""]
            activities = self._log("activities")
            console.world = parse({"settings": settings, "activities": activities, **tree})
            console.world.pass_over(self._read("highest_id").get("", 0))
            console.changes[:] = [Change(**record) for record in self._log("changes")]
            for value, record in self._read("tokens").items():
                expires = record["expires"] and datetime.fromisoformat(record["expires"])
                console.tokens[value] = Token(record["principal_id"], expires)
            token = str(self._read("start")[""])
        self._note(console)
        return token

    def save(self, console: Console) -> Response | None:
        """Write what changed since the last time; returns the error to answer when that fails.

        After a failure nothing of it is in the file, and the next call tries the whole again.
        """
        try:
            self._write(console)
        except sqlite3.Error as error:
            failure = ApiError(500, f"the simulator cannot write its state: {error}")
            return failure.response()
        return None

    def _prepare(self) -> bool:
        """Lock the file, give a new one its layout; tells whether it is new."""
        run = self._connection.execute
        (application,) = run("PRAGMA application_id").fetchone()
        (version,) = run("PRAGMA user_version").fetchone()
        (entries,) = run("SELECT count(*) FROM sqlite_master").fetchone()
        is_new = not (application or version or entries)
        if not is_new and application != _APPLICATION:
            raise ValueError(f"{self._path}: {_NOT_OURS}")
        if not is_new and version != _VERSION:
            raise ValueError(
                f"{self._path}: a state file of format {version}, this simulator reads {_VERSION}; "
                "export its world with the version that wrote it"
            )
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("BEGIN EXCLUSIVE")
        if is_new:
            for statement in _LAYOUT.strip().splitlines():
                run(statement)
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {_VERSION}")
        self._connection.commit()
        return is_new

    def _write(self, console: Console) -> None:
        """Write every difference in one transaction, and only then hold it for written."""
        with self._connection:
            if console.world.settings is not self._settings:
                text = json.dumps(slim(console.world.settings))
                self._connection.execute(_KEEP, ("settings", "", text))
            if console.world.highest_id() != self._highest:  # what was deleted had an id, too
                text = json.dumps(console.world.highest_id())
                self._connection.execute(_KEEP, ("highest_id", "", text))
            for name, table in _tables(console).items():
                self._write_table(name, table)
            for name, entries in _diaries(console).items():
                self._write_diary(name, entries)
        self._note(console)

    def _write_table(self, name: str, table: Table[Any]) -> None:
        keys: Iterable[str] = sorted(table.changed, key=_by_number)
        if table is not self._tables.get(name):
            self._connection.execute("DELETE FROM records WHERE kind = ?", (name,))
            keys = table
        elif not table.changed:
            return
        rows = ((name, key, json.dumps(_record(table[key]))) for key in keys if key in table)
        self._connection.executemany(_KEEP, rows)
        gone = ((name, key) for key in keys if key not in table)
        self._connection.executemany("DELETE FROM records WHERE kind = ? AND id = ?", gone)

    def _write_diary(self, name: str, entries: Sequence[Any]) -> None:
        written, last = self._diaries.get(name, (0, None))
        if written > len(entries) or (written and entries[written - 1] is not last):
            self._connection.execute("DELETE FROM diary WHERE kind = ?", (name,))
            written = 0
        rows = (
            (name, position, json.dumps(_record(entries[position])))
            for position in range(written, len(entries))
        )
        self._connection.executemany("INSERT OR REPLACE INTO diary VALUES (?, ?, ?)", rows)

    def _note(self, console: Console) -> None:
        """Remember what is in the file."""
        self._settings = console.world.settings
        self._highest = console.world.highest_id()
        self._tables = _tables(console)
        for table in self._tables.values():
            table.changed.clear()
        for name, entries in _diaries(console).items():
            self._diaries[name] = (len(entries), entries[-1] if entries else None)

    def _read(self, kind: str) -> dict[str, Any]:
        query = "SELECT id, record FROM records WHERE kind = ? ORDER BY rowid"
        rows = self._connection.execute(query, (kind,))
        return {key: json.loads(record) for key, record in rows}

    def _log(self, kind: str) -> list[Any]:
        query = "SELECT record FROM diary WHERE kind = ? ORDER BY position"
        return [json.loads(record) for (record,) in self._connection.execute(query, (kind,))]


_NOT_OURS = (
    "this is not a state file of this simulator; name another file, or one that is not there"
)


def _refuse_foreign(path: Path) -> None:
    """Refuse what is not even SQLite before SQLite sees it; create what is not there, 0600."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor, not a path
        beginning = file.read(len(_MAGIC))
    if beginning not in {b"", _MAGIC}:
        raise ValueError(f"{path}: {_NOT_OURS}")


@contextmanager
def _as_value_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the state in it cannot be used: {error}") from error


def _tables(console: Console) -> dict[str, Table[Any]]:
    return {**{name: console.world.table(name) for name in KINDS}, "tokens": console.tokens}


def _diaries(console: Console) -> dict[str, Sequence[Any]]:
    return {"activities": console.world.activities, "changes": console.changes}


def _record(record: Any) -> Any:
    if isinstance(record, dict):
        return record
    if isinstance(record, Token):
        expires = record.expires.isoformat() if record.expires else None
        return {"principal_id": record.principal_id, "expires": expires}
    return asdict(record) if isinstance(record, Change) else slim(record)


def _by_number(key: str) -> tuple[int, str]:
    return (len(key), key)
