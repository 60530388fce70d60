"""The long form: all sweeps, one table, and a results file. Run by `.ci/reliability.py`."""

import argparse
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from reliability import codes
from reliability.portions import PLANS, Done, Ledger, keep, kept, run
from reliability.table import Row, table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")
_PRODUCT = ("reconciler", "schemas", "pyproject.toml", ".ci/requirements.lock")
NOT_COVERED = """\
- The moment between our last read of a principal and our write: what somebody else changes in it is
  overwritten. R5 shows that it is told by name every time, not that it is kept.
- What the record says of a write that a console refuses (400, 401, 403, 404, 429) and does all the
  same: it says what the console said. R4 holds such a console to everything else: the next run
  converges, nothing outside the plan is written, no floor is broken. A console that lies
  consistently, so in its reads too, is not covered.
- A stolen apply token used directly; an administrator of the CI system; the loss of both the
  journal and every published head.
- Power loss: a kill keeps what the kernel has, so a missing fsync shows in R3's order of calls and
  not here. Disks that lie about fsync are not covered at all, nor is a disk that fails for other
  files than the journal.
- R1 cuts where the product meets the world: before and after each request, before each record, at
  each pause, and within a record by tearing the journal's last line. It does not cut between two
  lines of Python; R2 does so, at system calls.
- R2 starts the interpreter under strace for the first call of each kind in each world. For the
  others, and for R3 and R6, processes are forked from one that has imported the product, so what
  happens while it is imported is cut 10 times a world and not more. strace counts the calls of each
  thread for itself, and the applies that are killed write one principal at a time.
- R1, R4 (but for damage to bytes) and R5 run over function calls in place of sockets. TLS faults
  and DNS failures are in `tests/console`, not here.
- In R6 all applies have the same policies. Without the lock a change may be told by two of them.
- P5 and P6 are laws of pure functions, in `tests/laws`.
- The simulator stands in for the console. What it got wrong of the real one, all rows got wrong.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for and return 1 when anything was violated."""
    options = _options(arguments)
    began = datetime.now(UTC)  # noqa: TID251 - a log of a run
    state = Path(options.state) if options.state else None
    ledger = Ledger(options.rows or list(PLANS))
    for done in kept(state):
        ledger.take(done)
    if not options.report:
        _run(ledger, options, state)
    rows = [*ledger.rows(), *ledger.sums.rows(), codes.codes()]
    rows.sort(key=lambda row: int(row.number[1:]))
    told = table(rows)
    sys.stdout.write(told)
    if options.write:
        RESULTS.write_text(report(told, rows, options, began), encoding="utf-8")
    return int(any(row.violations for row in rows))


def _run(ledger: Ledger, options: argparse.Namespace, state: Path | None) -> None:
    """Keep so many portions going as there are jobs, until all is done or time is up."""
    ends = time.monotonic() + options.minutes * 60
    context = get_context("spawn")
    # What is compiled anew for every process would cost more than what it does.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "reconciler"], cwd=ROOT, check=False)
    with ProcessPoolExecutor(options.jobs, context, max_tasks_per_child=1) as pool:
        under_way: set[Future[Done]] = set()
        while True:
            left = ends - time.monotonic()
            while len(under_way) < options.jobs and left > 0:
                portion = ledger.next()
                if portion is None:
                    break
                seed, folder = options.seed, options.folder
                under_way.add(pool.submit(run, *portion, seed, left, folder))
            if not under_way:
                return
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in ended:
                _ended(each.result(), ledger, state)


def _ended(done: Done, ledger: Ledger, state: Path | None) -> None:
    keep(state, done)
    ledger.take(done)
    for row in done.rows:
        told = f"{row.number}.{done.number} {row.area}: {row.runs} runs, {row.seconds:.0f} s"
        sys.stderr.write(f"{told}, {len(row.violations)} violations\n")
        sys.stderr.writelines(f"  {each[:600]}\n" for each in row.violations[:20])
    sys.stderr.flush()


def report(told: str, rows: list[Row], options: argparse.Namespace, began: datetime) -> str:
    """Write the results file."""
    found = [f"- {row.number} {each[:300]}" for row in rows for each in row.violations[:20]]
    now = datetime.now(UTC)  # noqa: TID251 - a log of a run
    return (
        "# The last long run of the reliability suite\n\n"
        f"- Command: `python3 .ci/reliability.py {' '.join(options.words)}`\n"
        f"- From {began:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC\n"
        f"- Commit: {_commit()}\n"
        f"- Machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}\n"
        f"- Seeds: from {options.seed} on, one per world; seconds are those of all portions of a "
        "row together\n\n"
        f"{told}\n"
        "A row below its target ran out of time.\n\n"
        "## Violations\n\n" + ("\n".join(found) or "None.") + "\n\n"
        "## What is not covered\n\n" + NOT_COVERED
    )


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reliability.py", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(PLANS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=120.0, help="at most, for all of it")
    parser.add_argument("--jobs", type=int, default=2, help="portions at the same time")
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - folders of our own
    parser.add_argument("--folder", default=memory, help="for temporary files")
    parser.add_argument("--state", help="file of what is done; a run with the same one goes on")
    parser.add_argument("--report", action="store_true", help="only tell what the file holds")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    words = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(words)
    if unknown := sorted(set(options.rows) - set(PLANS)):
        parser.error(f"no such row: {', '.join(unknown)}")
    options.words = words
    return options


def _commit() -> str:
    """Name the product's commit; what runs it may be newer than that."""
    head = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = "with uncommitted changes" if _git("status", "--porcelain", *_PRODUCT) else "clean"
    is_newer = _git("status", "--porcelain", "tests/reliability", ".ci/reliability.py")
    suite = "as of the commit that adds this file" if is_newer else "of the same commit"
    return f"product {head} ({changed}); the suite {suite}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
