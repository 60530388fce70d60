"""Which fault hits which request: decided from counters and a seed alone, nothing else.

Requests are counted from 1, in order of arrival, since the faults were set; control requests and
what other actors send do not count.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

API = "/web/api/v2.1"


@dataclass(frozen=True, slots=True)
class Act:
    """A request of another actor."""

    principal: str
    """E-mail of a user or name of a service user."""
    method: str
    path: str
    """Below the API prefix; `{ana@acme.example}` stands for that principal's id."""
    body: Any = None


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, and when. `kind` is a name of the catalogue."""

    kind: str
    value: float | str | None = None
    """None where the kind takes no value."""
    first: int = 1
    last: int | None = None
    """The first and last of the matching requests that are hit; None: no end."""
    method: str = ""
    """Empty matches every method."""
    path: str = ""
    """Below the API prefix; `*` is anything within one part of a path, `**` anything at all.
    Empty matches every path."""
    chance: float = 1.0
    count: int | None = None
    """At most so many hits; None: no limit."""
    effect: bool = False
    """Of a kind that answers instead of the console: the request is carried out all the same."""
    when: str = "before"
    """Of a change: `before` or `after` the request that it meets."""
    requests: tuple[Act, ...] = ()

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is of the meant kind, by method and path without query."""
        if self.method and self.method != method:
            return False
        return not self.path or bool(_pattern(self.path).fullmatch(path.removeprefix(API)))


@dataclass(slots=True)
class Tally:
    """How often a fault has come into question."""

    matched: int = 0
    hits: int = 0
    missed: int = 0
    """Hits that could not do their harm, such as a cursor loop on something that is no list."""


def strikes(fault: Fault, tally: Tally, seed: int, position: int) -> bool:
    """Decide whether a matching request, already counted in the tally, is hit.

    The draw depends on the seed, the fault's position in the list and the number of the matching
    request only, so it stays the same whatever else is asked in between.
    """
    if tally.matched < fault.first or (fault.last is not None and tally.matched > fault.last):
        return False
    if fault.count is not None and tally.hits >= fault.count:
        return False
    if fault.chance >= 1:
        return True
    draw = random.Random(f"{seed}:{position}:{tally.matched}")  # noqa: S311  no secret, a rehearsal
    return draw.random() < fault.chance


@dataclass(slots=True)
class Schedule:
    """The faults in force, and their counters."""

    faults: Sequence[Fault] = ()
    seed: int = 0
    tallies: list[Tally] = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Count from the beginning."""
        self.tallies = [Tally() for _ in self.faults]

    def next(self, method: str, path: str) -> list[tuple[Fault, Tally]]:
        """Count one request and return the faults that hit it, in the order of the list."""
        found = []
        for position, (fault, tally) in enumerate(zip(self.faults, self.tallies, strict=True)):
            if not fault.matches(method, path):
                continue
            tally.matched += 1
            if strikes(fault, tally, self.seed, position):
                tally.hits += 1
                found.append((fault, tally))
        return found


_WILD: Mapping[str, str] = {"**": ".*", "*": "[^/]*"}


def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*?)", glob.removeprefix(API))
    return re.compile("".join(_WILD.get(part) or re.escape(part) for part in parts))
