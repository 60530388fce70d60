"""The tests can fail: every bug of the list, put into a copy of the product, is found (R19)."""

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from seeded.bugs import BUGS, Bug

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("reconciler", "schemas", "policies", "tests", "pyproject.toml")
PATIENCE = 900
"""Seconds for a test that a bug makes hang."""

each_bug = pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout to spoil, compiled once."""
    folder = tmp_path_factory.mktemp("copy")
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    compileall.compile_dir(folder / "reconciler", quiet=2)
    return folder


def run(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy against its own package, in processes of its tests too."""
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         *(f"tests/{test}" for test in tests)],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_every_bug_has_a_name_and_there_are_enough() -> None:
    assert len(BUGS) >= 15
    assert {name: n for name, n in Counter(bug.name for bug in BUGS).items() if n > 1} == {}


@each_bug
def test_what_a_bug_replaces_stands_there_exactly_once(bug: Bug) -> None:
    source = (ROOT / "reconciler" / bug.file).read_text(encoding="utf-8")

    assert source.count(bug.old) == 1
    compile(source.replace(bug.old, bug.new), bug.file, "exec")


@each_bug
def test_the_test_that_finds_a_bug_is_there(bug: Bug) -> None:
    file, _, name = bug.test.partition("::")

    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


@pytest.mark.weekly
def test_without_a_bug_every_test_passes(copy: Path) -> None:
    done = run(copy, *sorted({bug.test for bug in BUGS}))

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


@pytest.mark.weekly
@each_bug
def test_a_bug_is_found_by_its_test(bug: Bug, copy: Path) -> None:
    spoilt = copy / "reconciler" / bug.file
    source, times = spoilt.read_text(encoding="utf-8"), spoilt.stat()
    spoilt.write_text(source.replace(bug.old, bug.new), encoding="utf-8")
    try:
        done = run(copy, bug.test)
    finally:
        spoilt.write_text(source, encoding="utf-8")
        # So that what was compiled of it counts again.
        os.utime(spoilt, ns=(times.st_atime_ns, times.st_mtime_ns))

    # 1 is a failure of tests; what cannot even be collected ends with another code.
    assert done.returncode == 1, done.stdout[-5000:] + done.stderr
    assert re.search(r"^\d+ failed", done.stdout.splitlines()[-1])
