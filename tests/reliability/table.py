"""What a sweep found, and the table at the end."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reliability import invariants
from reliability.lab import Lab


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

    def found(self, where: str, *lists: list[str]) -> None:
        """Take the violations of one run."""
        self.violations += [f"{where}: {each}" for one in lists for each in one]


@dataclass
class Sums:
    """R11 and R13: what all runs of all rows have in common."""

    changes: int = 0
    told: int = 0
    """Changes that the journal tells as applied."""
    doubtful: int = 0
    """Told as unknown, or as written and overwritten, and found in the truth."""
    failing: int = 0
    """Runs that did not end well, whose output and files were searched for the token."""
    scanned: int = 0
    leaks: list[str] = field(default_factory=list)

    def add(self, lab: Lab, *codes: int | None) -> list[str]:
        """Count one console's whole story; return what is wrong with it."""
        records = lab.records()
        found = invariants.accounted(lab.changes, records)
        told, _ = invariants.endings(records)
        ours = sum(c.actor == invariants.OWN and invariants.is_effect(c) for c in lab.changes)
        surely = sum(least for least, _ in told.values())
        self.changes += ours
        self.told += min(ours, surely)
        self.doubtful += max(0, ours - surely)
        self.failing += sum(code != 0 for code in codes)
        for path in lab.folder.rglob("*"):
            if path.is_file():
                self.scanned += 1
                forms = invariants.leaks(path.read_bytes(), lab.token)
                self.leaks += [f"{path.name} holds the token as {form}" for form in forms]
        return found

    def merge(self, more: "Sums") -> None:
        """Add those of another process."""
        self.changes += more.changes
        self.told += more.told
        self.doubtful += more.doubtful
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
                "R13", "changes in the truth; told as applied, or as unknown or overwritten", 0, 0,
                self.changes, [], f"{self.told} + {self.doubtful}, difference "
                f"{self.changes - self.told - self.doubtful}",
            ),
        ]  # fmt: skip


class Patience:
    """How long, and how often, a sweep goes on."""

    def __init__(self, most: int, seconds: float = 10**9) -> None:
        self.most = most
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
        f"| {r.number} | {r.area} | {r.runs:,} | {r.target or '-'} | {r.seed} "
        f"| {len(r.violations)} | {r.seconds:.0f} | {r.note} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"
