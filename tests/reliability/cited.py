"""R12 and R19: the rows that live elsewhere, run as they are, with what they print counted."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from reliability.table import Patience, Row, Sums

ROOT = Path(__file__).resolve().parents[2]
FORGERIES, BUGS = 10_000, 15
_FORGED = re.compile(r"^\.*(.+): (\d+) forgeries", re.MULTILINE)
_RANDOM = re.compile(r"^\.*random bytes: (\d+) texts", re.MULTILINE)
_FAILED = re.compile(r"^(?:FAILED|ERROR) .*", re.MULTILINE)
_FOUND = re.compile(r"^.*test_a_bug_is_found_by_its_test\[(.+)\] PASSED", re.MULTILINE)


def forgeries(_seed: int, _patience: Patience, folder: Path, _sums: Sums) -> Row:
    """R12: ten kinds of forgery at every record of a journal of a thousand."""
    row = Row("R12", "forgeries of a journal, all found with the head", 20261123, FORGERIES)
    told = _pytest(row, folder, "tests/audit/test_forgeries.py", "-s", "-k", "1000 or 1M")
    for kind, count in _FORGED.findall(told):
        row.runs += int(count)
        row.tally[kind] += int(count)
    texts = sum(map(int, _RANDOM.findall(told)))
    row.note = f"{len(row.tally)} kinds, each of every record; the verifier took {texts:,} texts"
    return row


def seeded(_seed: int, _patience: Patience, folder: Path, _sums: Sums) -> Row:
    """R19: known bugs, each put into a copy, are found by the tests that are named for them."""
    row = Row("R19", "seeded bugs, each found by its test", 0, BUGS)
    told = _pytest(row, folder, "tests/seeded/test_seeded_bugs.py", "-v")
    row.runs = len(_FOUND.findall(told))
    row.note = "tests/seeded"
    return row


def _pytest(row: Row, folder: Path, *arguments: str) -> str:
    """Run the tests for `-m weekly`; whatever fails is a violation."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "weekly", "-p", "no:cacheprovider", "-p",
         "no:randomly", "-p", "no:xdist", "--basetemp", tempfile.mkdtemp(dir=folder), *arguments],
        cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    failed = _FAILED.findall(done.stdout)
    if done.returncode and not failed:
        failed = [f"pytest ends with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"]
    row.found("pytest", failed)
    return done.stdout
