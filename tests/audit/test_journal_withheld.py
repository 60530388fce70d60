"""No journal, no change: held by another, or not to be written."""

import contextlib
import errno
import fcntl
import os
import resource as limits
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.audit.journal import Journal
from reconciler.errors import JournalError, ReconcilerError, RefusedError

Open = Callable[[], Journal]
Chain = Callable[[int], list[bytes]]
Records = Callable[[], list[dict[str, Any]]]

FINISHED = {"results": {"applied": 1}}
Refusal = Callable[[Open], ReconcilerError]


def test_a_second_opener_is_refused(refusal: Refusal, journal: Open) -> None:
    with journal():
        error = refusal(journal)

    assert isinstance(error, RefusedError)
    assert error.exit_code == 3
    assert "Another apply holds the journal" in error.message


HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.audit.journal import Journal
with Journal(Path(sys.argv[1]), now=lambda: datetime(2026, 1, 1, tzinfo=UTC), run_id="0" * 16):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_of_another_process_holds_until_that_process_dies(
    refusal: Refusal, journal: Open, path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        assert isinstance(refusal(journal), RefusedError)

        holder.kill()
        holder.wait()
        with journal() as opened:
            opened.append("run-finished", FINISHED)


def test_a_closed_journal_is_free_and_writes_no_more(journal: Open, chain: Chain) -> None:
    chain(1)
    with journal() as first:
        pass
    first.close()

    with pytest.raises(JournalError):
        first.append("run-finished", FINISHED)
    with journal():
        pass


def test_a_refused_journal_is_not_left_locked(
    refusal: Refusal, journal: Open, chain: Chain, path: Path
) -> None:
    lines = chain(3)
    path.write_bytes(b"".join(reversed(lines)))
    refusal(journal)
    path.write_bytes(b"".join(lines))

    with journal():
        pass


def test_a_file_system_without_locks_is_not_taken_for_another_apply(
    refusal: Refusal, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)

    error = refusal(journal)

    assert isinstance(error, JournalError)
    assert "No locks available" in error.message


def test_a_link_is_not_followed(
    refusal: Refusal, journal: Open, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"")
    path.symlink_to(target)

    error = refusal(journal)

    assert isinstance(error, JournalError)
    assert target.read_bytes() == b""


def test_a_folder_is_no_journal(refusal: Refusal, journal: Open, path: Path) -> None:
    path.mkdir()

    assert "Is a directory" in refusal(journal).message


@pytest.mark.usefixtures("impatient")
def test_a_pipe_is_no_journal_and_is_not_waited_for(
    refusal: Refusal, journal: Open, path: Path
) -> None:
    os.mkfifo(path)

    assert "not a regular file" in refusal(journal).message


def test_a_device_is_no_journal(refusal: Refusal) -> None:
    null = Journal(Path("/dev/null"), now=lambda: datetime(2026, 1, 1, tzinfo=UTC), run_id="0" * 16)

    assert "not a regular file" in refusal(lambda: null).message


def test_a_file_where_a_folder_should_be_is_told(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    inside = tmp_path / "file" / "journal.jsonl"

    error = refusal(
        lambda: Journal(inside, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), run_id="0" * 16)
    )

    assert isinstance(error, JournalError)
    assert str(inside) in error.message


ATTEMPT = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.audit.journal import Journal
from reconciler.domain.digest import canonical
from reconciler.errors import JournalError
canonical({"": ""})  # loads its codec while this process may still read the installation
if os.geteuid() == 0:
    os.setuid(65534)
try:
    with Journal(
        Path(sys.argv[1]), now=lambda: datetime(2026, 1, 1, tzinfo=UTC), run_id="0" * 16
    ) as journal:
        journal.append("run-finished", {"results": {}})
    print("written")
except JournalError as error:
    print(error.message, error.remedy)
"""


def attempt_unprivileged(path: Path) -> str:
    """Append one record as somebody who is not root; return what was told."""
    # Measuring would have to write too, which is what this process may not do.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize(("mode", "is_open"), [(0o777, True), (0o555, False)])
def test_a_folder_that_cannot_be_written_is_told(public: Path, mode: int, is_open: bool) -> None:
    folder = public / "inside"
    folder.mkdir()
    public.chmod(0o755)
    folder.chmod(mode)

    told = attempt_unprivileged(folder / "journal.jsonl")

    assert (told == "written\n") is is_open
    assert is_open or "Permission denied. Without a journal nothing is changed" in told


@pytest.mark.parametrize(("mode", "is_open"), [(0o666, True), (0o444, False)])
def test_a_file_that_cannot_be_written_is_told(
    chain: Chain, public: Path, mode: int, is_open: bool
) -> None:
    before = b"".join(chain(1))
    copy = public / "journal.jsonl"
    copy.write_bytes(before)
    copy.chmod(mode)
    public.chmod(0o755)

    told = attempt_unprivileged(copy)

    assert (told == "written\n") is is_open
    assert is_open or "Permission denied" in told
    assert is_open or copy.read_bytes() == before


@contextlib.contextmanager
def room(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes, as on a full disk."""
    soft, hard = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_record_and_the_next_run_recovers(
    journal: Open, chain: Chain, records: Records, path: Path
) -> None:
    chain(2)
    full = path.stat().st_size + 100
    with journal() as opened, room(full), pytest.raises(JournalError, match="File too large"):
        opened.append("run-finished", FINISHED)
    assert path.stat().st_size == full

    with journal():
        pass

    assert [record["kind"] for record in records()] == ["run-finished"] * 2 + ["recovered"]
    assert records()[-1]["data"]["bytes"] == 100


def test_nothing_is_added_to_half_a_record_even_when_there_is_room_again(
    journal: Open, chain: Chain, path: Path
) -> None:
    chain(1)
    with journal() as opened:
        with room(path.stat().st_size + 10), pytest.raises(JournalError):
            opened.append("run-finished", FINISHED)
        torn = path.read_bytes()
        with pytest.raises(JournalError, match="an earlier record could not be written"):
            opened.append("run-finished", FINISHED)

    assert path.read_bytes() == torn


def test_a_disk_without_room_for_one_byte_is_told(journal: Open, path: Path) -> None:
    with journal() as opened, room(0), pytest.raises(JournalError, match="cannot be written"):
        opened.append("run-finished", FINISHED)

    assert path.read_bytes() == b""


def test_a_torn_line_is_not_cut_off_when_there_is_no_room_to_keep_it(
    refusal: Refusal, journal: Open, chain: Chain, path: Path
) -> None:
    content = b"".join(chain(2)) + b'{"data":'
    path.write_bytes(content)

    with room(0):
        error = refusal(journal)

    assert isinstance(error, JournalError)
    assert path.read_bytes() == content
