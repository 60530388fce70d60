"""What a sweep found, and the table at the end."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reliability import invariants, ledger
from reliability.lab import Lab

_NAMED = 12
"""So many kinds are told by name."""


@dataclass
class Row:
    """One line of the table."""

    number: str
    """R1 and so on, as in the reliability reference, section 6.3."""
    area: str
    seed: int
    target: int = 0
    """Of the long form."""
    runs: int = 0
    violations: list[str] = field(default_factory=list)
    note: str = ""
    seconds: float = 0.0
    tally: Counter[str] = field(default_factory=Counter)
    """What the runs were; told where there is no note."""

    def found(self, where: str, *lists: list[str]) -> None:
        """Take the violations of one run."""
        self.violations += [f"{where}: {each}" for one in lists for each in one]

    def merge(self, more: "Row") -> None:
        """Add another part of the same line."""
        self.seed = min(self.seed, more.seed)
        self.runs += more.runs
        self.violations += more.violations
        self.seconds += more.seconds
        self.tally += more.tally
        self.note = more.note or self.note

    def told(self) -> str:
        """Return the note, or what was counted: each by name, or how many kinds of it."""
        if self.note or not self.tally:
            return self.note
        if len(self.tally) <= _NAMED:
            return ", ".join(f"{name} {count}" for name, count in sorted(self.tally.items()))
        return f"{len(self.tally)} kinds, each {min(self.tally.values())} times or more"


@dataclass
class Sums:
    """R11 and R13: what all runs of all rows have in common."""

    changes: int = 0
    told: int = 0
    """Changes that the journal tells as applied, with what was held afterwards."""
    doubtful: int = 0
    """Told as unknown, or as written and overwritten, and found in the truth."""
    difference: list[str] = field(default_factory=list)
    """Changes that no record tells, and records of a change that never was."""
    failing: int = 0
    """Runs that did not end well, whose output and files were searched for the token."""
    scanned: int = 0
    leaks: list[str] = field(default_factory=list)

    def add(self, lab: Lab, *codes: int | None) -> list[str]:
        """Count one console's whole story; return what is wrong with it."""
        records = lab.records()
        found = ledger.compared(lab.changes, records)
        self.changes += found.changes
        self.told += found.told
        self.doubtful += found.doubtful
        self.difference += found.difference
        self.search(lab, *codes)
        return found.difference + ledger.without_end(records)

    def search(self, lab: Lab, *codes: int | None) -> None:
        """Look for the token in everything that the runs left behind."""
        self.failing += sum(code != 0 for code in codes)
        for path in lab.folder.rglob("*"):
            if path.is_file():
                self.scanned += 1
                forms = invariants.leaks(path.read_bytes(), lab.token)
                self.leaks += [f"{path.name} holds the token as {form}" for form in forms]

    def merge(self, more: "Sums") -> None:
        """Add those of another process."""
        self.changes += more.changes
        self.told += more.told
        self.doubtful += more.doubtful
        self.difference += more.difference
        self.failing += more.failing
        self.scanned += more.scanned
        self.leaks += more.leaks

    def rows(self) -> list[Row]:
        """Return the lines for the sums."""
        return [
            Row(
                "R11", "token canary: failing runs, output and files searched", 0, 200,
                self.failing, self.leaks, f"{self.scanned} files, 9 forms and every JWT part",
            ),
            Row(
                "R13", "changes in the console's truth, each looked for in the journal", 0, 0,
                self.changes, self.difference, f"{self.told} told as applied, {self.doubtful} as "
                f"unknown or overwritten; difference {len(self.difference)}",
            ),
        ]  # fmt: skip


class Patience:
    """How long, and how often, a sweep goes on, and which part of it is wanted."""

    def __init__(
        self, most: int, seconds: float = 10**9, *, worlds: int = 10**9, part: int | None = None
    ) -> None:
        self.most = most
        self.worlds = worlds
        self.part = part
        """Which share of a sweep over one world; None: all of it."""
        self._ends = time.monotonic() + seconds

    def allows(self, runs: int) -> bool:
        """Tell whether one more run fits in."""
        return runs < self.most and time.monotonic() < self._ends


def timed(
    sweep: Callable[[int, Patience, Path, Sums], Row | list[Row]],
    seed: int,
    patience: Patience,
    folder: Path,
    sums: Sums,
) -> list[Row]:
    """Run a sweep and note how long it took, in the first of its rows."""
    before = time.monotonic()
    found = sweep(seed, patience, folder, sums)
    rows = found if isinstance(found, list) else [found]
    rows[0].seconds = time.monotonic() - before
    return rows


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| # | area | runs | target | seed | violations | seconds | note |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {r.number} | {r.area} | {r.runs:,} | {f'{r.target:,}' if r.target else '-'} "
        f"| {r.seed} | {len(r.violations)} | {r.seconds:.0f} | {r.told()} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"
