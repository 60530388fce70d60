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
from typing import Any

from reliability import invariants
from reliability.lab import Served
from reliability.table import Patience, Row, Sums
from reliability.worlds import holdings, random_case

KILL_TARGET, DISK_TARGET = 1_000, 0
SYSCALLS = ("write", "fsync", "rename", "connect", "sendto")
SWEEPS = [(command, syscall) for syscall in SYSCALLS for command in ("apply", "plan")]
ERRORS = ("ENOSPC", "EIO", "EROFS")
DISK_SWEEPS = [
    (syscall, error, lasting)
    for lasting in ("+", "")
    for error in ERRORS
    for syscall in ("write", "fsync")
]
"""Where, which error, and whether it lasts."""
STRACE = shutil.which("strace")
_PATIENCE = 120
_KILLED = {-signal.SIGKILL, 128 + signal.SIGKILL}


def kills(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """SIGKILL at the N-th of each system call, in plan and in apply; then a run without harm."""
    row = Row("R2", "SIGKILL at system calls, plan and apply", seed, KILL_TARGET)
    with Served.open(random_case(seed), folder) as lab:
        wanted = _reference(lab)
        for command, syscall, number in _places(patience, row):
            # A plan that is cut off is not the one that the applies go by.
            saved = str(folder / ("reviewed.saved" if command == "apply" else "cut.saved"))
            lab.start_over()
            lab.violations.clear()
            (folder / "cut.saved").unlink(missing_ok=True)
            inject = f"{syscall}:signal=KILL:when={number}"
            code, text = _traced(lab, [command, saved], inject, is_whole=number == 1)
            if code in _KILLED:
                row.tally[f"{command} {syscall}"] += 1
                row.runs += 1
            where = f"{command}, {syscall} {number}"
            row.found(where, invariants.of_output(text, lab.token, None))
            left = lab.records()
            row.found(where, _recovered(lab, command, saved, wanted, left), sums.add(lab, code))
            if code not in _KILLED:
                _complete.add((command, syscall))
    return row


_complete: set[tuple[str, str]] = set()
"""Sweeps that have reached a run that nothing happened to."""


def _places(patience: Patience, row: Row) -> Iterator[tuple[str, str, int]]:
    """Every call of every thread in turn: first the first of each, then the second."""
    _complete.clear()
    part = SWEEPS if patience.part is None else SWEEPS[patience.part :][:1]
    number = 0
    while True:
        number += 1
        for sweep in part:
            if not patience.allows(row.runs):
                return
            if sweep not in _complete:
                yield *sweep, number
        if _complete.issuperset(part):
            return


def _reference(lab: Served) -> invariants.Truth:
    """Return what an undisturbed apply makes of the console, and leave a saved plan behind."""
    saved = str(lab.folder / "reviewed.saved")
    assert _product(lab, ["plan", saved])[0] == 0
    code, text = _product(lab, ["apply", saved])
    assert code == 0, text
    return holdings(lab.world)


def _recovered(
    lab: Served, command: str, saved: str, wanted: invariants.Truth, left: list[dict[str, Any]]
) -> list[str]:
    """The next run needs nobody's help."""
    found = []
    if command == "plan":
        found += ["P8 plan wrote"] * bool([c for c in lab.changes if c.actor == invariants.OWN])
        told = lab.run("plan", "--out", saved)
        found += [] if told.code == 0 else [f"plan again ends with {told.code}: {told.text[-200:]}"]
        return found + lab.violations
    told = lab.run("apply", "--concurrency", "1")
    found += [] if told.code == 0 else [f"P1 the run after it ends with {told.code}: {told.text}"]
    found += lab.violations + invariants.unspoken(left, told.text)
    lab.violations.clear()
    found += invariants.converged(lab.world, wanted) + invariants.verified(lab.journal)
    found += invariants.untouched(lab.case, lab.world, wanted)
    return found + invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)


