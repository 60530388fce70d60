"""The small form of every sweep, for each change; the long form is `.ci/reliability.py`."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from reliability import codes, crashes, faults, races, soak, together, traced
from reliability.table import Patience, Row, Sums

SEED = 20_261_123
needs_strace = pytest.mark.skipif(traced.STRACE is None, reason="strace is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of syncs to a disk take minutes."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    if not memory.is_dir():
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(dir=memory))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def sums() -> Iterator[Sums]:
    """R11 and R13 hold in every sweep: no token anywhere, every change in the record."""
    made = Sums()
    yield made
    assert made.leaks == []
    assert made.difference == []
    assert made.changes == made.told + made.doubtful


def clean(row: Row, least: int) -> None:
    """No violation, and the sweep did sweep."""
    assert row.violations == []
    assert row.runs >= least


@pytest.mark.parametrize("shard", range(2))
def test_whatever_step_is_the_last_one_the_next_run_converges(
    shard: int, folder: Path, sums: Sums
) -> None:
    clean(crashes.crash_points(SEED + 100 * shard, Patience(50), folder, sums), 50)
    assert sums.changes > 0


@pytest.mark.parametrize("shard", range(2))
def test_no_fault_of_the_api_leads_to_a_wrong_write_or_a_wrong_word(
    shard: int, folder: Path, sums: Sums
) -> None:
    clean(faults.api_faults(SEED + shard, Patience(45), folder, sums), 45)


def test_nothing_of_somebody_else_s_is_lost_without_a_word(folder: Path, sums: Sums) -> None:
    rows = races.race_positions(SEED, Patience(8), folder, sums)
    assert [row.violations for row in rows] == [[]] * 5
    assert all(row.runs >= 8 for row in rows)


def test_applies_at_once_lose_nothing_with_the_lock_and_without(folder: Path, sums: Sums) -> None:
    rows = together.concurrent_applies(SEED, Patience(1), folder, sums)
    assert [row.violations for row in rows] == [[]] * 6


@needs_strace
def test_a_process_killed_at_a_system_call_leaves_nothing_to_repair(
    folder: Path, sums: Sums
) -> None:
    clean(traced.kills(SEED, Patience(6), folder, sums), 6)


@needs_strace
def test_after_the_first_failure_of_the_disk_nothing_is_written_to_the_console(
    folder: Path, sums: Sums
) -> None:
    clean(traced.disk_faults(SEED, Patience(6), folder, sums), 6)


def test_half_a_day_of_half_hours_leaves_no_drift_no_memory_and_no_open_file(
    folder: Path, sums: Sums
) -> None:
    clean(soak.soak(SEED, Patience(24), folder, sums), 24)


def test_every_refusal_problem_and_exit_code_has_a_test_and_a_line_of_documentation() -> None:
    clean(codes.codes(), 50)
