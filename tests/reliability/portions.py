"""How the long form is cut up: portions of a row, each with its own seed, kept as they end.

A portion that is done is a line in a file, so that a long run may be stopped and taken up again;
it then goes on with the next portion of each row.
"""

import gc
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reliability import cited, crashes, faults, races, soak, together, traced
from reliability.table import Patience, Row, Sums, timed

Sweep = Callable[[int, Patience, Path, Sums], Row | list[Row]]
ENDLESS = 10**6


@dataclass(frozen=True)
class Plan:
    """How a row is divided."""

    sweep: Sweep
    goal: int
    """Runs at which the row has enough."""
    worlds: int = 1
    """Of a portion; each world has a seed."""
    parts: int = 0
    """Into so many parts the sweep over one world is cut; 0: it is not."""
    most: int = ENDLESS
    """Runs of one portion."""
    last: int = ENDLESS
    """So many portions there are."""


PLANS: dict[str, Plan] = {
    "R16": Plan(soak.soak, soak.CYCLES, most=soak.CYCLES, last=1),
    "R19": Plan(cited.seeded, cited.BUGS, last=1),
    "R12": Plan(cited.forgeries, cited.FORGERIES, last=1),
    "R1": Plan(crashes.crash_points, crashes.TARGET, worlds=5),
    "R2": Plan(traced.kills, traced.KILL_TARGET),
    "R3": Plan(
        traced.disk_faults, ENDLESS, parts=len(traced.DISK_SWEEPS), last=len(traced.DISK_SWEEPS)
    ),
    "R4": Plan(faults.api_faults, faults.TARGET, parts=ENDLESS, most=faults.PART),
    "R5": Plan(races.race_positions, races.TARGET),
    "R6": Plan(together.concurrent_applies, together.TARGET, most=5),
}
"""Those that cannot be cut first, because they take longest."""
NEEDS_STRACE = {"R2", "R3"}


@dataclass
class Done:
    """What one portion, or all of a row, came to."""

    name: str
    number: int
    rows: list[Row]
    sums: Sums


def run(name: str, number: int, first_seed: int, seconds: float, folder: str | None) -> Done:
    """Run one portion, in a process of its own; what breaks it is a violation."""
    plan = PLANS[name]
    part = number % plan.parts if plan.parts else None
    seed = first_seed + plan.worlds * (number // plan.parts if plan.parts else number)
    patience = Patience(plan.most, seconds, worlds=plan.worlds, part=part)
    sums = Sums()
    # What is imported by now is not looked through again and again: a tenth of the time.
    gc.freeze()
    if name in NEEDS_STRACE and traced.STRACE is None:
        return Done(name, number, [Row(name, "skipped: strace is not installed", seed)], sums)
    before = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder) as made:
        try:
            rows = timed(plan.sweep, seed, patience, Path(made), sums)
        except Exception as error:  # noqa: BLE001 - one broken portion must not end the others
            told = f"the suite itself ended: {type(error).__name__}: {error}"
            rows = [Row(name, "ended by itself", seed, violations=[f"portion {number}: {told}"])]
            rows[0].seconds = time.monotonic() - before
    return Done(name, number, rows, sums)


def kept(file: Path | None) -> list[Done]:
    """Read the portions that were done before."""
    if file is None or not file.exists():
        return []
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        told: dict[str, Any] = json.loads(line)
        rows = [Row(**row | {"tally": Counter(row["tally"])}) for row in told["rows"]]
        found.append(Done(told["name"], told["number"], rows, Sums(**told["sums"])))
    return found


def keep(file: Path | None, done: Done) -> None:
    """Add a portion to the file."""
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            rows = [vars(row) for row in done.rows]
            lines.write(json.dumps({**vars(done), "rows": rows, "sums": vars(done.sums)}) + "\n")


class Ledger:
    """What is done of each row, and what comes next."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.sums = Sums()
        self._rows: dict[tuple[str, str], Row] = {}
        self._next = dict.fromkeys(names, 0)
        self._under_way = Counter[str]()
        self._size = dict.fromkeys(names, 1.0)

    def take(self, done: Done) -> None:
        """Count a portion in."""
        self.sums.merge(done.sums)
        for row in done.rows:
            if (row.number, row.area) in self._rows:
                self._rows[row.number, row.area].merge(row)
            else:
                self._rows[row.number, row.area] = row
        if done.name not in self._next:
            return
        self._next[done.name] = max(self._next[done.name], done.number + 1)
        self._under_way[done.name] = max(0, self._under_way[done.name] - 1)
        self._size[done.name] = max(1.0, min(row.runs for row in done.rows))
        if not any(row.runs or row.violations for row in done.rows):
            self._next[done.name] = ENDLESS  # there is no more of it

    def next(self) -> tuple[str, int] | None:
        """Return the row that is furthest behind, and the number of its next portion."""
        open_ones = [n for n in self.names if self._next[n] < PLANS[n].last and self._share(n) < 1]
        if not open_ones:
            return None
        name = min(open_ones, key=self._share)
        number = self._next[name]
        self._next[name] += 1
        self._under_way[name] += 1
        return name, number

    def rows(self) -> list[Row]:
        """Return the lines of the table in the order of their numbers."""
        return sorted(self._rows.values(), key=lambda row: int(row.number[1:]))

    def _share(self, name: str) -> float:
        """Tell how much of its goal a row has reached, with what is under way."""
        plan = PLANS[name]
        if plan.last < ENDLESS:
            return self._next[name] / plan.last
        mine = [row.runs for row in self._rows.values() if row.number == name and row.runs]
        coming = self._under_way[name] * self._size[name]
        return ((min(mine) if mine else 0) + coming) / plan.goal