def disk_faults(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """ENOSPC, EIO and EROFS at every write and fsync of the journal, once or from there on.

    N counts the calls of one thread, so that it goes up until nothing fails any more.
    """
    row = Row("R3", "disk faults at journal writes and fsyncs", seed, DISK_TARGET)
    with Served.open(random_case(seed), folder) as lab:
        wanted = _reference(lab)
        places = DISK_SWEEPS if patience.part is None else DISK_SWEEPS[patience.part :][:1]
        number = 0
        while places:
            number += 1
            for sweep in places:
                if not patience.allows(row.runs):
                    return row
                syscall, error, lasting = sweep
                inject = f"{syscall}:error={error}:when={number}{lasting}"
                is_hit, found = _broken_disk(lab, inject, wanted)
                row.runs += is_hit
                row.tally[f"{syscall} {error} {'from then on' if lasting else 'once'}"] += is_hit
                row.found(inject, found, sums.add(lab, int(is_hit)))
                if not is_hit:
                    places = [each for each in places if each != sweep]
    return row


def _broken_disk(lab: Served, inject: str, wanted: invariants.Truth) -> tuple[bool, list[str]]:
    """No console write without an intent that came safely to the disk before the failure."""
    lab.start_over()
    saved = str(lab.folder / "reviewed.saved")
    code, text = _traced(lab, ["apply", saved], inject, is_journal=True)
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
    lab: Served,
    arguments: list[str],
    inject: str,
    *,
    is_journal: bool = False,
    is_whole: bool = False,
) -> tuple[int, str]:
    """Run the product under strace with one injection, where asked at the journal only.

    With `is_whole` the interpreter itself is started under it; otherwise what has imported the
    product by then.
    """
    syscall = inject.partition(":")[0]
    log = lab.folder / "strace.log"
    log.unlink(missing_ok=True)
    # Not --seccomp-bpf: with it strace 6.1 misses calls that it has to count.
    trace = [str(STRACE), "-f", "-qq", "-o", str(log), "-e", f"inject={inject}"]
    if is_journal:
        # The records' whole text, to see which of them came to the disk.
        trace += ["-s", "100000", "-P", str(lab.journal), "-e", "trace=write,fsync"]
    else:
        trace += ["-e", f"trace={syscall}"]
    code, text = (_product if is_whole else _forked)(lab, arguments, trace)
    is_killed = "+++ killed by SIGKILL +++" in log.read_text(errors="replace")
    return (-signal.SIGKILL if is_killed else code), re.sub(r"strace: .*\n", "", text)


def _product(lab: Served, arguments: list[str], before: list[str] | None = None) -> tuple[int, str]:
    """Run plan or apply of a saved plan as a process of its own from the interpreter's start."""
    done = subprocess.run(
        [*(before or []), sys.executable, "-P", "-m", "reconciler", *_words(lab, arguments)],
        env=_environ(lab),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=_PATIENCE,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def _forked(lab: Served, arguments: list[str], trace: list[str]) -> tuple[int, str]:
    """Run the same as a child of the nursery, traced from its first step."""
    out = lab.folder / "out.txt"
    pid = lab.nursery.start(_words(lab, arguments), _environ(lab), out, is_traced=True)
    done = subprocess.run(
        [*trace, "-p", str(pid)], capture_output=True, check=False, timeout=_PATIENCE, text=True
    )
    assert not done.returncode, done.stderr
    code = lab.nursery.wait(pid)
    return code, out.read_text(encoding="utf-8")


def _words(lab: Served, arguments: list[str]) -> list[str]:
    command, saved = arguments
    words = [command, "--policies", str(lab.folder / "policies")]
    if command == "plan":
        return [*words, "--out", saved]
    alone = ["--auto-approve", "--concurrency", "1", "--journal", str(lab.journal)]
    return [*words, saved, *alone]


def _environ(lab: Served) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTINELONE_", "GITHUB_"))}
    return clean | {
        "SENTINELONE_URL": lab.url,
        "SENTINELONE_TOKEN": lab.token,
        "RECONCILER_STATE": str(lab.folder / "state"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
