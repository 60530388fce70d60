"""R1: every step of an apply is its last one, in turn; then the next run has to make it good."""

import random
from pathlib import Path

from reliability import invariants
from reliability.lab import Lab
from reliability.table import Patience, Row, Sums
from reliability.worlds import holdings, random_case

TARGET = 20_000
_PLAN_AGAIN = 10
"""After one of so many recoveries a further apply must find nothing to do."""


def crash_points(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """Cut off runs in random worlds, beginning with the world of that seed."""
    row = Row("R1", "crash points in process, then recovery", seed, TARGET)
    worlds = 0
    while patience.allows(row.runs) and worlds < patience.worlds:
        case = random_case(seed + worlds)
        worlds += 1
        lab = Lab(case, folder / str(worlds))
        _world(lab, row, patience, sums)
        row.tally["random worlds, every step of each apply:"] += 1
    return row


def _world(lab: Lab, row: Row, patience: Patience, sums: Sums) -> None:
    chance = random.Random(lab.case.seed)  # noqa: S311 - a seed, no secret
    threads = ("--concurrency", "8" if lab.case.seed % 4 == 3 else "1")
    whole = lab.run("apply", *threads)
    where = f"world {lab.case.seed}"
    row.found(where, lab.violations)
    if whole.code != 0:
        row.found(where, [f"an undisturbed apply ends with {whole.code}: {whole.text[-300:]}"])
        return
    wanted, steps = holdings(lab.world), lab.life.steps
    row.found(where, sums.add(lab))
    for step in range(steps):
        if not patience.allows(row.runs):
            return
        lab.start_over()
        lab.violations.clear()
        dead = lab.run("apply", *threads, ends_at=step)
        last = lab.life.last
        if dead.code is None and chance.random() < 0.3 and lab.journal.exists():
            lab.tear(chance.random())
            row.tally["with a torn journal:"] += 1
        left = lab.records()
        recovery = lab.run("apply", *threads)
        row.runs += 1
        place = f"{where}, step {step} ({last})"
        row.found(place, invariants.unspoken(left, recovery.text))
        row.found(place, _judged(lab, recovery.code, wanted), sums.add(lab, dead.code))
        if row.runs % _PLAN_AGAIN == 0:
            row.found(place, _idle(lab))


def _judged(lab: Lab, code: int | None, wanted: invariants.Truth) -> list[str]:
    found = list(lab.violations)
    if code != 0:
        found.append(f"P1 the run after it ends with {code}")
    found += invariants.converged(lab.world, wanted)
    found += invariants.untouched(lab.case, lab.world, wanted)
    found += invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)
    return found + invariants.verified(lab.journal)


def _idle(lab: Lab) -> list[str]:
    """P2: one more apply writes nothing, and a plan is empty."""
    before = len(lab.changes)
    again = lab.run("apply")
    plan = lab.run("plan", "--detailed-exitcode")
    found = [] if (again.code, plan.code) == (0, 0) else [f"P2 ends {again.code}, {plan.code}"]
    return found + (["P2 a further apply writes"] if len(lab.changes) != before else [])
