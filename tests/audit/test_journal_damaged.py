"""What was changed afterwards or torn by a crash is never taken for the record."""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.audit.chain import GENESIS
from reconciler.audit.journal import Journal
from reconciler.domain.digest import canonical
from reconciler.errors import JournalError, ReconcilerError, RefusedError

Open = Callable[[], Journal]
Chain = Callable[[int], list[bytes]]
Records = Callable[[], list[dict[str, Any]]]

FINISHED = {"results": {"applied": 1}}
Refusal = Callable[[Open], ReconcilerError]


def sha256(line: bytes) -> str:
    return "sha256:" + hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def edited(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"applied":1', b'"applied":9'), *lines[2:]]


def deleted(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def inserted(lines: list[bytes]) -> list[bytes]:
    extra = json.loads(lines[2]) | {"data": {"results": {"applied": 7}}}
    return [*lines[:2], canonical(extra) + b"\n", *lines[2:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def duplicated(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[1], *lines[2:]]


def beheaded(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def with_an_empty_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"\n", *lines[2:]]


def with_a_torn_line_in_the_middle(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2][:20] + b"\n", *lines[3:]]


@pytest.mark.parametrize(
    ("damage", "record"),
    [
        (edited, 3),
        (deleted, 2),
        (inserted, 4),
        (swapped, 2),
        (duplicated, 3),
        (beheaded, 1),
        (with_an_empty_line, 3),
        (with_a_torn_line_in_the_middle, 3),
    ],
)
def test_a_damaged_chain_is_refused_and_its_first_bad_record_named(
    refusal: Refusal,
    damage: Callable[[list[bytes]], list[bytes]],
    record: int,
    journal: Open,
    chain: Chain,
    path: Path,
) -> None:
    content = b"".join(damage(chain(5)))
    path.write_bytes(content)

    error = refusal(journal)

    assert isinstance(error, JournalError)
    assert f"broken at record {record}:" in error.message
    assert path.read_bytes() == content  # evidence stays as it is


def test_two_chains_mixed_into_one_are_refused(
    refusal: Refusal, journal: Open, chain: Chain, path: Path, tmp_path: Path
) -> None:
    lines = chain(4)
    other = tmp_path / "other.jsonl"
    with Journal(other, now=lambda: datetime(2027, 1, 1, tzinfo=UTC), run_id="f" * 16) as opened:
        for _ in range(4):
            opened.append("run-finished", FINISHED)
    foreign = other.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + foreign[2:]))

    assert "broken at record 3:" in refusal(journal).message


def test_a_journal_cut_at_a_record_is_told_by_its_published_head_alone(
    journal: Open, chain: Chain, path: Path
) -> None:
    """A prefix of a chain is a chain: opening cannot tell, which is why the head is published."""
    lines = chain(4)
    published = sha256(lines[-1])
    path.write_bytes(b"".join(lines[:2]))

    with journal() as opened:
        assert opened.head == sha256(lines[1])
        assert opened.head != published


def test_an_edited_last_record_is_told_by_its_published_head_alone(
    journal: Open, chain: Chain, path: Path
) -> None:
    lines = chain(2)
    path.write_bytes(b"".join(edited(lines)))

    with journal() as opened:
        assert opened.head != sha256(lines[-1])


@pytest.mark.parametrize("content", [b"\n", b"\n\n", b"{}\n", b"[]\n", b"null\n", b"1\n"])
def test_lines_that_are_no_records_are_refused(
    refusal: Refusal, journal: Open, path: Path, content: bytes
) -> None:
    path.write_bytes(content)

    assert "broken at record 1:" in refusal(journal).message
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"a token", b'{"a":1}', b"\x00\x00", b"[" * 100_000])
def test_a_file_that_never_was_a_journal_is_not_cut(
    refusal: Refusal, journal: Open, path: Path, content: bytes
) -> None:
    path.write_bytes(content)

    assert "broken at record 1:" in refusal(journal).message
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([b"{", b"}", b'"data":', b"\n", b"[", b"1", b"\x00"])).map(
            b"".join
        ),
    )
)
def test_arbitrary_bytes_are_refused_or_kept_and_never_crash(
    content: bytes, journal: Open, path: Path
) -> None:
    path.write_bytes(content)
    with contextlib.suppress(JournalError, RefusedError):
        with journal() as opened:
            opened.append("run-finished", FINISHED)
        # Whatever was accepted is a chain now, and stays one.
        with journal() as opened:
            assert opened.head != GENESIS
        return
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_other_byte_before_the_last_record_is_detected(
    refusal: Refusal, data: st.DataObject, journal: Open, path: Path
) -> None:
    path.unlink(missing_ok=True)
    with journal() as opened:
        for _ in range(3):
            opened.append("run-finished", FINISHED)
    content = bytearray(path.read_bytes())
    last = content.rindex(b"\n", 0, -1)
    position = data.draw(st.integers(0, last))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    assert isinstance(refusal(journal), JournalError)


@pytest.mark.parametrize("records_before", [0, 1, 3])
@pytest.mark.parametrize("length", [1, 2, 9, 60])
def test_a_torn_last_line_is_kept_aside_and_the_chain_goes_on(
    journal: Open, chain: Chain, records: Records, path: Path, records_before: int, length: int
) -> None:
    lines = chain(records_before + 1)
    torn = lines[-1][:length]
    path.write_bytes(b"".join(lines[:-1]) + torn)

    with journal() as opened:
        opened.append("run-finished", FINISHED)

    found = records()
    assert [record["sequence"] for record in found] == list(range(1, records_before + 3))
    assert [record["kind"] for record in found[-2:]] == ["recovered", "run-finished"]
    assert found[-2]["data"] == {"bytes": length, "sha256": sha256(torn)}
    aside = path.with_name("journal.jsonl.torn")
    assert aside.read_bytes() == torn + b"\n"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_whole_record_without_its_newline_is_torn_too(
    journal: Open, chain: Chain, records: Records, path: Path
) -> None:
    lines = chain(2)
    path.write_bytes(b"".join(lines).rstrip(b"\n"))

    with journal():
        pass

    assert [record["kind"] for record in records()] == ["run-finished", "recovered"]


def test_torn_lines_of_several_crashes_are_all_kept(
    journal: Open, chain: Chain, path: Path
) -> None:
    chain(1)
    for torn in (b'{"data":1', b'{"data":2'):
        with path.open("ab") as file:
            file.write(torn)
        with journal():
            pass

    assert path.with_name("journal.jsonl.torn").read_bytes() == b'{"data":1\n{"data":2\n'


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("obstacle", ["link", "folder", "pipe"])
def test_a_torn_line_that_cannot_be_kept_is_not_cut_off(
    refusal: Refusal, journal: Open, chain: Chain, path: Path, tmp_path: Path, obstacle: str
) -> None:
    content = b"".join(chain(1)) + b'{"data":'
    path.write_bytes(content)
    aside = path.with_name("journal.jsonl.torn")
    match obstacle:
        case "link":
            aside.symlink_to(tmp_path / "elsewhere")
        case "folder":
            aside.mkdir()
        case _:
            os.mkfifo(aside)

    assert isinstance(refusal(journal), JournalError)
    assert path.read_bytes() == content
    assert not (tmp_path / "elsewhere").exists()
