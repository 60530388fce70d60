"""R6: several applies at once, as processes; without the lock, too, nothing is lost."""

import json
import os
from pathlib import Path

from reliability import invariants, ledger
from reliability.lab import Served
from reliability.table import Patience, Row, Sums
from reliability.worlds import holdings, random_case

SIZES = (2, 4, 8)
TARGET = 50
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
    started = [_start(lab, 0 if locked else n, n) for n in range(size)]
    ended = [_ended(lab, pid, n) for n, pid in enumerate(started)]
    found = [each for out, code in ended for each in invariants.of_output(out, lab.token, code)]
    codes = [code for _, code in ended]
    found += [f"ends with {code}" for code in codes if code not in _ENDS[locked]]
    if locked:
        found += [] if 0 in codes else [f"nobody worked: {codes}"]
        found += _once(lab)
    # Without a lock some may meet what another wrote meanwhile; one more run ends it.
    _, last = _ended(lab, _start(lab, 0, 0), 0)
    found += [] if last == 0 else [f"P1 the run after it ends with {last}"]
    found += sums.add(lab, *codes) if locked else _all_told(lab, size, codes, sums)
    found += invariants.converged(lab.world, wanted)
    found += invariants.untouched(lab.case, lab.world, wanted)
    return found + invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)


def _all_told(lab: Served, size: int, codes: list[int], sums: Sums) -> list[str]:
    """Without the lock each has a journal of its own; no change is missing from all of them."""
    files = [lab.journal, *(lab.folder / f"journal.jsonl.{n}" for n in range(1, size))]
    journals = [
        [json.loads(line) for line in file.read_bytes().splitlines()]
        for file in files
        if file.exists()
    ]
    found = [each for file in files for each in invariants.verified(file)]
    sums.search(lab, *codes)
    return found + ledger.compared(lab.changes, *journals, may_repeat=True).difference


def _once(lab: Served) -> list[str]:
    """With the lock nothing is written twice."""
    seen = [(change.method, change.path, str(change.after)) for change in lab.changes]
    return [] if len(seen) == len(set(seen)) else ["the same was written twice"]


def _start(lab: Served, number: int, at: int) -> int:
    """Start the one with that journal and state; its output goes to a file of its own."""
    journal = lab.journal if number == 0 else lab.folder / f"journal.jsonl.{number}"
    words = ["apply", "--auto-approve", "--policies", str(lab.folder / "policies")]
    words += ["--journal", str(journal)]
    return lab.nursery.start(words, _environ(lab, number), lab.folder / f"out-{at}.txt")


def _ended(lab: Served, pid: int, at: int) -> tuple[str, int]:
    code = lab.nursery.wait(pid)
    return (lab.folder / f"out-{at}.txt").read_text(encoding="utf-8"), code


def _environ(lab: Served, number: int) -> dict[str, str]:
    """A state folder of one's own takes the lock away from between them."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTINELONE_", "GITHUB_"))}
    return clean | {
        "SENTINELONE_URL": lab.url,
        "SENTINELONE_TOKEN": lab.token,
        "RECONCILER_STATE": str(lab.folder / f"state-{number}"),
    }
