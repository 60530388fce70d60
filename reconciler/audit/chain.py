"""The chain of a journal, read by anybody: needs no token, no network and no trust in the file.

Each line is the canonical JSON of one record, which counts on by one and names the hash of the
line before. Whoever changes a line breaks the chain at the next; whoever forges the whole chain
anew changes its head, which is published where the journal's owner cannot rewrite it (T68, T70).
"""

import codecs
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from reconciler.domain.digest import canonical

GENESIS = "sha256:" + "0" * 64
"""What the first record names as the hash before it."""

_OPENING = b'{"data":'
"""How the canonical form of every record begins; its keys are sorted."""

_FORM = {"sequence": int, "previous": str, "time": str, "run": str, "kind": str, "data": dict}


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the file."""

    sequence: int
    time: str
    """ISO 8601 in UTC, by the clock of the machine that wrote it."""
    run: str
    kind: str
    data: dict[str, Any]
    hash: str
    """Of the whole line; the next record names it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first record that does not fit."""

    record: int
    """Its number, from 1."""
    what: str
    remedy: str = ""
    """Empty when the file may be evidence of tampering."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a file holds, up to the first fault."""

    records: tuple[Record, ...]
    torn: bytes = b""
    """A last line without its end: what a crash leaves, not tampering."""
    fault: Fault | None = None

    @property
    def head(self) -> str:
        """Hash of the last good record."""
        return self.records[-1].hash if self.records else GENESIS

    def at(self, head: str) -> Record | None:
        """Return the record that has this hash, None when the chain does not hold it."""
        return next((record for record in self.records if record.hash == head), None)


def read_chain(content: bytes) -> Chain:
    """Read a journal up to the first record that does not fit. Raises nothing, on any bytes."""
    chain = _read(content)
    if chain.fault and not chain.records and (form := _other_form(content)):
        told = "Fetch it as bytes: an editor, or `>` in PowerShell, wrote it anew."
        return Chain((), fault=Fault(1, f"was re-encoded ({form})", told))
    return chain


def _read(content: bytes) -> Chain:
    whole, newline, torn = content.rpartition(b"\n")
    records: list[Record] = []
    head = GENESIS
    for line in whole.split(b"\n") if newline else []:
        record = _record(line, len(records) + 1, head)
        if isinstance(record, Fault):
            return Chain(tuple(records), fault=record)
        records.append(record)
        head = record.hash
    if not newline and torn[: len(_OPENING)] != _OPENING[: len(torn)]:
        # Not even the beginning of a first record: somebody else's file.
        return Chain((), fault=Fault(1, "is no record of a journal"))
    return Chain(tuple(records), torn)


def _other_form(content: bytes) -> str:
    """Return how a sound journal was written anew; empty for what is none in that form either."""
    mark, zeros = content[:2], [n for n, byte in enumerate(content[:2]) if byte == 0]
    if mark in {b"\xff\xfe", b"\xfe\xff"}:
        form, encoding = "UTF-16", "utf-16"
    elif zeros:
        form, encoding = "UTF-16", "utf-16-be" if zeros == [0] else "utf-16-le"
    elif content.startswith(codecs.BOM_UTF8):
        form, encoding = "a byte order mark", "utf-8-sig"
    else:
        form, encoding = "other line ends", "utf-8"
    try:
        restored = content.decode(encoding).replace("\r\n", "\n").encode()
    except UnicodeError:
        return ""
    return form if _read(restored).records else ""


def hash_of(line: bytes) -> str:
    """Return `sha256:` and the hex digest of a line without its newline."""
    return "sha256:" + hashlib.sha256(line).hexdigest()


def _record(line: bytes, number: int, head: str) -> Record | Fault:
    try:
        value = json.loads(line)
        is_canonical = canonical(value) == line
    except (ValueError, RecursionError):
        return Fault(number, "is no record of a journal")
    if not isinstance(value, dict) or value.keys() != _FORM.keys():
        return Fault(number, "has not the form of a record")
    if not is_canonical or any(type(value[key]) is not kind for key, kind in _FORM.items()):
        return Fault(number, "was not written by this product")
    if value["sequence"] != number:
        return Fault(number, f"calls itself number {value['sequence']}: records were moved or lost")
    if value["previous"] != head:
        return Fault(number, "follows another record than the one before it: one was changed")
    return Record(number, value["time"], value["run"], value["kind"], value["data"], hash_of(line))
