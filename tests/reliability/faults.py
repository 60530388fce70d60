"""R4: every kind of fault at every request of an apply; and the next run makes it good.

Faults that damage bytes or connections go over a real socket, the rest in process.
"""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

from reliability import invariants
from reliability.lab import WRITES, Lab, Served
from reliability.table import Patience, Row, Sums
from reliability.worlds import Case, holdings, random_case

from reconciler.simulator.catalogue import KINDS

TARGET = 1_200
TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJzdWIiOiJjYW5hcnktbm9ib2R5In0.c2lnbmF0dXJlLWNhbmFyeS1-"  # noqa: S105,E501 - nobody's
"""Looks like the console's own tokens, so that its parts can be searched for."""
_LONG_WAITS = ("stall", "drip", "gzip-bomb")
"""Take real seconds each; a few of them are enough."""
_SCARCE = 7
"""Of the kinds that take long, one of so many requests is hit."""
_ENDS = {0, 1, 3, 4}
_INSTEAD = [name for name, kind in KINDS.items() if kind.stage == "instead"]
_EFFECTS = ("500", "502", "503", "504", "html", "empty", "409")
"""What may be answered to something that was done, by a gateway that gave up or asked twice."""
_LIES = ("400", "401", "403", "404", "429")
"""No, and done all the same. Of such a write the record says what the console said, so that R13
cannot hold; everything else must."""
PART = 100
"""Runs of one part of the long form."""


def spellings() -> list[str]:
    """Every kind once, those that may take effect all the same also so."""
    plain = [name for name in KINDS if name != "change"]
    waits = ["429=3", "429=date+5", "503=2"]
    return [*plain, *waits, *(f"{name}+effect" for name in (*_EFFECTS, *_LIES))]


def api_faults(seed: int, patience: Patience, folder: Path, sums: Sums) -> Row:
    """Let one fault strike at one request of an apply, for every kind and every request."""
    row = Row("R4", "API faults: kind x request of an apply", seed, TARGET)
    case = random_case(seed, people=10)
    with _labs(case, folder) as labs:
        whole = labs["direct"].run("apply", "--concurrency", "1")
        requests = labs["direct"].rehearsal.index
        wanted = holdings(labs["direct"].world)
        row.found("undisturbed", labs["direct"].violations)
        assert whole.code == 0, whole.text
        order = [(kind, at) for kind in spellings() for at in range(1, requests + 1)]
        # In mixed order, so that any part of it is a fair sample.
        random.Random(seed).shuffle(order)  # noqa: S311 - a seed, no secret
        start = PART * (patience.part or 0)
        for kind, at in order[start:]:
            if not patience.allows(row.runs):
                break
            if kind in _LONG_WAITS and at % _SCARCE:
                continue
            row.tally[kind] += 1
            row.runs += 1
            row.found(f"{kind}@{at}", _struck(labs[_way(kind)], kind, at, wanted, sums))
    return row


@contextlib.contextmanager
def _labs(case: Case, folder: Path) -> Iterator[dict[str, Lab]]:
    with Served.open(case, folder / "served", TOKEN) as served:
        yield {"direct": Lab(case, folder / "direct", TOKEN), "socket": served}


def _way(kind: str) -> str:
    name = kind.partition("=")[0].partition("+")[0]
    is_plain = KINDS[name].stage in {"body", "world"} or name.isdigit() or name == "html"
    return "direct" if is_plain else "socket"


def _struck(lab: Lab, kind: str, at: int, wanted: invariants.Truth, sums: Sums) -> list[str]:
    """One apply with a fault, then one without."""
    lab.start_over()
    lab.violations.clear()
    lab.rehearse(f"{kind}@{at}")
    told = lab.run("apply", "--concurrency", "1")
    found = [] if told.code in _ENDS else [f"R22 ends with {told.code}"]
    is_lie = kind in {f"{name}+effect" for name in _LIES} and _was_write(lab, at)
    found += invariants.verified(lab.journal)
    if told.code == 0:
        found += [f"said to be done: {each}" for each in invariants.converged(lab.world, wanted)]
    lab.rehearse()
    again = lab.run("apply", "--concurrency", "1")
    if again.code != 0:
        found.append(f"P1 the run after it ends with {again.code}: {again.text[-200:]}")
    found += lab.violations
    found += invariants.converged(lab.world, wanted)
    found += invariants.untouched(lab.case, lab.world, wanted)
    found += invariants.within_the_plan(lab.changes, holdings(lab.case.world), wanted)
    if is_lie:
        sums.search(lab, told.code)
        return found
    return found + sums.add(lab, told.code)


def _was_write(lab: Lab, at: int) -> bool:
    """Tell whether the request that was struck asked for a change."""
    struck = (entry for entry in lab.rehearsal.diary.entries if entry.index == at)
    return any(entry.method in WRITES for entry in struck)
