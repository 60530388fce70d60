import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.errors import RefusedError, SettingsError
from reconciler.locks.local import LocalLock

ORIGIN = "https://acme.sentinelone.net"
HOLDER = """
import sys
from pathlib import Path
from reconciler.locks.base import Owner
from reconciler.locks.local import LocalLock
from reconciler.settings import Runtime

lock = LocalLock(Path(sys.argv[1]), sys.argv[2], Owner("0" * 32, "run dead"), Runtime.real())
with lock.acquire():
    print("held", flush=True)
    sys.stdin.read()
"""
Make = Callable[..., LocalLock]


@pytest.fixture
def make(tmp_path: Path, clock: Any, owner: Any) -> Make:
    def _make(word: str = "one", origin: str = ORIGIN, folder: Path | None = None) -> LocalLock:
        return LocalLock(folder or tmp_path / "state", origin, owner(word), clock)

    return _make


def test_one_holds_it_and_the_other_is_told_who_since_when(make: Make) -> None:
    with make("one").acquire() as held:
        assert held.still_held()
        assert held.takeover is None
        with pytest.raises(RefusedError) as refused:
            make("two").acquire()
    assert f"run one, process {os.getpid()} since 2026-11-23T09:00:00+00:00" in str(refused.value)
    assert str(refused.value).startswith(f"locked: the local lock on {ORIGIN} is held by ")
    assert refused.value.exit_code == 3
    assert "Wait" in refused.value.remedy


def test_it_is_free_again_afterwards_and_names_nobody(make: Make) -> None:
    with make("one").acquire() as first:
        pass
    assert first.is_released
    assert make().path.read_bytes() == b""
    with make("two").acquire() as second:
        assert second.still_held()


def test_another_console_is_another_lock(make: Make) -> None:
    with make().acquire(), make(origin="https://other.sentinelone.net").acquire() as held:
        assert held.still_held()


def test_only_this_user_can_open_file_and_folder(make: Make) -> None:
    with make().acquire():
        assert make().path.stat().st_mode & 0o777 == 0o600
        assert make().path.parent.stat().st_mode & 0o777 == 0o700


def test_an_interruption_while_it_is_taken_leaves_it_free(
    tmp_path: Path, clock: Any, owner: Any, make: Make
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    clocks = SimpleNamespace(now=interrupted, sleep=clock.sleep, monotonic=clock.monotonic)
    lock = LocalLock(tmp_path / "state", ORIGIN, owner("one"), clocks)
    before = set(Path("/proc/self/fd").iterdir())

    with pytest.raises(KeyboardInterrupt):
        lock.acquire()

    assert set(Path("/proc/self/fd").iterdir()) == before
    with make("two").acquire() as held:
        assert held.still_held()


def test_a_deleted_file_is_a_lock_lost(make: Make) -> None:
    with make().acquire() as held:
        make().path.unlink()
        assert not held.still_held()


def test_a_file_deleted_between_opening_and_locking_counts_as_held(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = make()
    real = os.open

    def late(path: Any, *rest: Any) -> int:
        descriptor = real(path, *rest)
        Path(path).unlink()
        return descriptor

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", late)
        with pytest.raises(RefusedError, match="somebody who left no name"):
            lock.acquire()
    with lock.acquire() as held:
        assert held.still_held()


@pytest.mark.parametrize("told", [b"", b"\xff", b"[]", b"{}", b'{"holder": "x"}', b"1" * 9999])
def test_a_holder_that_tells_nothing_useful_holds_it_all_the_same(make: Make, told: bytes) -> None:
    with make().acquire():
        make().path.write_bytes(told)
        with pytest.raises(RefusedError, match="somebody who left no name"):
            make("two").acquire()


def test_what_the_holder_tells_is_shown_escaped(make: Make) -> None:
    with make().acquire():
        make().path.write_text('{"holder": "\\u001b[2J\\u202e", "since": ""}', encoding="ascii")
        with pytest.raises(RefusedError) as refused:
            make("two").acquire()
    assert refused.value.message.isascii()


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(SettingsError) as failure:
        make(folder=tmp_path / "file").acquire()
    assert "RECONCILER_STATE" in failure.value.remedy


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
@pytest.mark.usefixtures("impatient")
def test_only_a_plain_file_is_locked(make: Make, tmp_path: Path, kind: str) -> None:
    path = make().path
    path.parent.mkdir(parents=True)
    match kind:
        case "link":
            path.symlink_to(tmp_path / "elsewhere")
        case "pipe":
            os.mkfifo(path)
        case _:
            path.mkdir()
    with pytest.raises(SettingsError, match="cannot be used"):
        make().acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_killed_holder_frees_it_at_once(make: Make, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", HOLDER, str(tmp_path / "state"), ORIGIN]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as holder:  # type: ignore[call-overload]
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RefusedError, match=f"run dead, process {holder.pid} since"):
            make().acquire()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with make().acquire() as held:
            assert held.takeover is None
