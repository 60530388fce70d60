"""R6: several applies at once, as processes; without the lock, too, nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

from reliability import invariants
from reliability.lab import Served
from reliability.table import Patience, Row, Sums
from reliability.worlds import holdings, random_case

SIZES = (2, 4, 8)
TARGET = 50
_PATIENCE = 120
_ENDS = {True: {0, 3}, False: {0, 1, 3, 4}}


def concurrent_applies(seed: int, patience: Patience, folder: Path, sums: Sums) -> list[Row]:
    """Start 2, 4 and 8 applies together, with the lock and without; `patience` counts rounds."""
    rows = [
        Row("R6", f"{size} applies at once, {'locked' if locked else 'no lock'}", seed, TARGET)
        for locked in (True, False)
        for size in SIZES
    ]
    case = random_case(seed)
    with Served.open(case, folder) as lab:
        assert lab.run("apply").code == 0
        wanted = holdings(lab.world)
        turn = 0
        while any(patience.allows(row.runs) for row in rows):
            row = rows[turn % len(rows)]
            locked, size = turn % len(rows) < len(SIZES), SIZES[turn % len(SIZES)]
            turn += 1
            if patience.allows(row.runs):
                row.runs += 1
                found = _round(lab, size, wanted, sums, locked=locked)
                row.found(f"round {row.runs}", found)
    return rows


def _round(
    lab: Served, size: int, wanted: invariants.Truth, sums: Sums, *, locked: bool
) -> list[str]:
    lab.start_over()
    lab.violations.clear()
    started = [_start(lab, 0 if locked else n) for n in range(size)]
    ended = [(process.communicate(timeout=_PATIENCE)[0], process.returncode) for process in started]
    found = [each for out, code in ended for each in invariants.of_output(out, lab.token, code)]
    codes = [code for _, code in ended]
    found += [f"ends with {code}" for code in codes if code not in _ENDS[locked]]
    if locked:
        found += [] if 0 in codes else [f"nobody worked: {codes}"]
        found += sums.add(lab, *codes)
        found += _once(lab)
    # Without a lock some may meet what another wrote meanwhile; one more run ends it.
    last = subprocess.run(
        _command(lab, 0), env=_environ(lab, 0), capture_output=True, check=False, timeout=_PATIENCE
    )
    found += [] if last.returncode == 0 else [f"P1 the run after it ends with {last.returncode}"]
    found += invariants.converged(lab.world, wanted)
    found += invariants.untouched(lab.case, lab.world, wanted)
    return found + invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)


def _once(lab: Served) -> list[str]:
    """With the lock nothing is written twice."""
    seen = [(change.method, change.path, str(change.after)) for change in lab.changes]
    return [] if len(seen) == len(set(seen)) else ["the same was written twice"]


def _start(lab: Served, number: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        _command(lab, number),
        env=_environ(lab, number),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def _command(lab: Served, number: int) -> list[str]:
    journal = lab.journal if number == 0 else lab.folder / f"journal.jsonl.{number}"
    product = [sys.executable, "-P", "-m", "reconciler", "apply", "--auto-approve"]
    return [*product, "--policies", str(lab.folder / "policies"), "--journal", str(journal)]


def _environ(lab: Served, number: int) -> dict[str, str]:
    """A state folder of one's own takes the lock away from between them."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTINELONE_", "GITHUB_"))}
    return clean | {
        "SENTINELONE_URL": lab.url,
        "SENTINELONE_TOKEN": lab.token,
        "RECONCILER_STATE": str(lab.folder / f"state-{number}"),
    }
