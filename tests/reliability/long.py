"""The long form: all sweeps, one table, and a results file. Run by `.ci/reliability.py`."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from reliability import codes, crashes, faults, races, soak, together, traced
from reliability.table import Patience, Row, Sums, table, timed

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")
Sweep = Callable[[int, Patience, Path, Sums], Row | list[Row]]
SWEEPS: dict[str, tuple[Sweep, int]] = {
    "R1": (crashes.crash_points, crashes.TARGET),
    "R2": (traced.kills, traced.KILL_TARGET),
    "R3": (traced.disk_faults, 10**6),
    "R4": (faults.api_faults, 10**6),
    "R5": (races.race_positions, races.TARGET),
    "R6": (together.concurrent_applies, together.TARGET),
    "R16": (soak.soak, soak.CYCLES),
}
"""Row -> its sweep, and how many runs the long form asks of it."""
NEEDS_STRACE = {"R2", "R3"}
NOT_COVERED = """\
- The moment between our last read of a principal and our write: what somebody else changes in it is
  overwritten. R5 shows that it is told every time, not that it is kept.
- A console that lies consistently, such as one that answers 401 or 429 and does it all the same.
- A stolen apply token used directly; an administrator of the CI system; the loss of both the
  journal and every published head.
- Power loss: a kill keeps what the kernel has, so a missing fsync shows in R3's order of calls and
  not here. Disks that lie about fsync are not covered at all.
- R1 cuts where the product meets the world: before and after each request, before each record, at
  each pause, and within a record by tearing the journal's last line. It does not cut between two
  lines of Python; R2 does so, at system calls.
- R1, R4 (but for damage to bytes) and R5 run over function calls in place of sockets. TLS faults
  and DNS failures are in `tests/console`, not here.
- P5 and P6 are laws of pure functions, in `tests/laws`. R12 is in `tests/audit/test_forgeries.py`.
- The simulator stands in for the console. What it got wrong of the real one, all rows got wrong.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for and return 1 when anything was violated."""
    options = _options(arguments)
    asked = dict(each.partition("=")[::2] for each in options.rows or SWEEPS)
    sums = Sums()
    rows: list[Row] = []
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        started = [
            pool.submit(swept, name, float(minutes or options.minutes), options)
            for name, minutes in asked.items()
        ]
        for each in started:
            found, more = each.result()
            rows += found
            sums.merge(more)
            for row in found:
                sys.stderr.write(f"{row.number} {row.area}: {row.runs} runs\n")
                sys.stderr.writelines(f"  {told[:400]}\n" for told in row.violations[:20])
    rows += [*sums.rows(), codes.codes()]
    told = table(rows)
    sys.stdout.write(told)
    if options.write:
        RESULTS.write_text(report(told, rows, options), encoding="utf-8")
    return int(any(row.violations for row in rows))


def swept(name: str, minutes: float, options: argparse.Namespace) -> tuple[list[Row], Sums]:
    """Run one sweep, in a process of its own."""
    sweep, most = SWEEPS[name]
    sums = Sums()
    if name in NEEDS_STRACE and traced.STRACE is None:
        return [Row(name, "skipped: strace is not installed", options.seed)], sums
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        patience = Patience(options.most or most, minutes * 60)
        return timed(sweep, options.seed, patience, Path(folder), sums), sums


def report(told: str, rows: list[Row], options: argparse.Namespace) -> str:
    """Write the results file."""
    found = [f"- {row.number} {each[:300]}" for row in rows for each in row.violations[:20]]
    started = " ".join(options.words)
    return (
        "# The last long run of the reliability suite\n\n"
        f"- Command: `python3 .ci/reliability.py {started}`\n"
        f"- Ended: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n"  # noqa: TID251 - a log of a run
        f"- Commit: {_commit()}\n"
        f"- Machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}\n"
        f"- Seeds: from {options.seed} on, one per world\n\n"
        f"{told}\n"
        "A row that did not reach its target ran out of the time it was given.\n\n"
        "## Violations\n\n" + ("\n".join(found) or "None.") + "\n\n"
        "## What is not covered\n\n" + NOT_COVERED
    )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW[=MINUTES]", help="such as R1 or R1=20")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30.0, help="at most, for each row")
    parser.add_argument("--most", type=int, default=0, help="runs of each row; 0: the target")
    parser.add_argument("--jobs", type=int, default=2, help="sweeps at the same time")
    parser.add_argument("--folder", default=None, help="for temporary files")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    words = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(words)
    options.words = words
    return options


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
