"""Two applies never run together on one console (T52, T53): real processes, one simulator."""

import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any

import pytest
from stories.apart import (
    DONE,
    MAIN,
    WRITES,
    ended,
    fit_the_schema,
    holds,
    killed_at_its_first_write,
    starter,
    takeovers,
)
from stories.desk import PATIENCE, Told

from reconciler.locks.local import console_key

WITHOUT_LOCKS = f"""
from contextlib import contextmanager
from reconciler.cli.writing import apply
from reconciler.cli.writing.locking import Locks

@contextmanager
def unlocked(*_):
    yield Locks()

apply.locked = unlocked
{MAIN}"""


@pytest.fixture
def start(desk: Any, end: Any) -> Callable[..., "subprocess.Popen[str]"]:
    return starter(desk, end)


def race(count: int, start: Any, enough: threading.Event | None = None, script: str = MAIN) -> Any:
    """Start so many at once; `enough` is set when all but one have ended."""
    told = []
    with ThreadPoolExecutor(count) as pool:
        runs = [start(number, script) for number in range(count)]
        for future in as_completed([pool.submit(ended, run) for run in runs]):
            told.append(future.result())
            if enough and len(told) == count - 1:
                enough.set()
    return told


def bystanders(desk: Any) -> dict[str, Any]:
    """Everybody whom no policy change concerns, whole."""
    return {k: v for k, v in desk.records().items() if k not in DONE and k != "reconciler"}


def fresh(desk: Any, proxy: Any, faults: Any) -> threading.Event:
    """Begin a round in which the first write waits until all the others have ended."""
    desk.start_over()
    for old in desk.folder.glob("*.jsonl"):
        old.unlink()
    proxy.start_over()
    enough = threading.Event()
    proxy.when(faults.before(lambda: enough.wait(PATIENCE)), method=WRITES)
    return enough


def one_works_and_the_others_are_locked_out(desk: Any, told: list[Told], count: int) -> None:
    assert sorted(each.code for each in told) == [0] + [3] * (count - 1), told
    refused = [each for each in told if each.code == 3]
    assert all("error: locked: the local lock on http" in each.err for each in refused), refused
    assert holds(desk) == DONE
    assert len(desk.written()) == 4


# Row R6 of tests/reliability has four and eight at once at each change, in the same way.
COUNTS = [2, *(pytest.param(count, marks=pytest.mark.weekly) for count in (4, 8))]
ROUNDS = [
    pytest.param(1, id="one"),
    pytest.param(50, id="fifty", marks=pytest.mark.weekly),
]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("count", COUNTS)
def test_of_several_at_once_one_works_and_the_others_are_told(
    desk: Any, proxy: Any, faults: Any, start: Any, count: int, rounds: int
) -> None:
    for _ in range(rounds):
        enough = fresh(desk, proxy, faults)
        before = bystanders(desk)
        told = race(count, start, enough)
        one_works_and_the_others_are_locked_out(desk, told, count)
        assert bystanders(desk) == before


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("count", COUNTS)
def test_without_any_lock_the_comparison_before_each_write_loses_no_grant(
    desk: Any, proxy: Any, faults: Any, start: Any, count: int, rounds: int
) -> None:
    """All of them have read for the last time before the first one writes."""
    for _ in range(rounds):
        fresh(desk, proxy, faults)
        proxy.start_over()
        everybody = threading.Barrier(count)
        wait = faults.before(partial(everybody.wait, PATIENCE))
        proxy.when(wait, method=WRITES, times=count)
        before = bystanders(desk)
        told = race(count, start, script=WITHOUT_LOCKS)
        assert {each.code for each in told} <= {0, 4}, told
        assert everybody.n_waiting == 0
        assert not everybody.broken
        assert holds(desk) == DONE
        assert bystanders(desk) == before
        # Nobody is invited or deleted twice; a list may be written twice, with the same content.
        assert sum("lena@" in each for each in desk.written()) == 1
        assert sum("eve@" in each for each in desk.written()) == 1


def test_the_record_names_the_lock_and_two_consoles_are_two_locks(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    fit_the_schema(desk.journal())
    started = next(record for record in desk.journal() if record["kind"] == "run-started")
    (lock,) = started["data"]["locks"]
    assert lock["lock"] == f"the local lock on {desk.url}"
    assert lock["takeover"] == ""
    files = [path.name for path in (desk.folder / ".state" / "locks").iterdir()]
    assert files == [f"{console_key(desk.url)}.lock"]


def test_without_a_folder_for_the_lock_nothing_is_asked(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve", RECONCILER_STATE="here")
    assert told.code == 1
    assert "RECONCILER_STATE" in told.err
    assert desk.console.requests == []


@pytest.mark.parametrize("named", ["origin", "lease:x"])
def test_a_wrong_name_of_a_shared_lock_stops_before_anything_is_asked(
    desk: Any, named: str
) -> None:
    told = desk.run("apply", "--auto-approve", RECONCILER_LOCK=named)
    assert (told.code, desk.console.requests) == (1, [])
    assert "RECONCILER_LOCK is neither" in told.err


def test_a_lock_that_is_deleted_while_the_run_reads_stops_it_before_it_writes(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def delete() -> None:
        (desk.folder / ".state" / "locks" / f"{console_key(desk.url)}.lock").unlink()

    proxy.when(faults.before(delete), at=3)
    told = desk.run("apply", "--auto-approve")
    assert told.code == 3
    assert f"the local lock on {desk.url} was lost, so nothing more is written" in told.err
    assert desk.written() == []
    assert [record["kind"] for record in desk.journal()] == []


def test_a_lock_that_is_deleted_while_a_write_waits_stops_that_write(
    desk: Any, proxy: Any, faults: Any
) -> None:
    """The console was busy at first; when the wait is over, the lock is somebody else's."""

    def delete(exchange: Any) -> None:
        (desk.folder / ".state" / "locks" / f"{console_key(desk.url)}.lock").unlink()
        faults.status(429, Retry_After="5")(exchange)

    proxy.when(delete, method=WRITES)
    told = desk.run("apply", "--auto-approve")
    assert told.code == 4
    assert f"the local lock on {desk.url} was lost, so nothing more is written" in told.out
    assert desk.written() == []
    assert desk.results() == {}
    assert "0 applied, 4 not attempted, of 4" in told.out
    assert desk.run("apply", "--auto-approve").code == 0


def test_the_local_lock_of_a_killed_run_is_free_at_once(
    desk: Any, proxy: Any, faults: Any, start: Any
) -> None:
    killed_at_its_first_write(start, proxy, faults)
    told = ended(start(1))
    assert told.code == 0, told
    assert takeovers(desk, 1) == []
    assert holds(desk) == DONE
