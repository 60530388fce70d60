"""R16: a schedule of thirty minutes for thirty days, in one process, with a clock that is told.

Windows open and close, somebody else changes things behind our back, and in two of a hundred
requests something fails. Memory, open files, the journal and the expiry of windows are watched.
"""

import ctypes
import gc
import os
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from reliability import invariants, ledger
from reliability.lab import Lab
from reliability.table import Patience, Row, Sums
from reliability.worlds import NOW, Case, random_case

from reconciler.simulator.envelopes import Request

CYCLES = 1_440
STEP = timedelta(minutes=30)
_FAULTS = (
    "503@0.8%", "429=1@0.4%", "reset-after@0.2%", "502+effect@0.2%", "short-page@0.2%",
    "html@0.2%",
)  # fmt: skip
_GROWTH = 5 * 2**20
_TIMES = 5
_KEPT = 50
"""The simulator's own diaries are emptied, so that they do not count as growth of the product."""
_WINDOWED = "windowed@corp.example"
_OPENS, _LASTS = timedelta(days=1), timedelta(hours=7)


def soak(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """Run so many cycles; the last one, and every tenth, is without faults."""
    row = Row("R16", "soak: a schedule of 30 minutes, 2 % faults", seed, CYCLES)
    lab = Lab(_with_windows(random_case(seed)), folder)
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    marks: list[tuple[int, int]] = []
    failed = late = 0
    cycle = 0
    while patience.allows(cycle):
        cycle += 1
        lab.instant = NOW + cycle * STEP
        is_clean = cycle % 10 == 0
        _drift(lab, chance)
        lab.rehearse(*(() if is_clean else _FAULTS), seed=seed + cycle)
        told = lab.run("apply")
        row.runs += 1
        failed += told.code != 0
        late = 0 if told.code == 0 else late + 1
        where = f"cycle {cycle}"
        if told.code not in {0, 1, 3, 4} or (is_clean and told.code != 0):
            row.found(where, [f"ends with {told.code}: {told.text[-200:]}"])
        row.found(where, _expired(lab) if told.code == 0 else [])
        marks.append(_footprint())
        _tidy(lab)
    lab.rehearse()
    lab.run("apply")
    last = lab.run("plan", "--detailed-exitcode")
    row.found("at the end", [] if last.code == 0 else [f"drift is left: {last.code}"])
    journal = _of_the_journal(lab)
    row.found("at the end", invariants.verified(lab.journal), lab.violations)
    row.found("at the end", _grown(marks, journal))
    row.found("at the end", ledger.without_end(lab.records()))
    sums.failing += failed
    warm = marks[min(len(marks) - 1, 100)]
    row.note = (
        f"{failed} cycles with an error, {ledger.applied(lab.records())} changes, memory "
        f"{(marks[-1][0] - warm[0]) / 2**20:+.1f} MiB, of which {journal / 2**20:.1f} for reading "
        f"the longer journal, files {warm[1]} to {marks[-1][1]}, "
        f"{len(lab.records())} records"
    )
    return row


def _with_windows(case: Case) -> Case:
    """Somebody has a standing grant, and for seven hours of every day another one."""
    text = case.files["access.yaml"]
    site = next(s.id for s in case.world.sites.values() if s.state == "active")
    roles = [role.id for role in case.world.roles.values() if role.predefined]
    lines = [f'  - {{members: ["{_WINDOWED}"], role: "id:{roles[0]}", sites: ["id:{site}"]}}']
    for day in range(1, 31):
        opens = NOW + day * _OPENS
        bounds = f"from: {opens.isoformat()}, until: {(opens + _LASTS).isoformat()}"
        lines.append(
            f'  - {{members: ["{_WINDOWED}"], role: "id:{roles[1]}", sites: ["id:{site}"], '
            f"{bounds}, reason: day {day}}}"
        )
    text = text.replace("users:\n", f"users:\n  {_WINDOWED}: {{name: Window Ed}}\n", 1)
    text = text.replace("assignments:\n", "assignments:\n" + "\n".join(lines) + "\n", 1)
    return Case(case.seed, case.world, case.files | {"access.yaml": text}, case.protected)


def _drift(lab: Lab, chance: random.Random) -> None:
    """Now and then somebody else takes away what a person holds."""
    if chance.random() > 0.05:
        return
    victim = lab.world.named(_WINDOWED)
    if victim is None:
        return
    console = lab.rehearsal.console
    rival = lab.world.named("root2@corp.example")
    token = console.mint(rival.id if rival else "")
    headers = (("authorization", f"ApiToken {token}"),)
    path = f"/web/api/v2.1/users/{victim.id}"
    lab.rehearsal._unasked(Request("DELETE", path, "", headers, b""), "drift")
    console.tokens.pop(token, None)


def _expired(lab: Lab) -> list[str]:
    """P11: after a good cycle the grant is there exactly while its window is open."""
    roles = [role.id for role in lab.case.world.roles.values() if role.predefined]
    holder = lab.world.named(_WINDOWED)
    held = {grant.role_id for grant in holder.grants} if holder else set()
    wanted = {roles[1] if _is_open(lab.instant) else roles[0]}
    return [] if held == wanted else [f"P11 at {lab.instant} {_WINDOWED} holds {held}"]


def _is_open(instant: datetime) -> bool:
    since = (instant - NOW) % _OPENS
    return instant >= NOW + _OPENS and since < _LASTS and (instant - NOW) // _OPENS <= 30


def _footprint() -> tuple[int, int]:
    """Resident bytes and open files of this process, without what the allocator keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # not every C library has it
        trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(list(Path("/proc/self/fd").iterdir()))


def _grown(marks: list[tuple[int, int]], journal: int) -> list[str]:
    """Compare the end with the first hundred cycles, which warm caches up.

    Every apply reads the whole journal, which grows; what that takes is no leak.
    """
    start, end = marks[min(len(marks) - 1, 100)], marks[-1]
    growth = end[0] - start[0] - journal
    found = [] if growth < _GROWTH else [f"{growth} bytes more memory"]
    return found + ([] if end[1] == start[1] else [f"{start[1]} open files became {end[1]}"])


def _of_the_journal(lab: Lab) -> int:
    """Return by how many bytes a new process is larger that meets this journal instead of none."""
    sizes = []
    for name, journal in (("with", lab.journal.read_bytes()), ("without", b"")):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            asked = (lab.case.seed, lab.instant, lab.folder / name, journal)
            sizes.append(pool.submit(_resident, *asked).result())
    return max(0, sizes[0] - sizes[1])


def _resident(seed: int, instant: datetime, folder: Path, journal: bytes) -> int:
    """Apply a few times with that journal; return the resident bytes afterwards."""
    lab = Lab(_with_windows(random_case(seed)), folder)
    lab.instant = instant
    lab.journal.write_bytes(journal)
    for _ in range(_TIMES):
        lab.run("apply")
    return _footprint()[0]


def _tidy(lab: Lab) -> None:
    console = lab.rehearsal.console
    for diary in (console.changes, console.requests, console.world.activities):
        del diary[:-_KEPT]
    while len(lab.rehearsal.diary.entries) > _KEPT:
        lab.rehearsal.diary.entries.popleft()
