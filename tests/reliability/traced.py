"""R2 and R3: the real process under strace, killed at system calls, or with a disk that fails.

Everything here is a process of its own but the console. strace counts the calls of each thread for
itself (`when=N`), so N goes up until a run completes undisturbed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from reliability import invariants
from reliability.lab import Served
from reliability.table import Patience, Row, Sums
from reliability.worlds import holdings, random_case

KILL_TARGET, DISK_TARGET = 1_000, 0
SYSCALLS = ("write", "fsync", "rename", "connect", "sendto")
ERRORS = ("ENOSPC", "EIO", "EROFS")
STRACE = shutil.which("strace")
_PATIENCE = 120
_KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL}


def kills(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """SIGKILL at the N-th of each system call, in plan and in apply; then a run without harm."""
    row = Row("R2", "SIGKILL at system calls, plan and apply", seed, KILL_TARGET)
    counts = dict.fromkeys(SYSCALLS, 0)
    with Served.open(random_case(seed), folder) as lab:
        wanted = _reference(lab)
        for command, syscall, number in _places(patience, row):
            saved = str(folder / "reviewed.saved")
            lab.start_over()
            if command == "plan":
                Path(saved).unlink(missing_ok=True)
            code, text = _traced(lab, [command, saved], f"{syscall}:signal=KILL:when={number}")
            counts[syscall] += code in _KILLED
            row.runs += code in _KILLED
            where = f"{command}, {syscall} {number}"
            row.found(where, invariants.of_output(text, lab.token, None))
            row.found(where, _recovered(lab, command, saved, wanted), sums.add(lab, code))
            if code not in _KILLED:
                _complete.add((command, syscall))
    row.note = ", ".join(f"{name} {count}" for name, count in counts.items())
    return row


_complete: set[tuple[str, str]] = set()
"""Sweeps that have reached a run that nothing happened to."""


def _places(patience: Patience, row: Row) -> Iterator[tuple[str, str, int]]:
    """Every call of every thread in turn: first the first of each, then the second."""
    _complete.clear()
    number = 0
    while True:
        number += 1
        for command in ("apply", "plan"):
            for syscall in SYSCALLS:
                if not patience.allows(row.runs):
                    return
                if (command, syscall) not in _complete:
                    yield command, syscall, number
        if len(_complete) == 2 * len(SYSCALLS):
            return


def _reference(lab: Served) -> invariants.Truth:
    """Return what an undisturbed apply makes of the console, and leave a saved plan behind."""
    saved = str(lab.folder / "reviewed.saved")
    assert _product(lab, ["plan", saved])[0] == 0
    code, text = _product(lab, ["apply", saved])
    assert code == 0, text
    return holdings(lab.world)


def _recovered(lab: Served, command: str, saved: str, wanted: invariants.Truth) -> list[str]:
    """The next run needs nobody's help."""
    found = []
    if command == "plan":
        found += ["P8 plan wrote"] * bool([c for c in lab.changes if c.actor == invariants.OWN])
        code, text = _product(lab, ["plan", saved])
        found += [] if code == 0 else [f"plan again ends with {code}: {text[-200:]}"]
        return found
    told = lab.run("apply", "--concurrency", "1")
    found += [] if told.code == 0 else [f"P1 the run after it ends with {told.code}: {told.text}"]
    found += lab.violations
    lab.violations.clear()
    found += invariants.converged(lab.world, wanted) + invariants.verified(lab.journal)
    found += invariants.untouched(lab.case, lab.world, wanted)
    return found + invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)


def disk_faults(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """ENOSPC, EIO and EROFS at every write and fsync of the journal, from the N-th on.

    N counts the calls of one thread, so that it goes up until nothing fails any more.
    """
    row = Row("R3", "disk faults at journal writes and fsyncs", seed, DISK_TARGET)
    with Served.open(random_case(seed), folder) as lab:
        wanted = _reference(lab)
        places = [(syscall, error) for syscall in ("write", "fsync") for error in ERRORS]
        number = 0
        while places:
            number += 1
            for syscall, error in list(places):
                if not patience.allows(row.runs):
                    return row
                is_hit, found = _broken_disk(lab, syscall, error, number, wanted)
                row.runs += is_hit
                row.found(f"{error} at {syscall} {number}", found, sums.add(lab, int(is_hit)))
                if not is_hit:
                    places.remove((syscall, error))
    row.note = f"until the {number}-th call of a thread"
    return row


def _broken_disk(
    lab: Served, syscall: str, error: str, number: int, wanted: invariants.Truth
) -> tuple[bool, list[str]]:
    """No console write without an intent that came safely to the disk before the failure."""
    lab.start_over()
    saved = str(lab.folder / "reviewed.saved")
    code, text = _traced(
        lab, ["apply", saved], f"{syscall}:error={error}:when={number}+", is_journal=True
    )
    calls = (lab.folder / "strace.log").read_text(errors="replace").splitlines()
    is_hit = any("(INJECTED)" in call for call in calls)
    found = invariants.of_output(text, lab.token, code)
    allowed = _durable_intents(calls)
    written = sum(change.actor == invariants.OWN for change in lab.changes)
    if written > allowed:
        found.append(f"T59 {written} writes, {allowed} intents on disk")
    if is_hit and (code not in {1, 4} or "cannot be written" not in text):
        found.append(f"T59 ends with {code}: {text[-200:]}")
    again = lab.run("apply", "--concurrency", "1")
    found += [] if again.code == 0 else [f"P1 the run after it ends with {again.code}"]
    found += lab.violations
    lab.violations.clear()
    found += invariants.converged(lab.world, wanted) + invariants.verified(lab.journal)
    return is_hit, found


def _durable_intents(calls: list[str]) -> int:
    """Count the intents that were written and synced before the first failure."""
    durable = 0
    is_written = False
    for call in calls:
        if "(INJECTED)" in call:
            break
        if "write(" in call:
            is_written = '\\"kind\\":\\"intent\\"' in call
        elif "fsync(" in call:
            durable += is_written
            is_written = False
    return durable


def _traced(
    lab: Served, arguments: list[str], inject: str, *, is_journal: bool = False
) -> tuple[int, str]:
    """Run the product under strace with one injection, where asked at the journal only."""
    syscall = inject.partition(":")[0]
    log = lab.folder / "strace.log"
    trace = [str(STRACE), "-f", "-qq", "-o", str(log)]
    if is_journal:
        # The records' whole text, to see which of them came to the disk.
        trace += ["-s", "100000", "-P", str(lab.journal), "-e", "trace=write,fsync"]
    else:
        trace += ["-e", f"trace={syscall}"]
    code, text = _product(lab, arguments, [*trace, "-e", f"inject={inject}"])
    is_killed = "+++ killed by SIGKILL +++" in log.read_text(errors="replace")
    return (-signal.SIGKILL if is_killed else code), re.sub(r"strace: .*\n", "", text)


def _product(lab: Served, arguments: list[str], before: list[str] | None = None) -> tuple[int, str]:
    """Run plan or apply of a saved plan as a process."""
    command, saved = arguments
    common = ["--policies", str(lab.folder / "policies")]
    apply = [saved, "--auto-approve", "--concurrency", "1", "--journal", str(lab.journal)]
    special = ["--out", saved] if command == "plan" else apply
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTINELONE_", "GITHUB_"))}
    done = subprocess.run(
        [*(before or []), sys.executable, "-P", "-m", "reconciler", command, *common, *special],
        env=clean
        | {
            "SENTINELONE_URL": lab.url,
            "SENTINELONE_TOKEN": lab.token,
            "RECONCILER_STATE": str(lab.folder / "state"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_PATIENCE,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr
