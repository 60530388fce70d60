"""What the journal writes: complete, chained, canonical, private."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.audit.chain import GENESIS
from reconciler.audit.journal import Journal
from reconciler.domain.digest import canonical
from reconciler.errors import JournalError
from reconciler.resources import resource

Open = Callable[[], Journal]
Chain = Callable[[int], list[bytes]]
Records = Callable[[], list[dict[str, Any]]]

FINISHED = {"results": {"applied": 1}}

SCHEMA = Draft202012Validator(
    json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))
)


def sha256(line: bytes) -> str:
    return "sha256:" + hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def test_the_first_record_is_number_one_and_follows_nothing(
    journal: Open, records: Records
) -> None:
    with journal() as opened:
        assert opened.head == GENESIS
        opened.append("run-finished", FINISHED)

    assert records() == [
        {
            "sequence": 1,
            "previous": GENESIS,
            "time": "2026-11-22T09:00:00Z",
            "run": "0123456789abcdef",
            "kind": "run-finished",
            "data": FINISHED,
        }
    ]


def test_every_record_carries_the_hash_of_the_line_before(chain: Chain) -> None:
    lines = chain(5)

    assert [json.loads(line)["previous"] for line in lines[1:]] == [
        sha256(line) for line in lines[:-1]
    ]


def test_the_head_is_the_hash_of_the_last_line(journal: Open, chain: Chain) -> None:
    lines = chain(3)

    with journal() as opened:
        assert opened.head == sha256(lines[-1])


def test_the_chain_goes_on_when_the_journal_is_opened_again(
    journal: Open, chain: Chain, records: Records
) -> None:
    before = chain(2)
    with journal() as opened:
        opened.append("run-finished", FINISHED)

    assert [record["sequence"] for record in records()] == [1, 2, 3]
    assert records()[2]["previous"] == sha256(before[1])


def test_opening_alone_changes_nothing(journal: Open, chain: Chain, path: Path) -> None:
    before = b"".join(chain(3))

    with journal():
        pass

    assert path.read_bytes() == before


def test_every_record_is_canonical_and_matches_the_schema(
    journal: Open, chain: Chain, path: Path
) -> None:
    chain(3)
    with path.open("ab") as file:
        file.write(b'{"data":{"res')
    with journal() as opened:
        opened.append("run-finished", {"results": {"applied": 1, "not attempted": 2}})

    for line in path.read_bytes().splitlines():
        SCHEMA.validate(json.loads(line))
        assert canonical(json.loads(line)) == line


def test_a_record_is_in_the_file_when_append_returns(journal: Open, records: Records) -> None:
    with journal() as opened:
        for count in range(1, 4):
            opened.append("run-finished", FINISHED)
            assert len(records()) == count


def test_a_record_is_on_the_disk_when_append_returns(
    journal: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that can be read may still be lost with the power; so the last call is a sync."""
    sync = os.fsync
    synced: list[tuple[int, int]] = []

    def watched(descriptor: int) -> None:
        sync(descriptor)
        now = os.fstat(descriptor)
        synced.append((now.st_ino, now.st_size))

    monkeypatch.setattr(os, "fsync", watched)
    with journal() as opened:
        for _ in range(3):
            opened.append("run-finished", FINISHED)
            there = path.stat()
            assert synced[-1] == (there.st_ino, there.st_size)


def test_only_its_owner_can_read_a_journal(chain: Chain, path: Path) -> None:
    chain(1)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folder_of_a_journal_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "journal.jsonl"
    with Journal(path, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), run_id="0" * 16) as opened:
        opened.append("run-finished", FINISHED)

    assert path.exists()


@pytest.mark.parametrize("text", ["line\nbreak", "\x1b[31m", "\u202e", "管理者", '"', "\x00"])
def test_hostile_text_stays_inside_its_record(journal: Open, records: Records, text: str) -> None:
    with journal() as opened:
        opened.append("outcome", {"detail": text})

    assert [record["data"] for record in records()] == [{"detail": text}]


def test_half_a_surrogate_pair_is_refused_before_a_byte_is_written(
    journal: Open, chain: Chain, path: Path
) -> None:
    before = b"".join(chain(1))
    with journal() as opened:
        with pytest.raises(JournalError, match="no canonical form"):
            opened.append("outcome", {"detail": "a\ud800"})
        assert path.read_bytes() == before
        opened.append("run-finished", FINISHED)

    with journal():
        pass
