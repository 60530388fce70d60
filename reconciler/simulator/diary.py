"""The diary of requests: one entry each, kept for the control API and told as one line.

A line is `2026-11-23T09:00:00.000000Z 7 PUT /web/api/v2.1/users/18 503 "reconciler" 503`: instant,
number (`-` for what other actors did, or what was done late), method, path, status (`-` for none),
who, and the faults, if any. Neither queries nor headers nor bodies are told, and never a token.
"""

import contextlib
import json
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from reconciler.simulator.calls import Console
from reconciler.simulator.envelopes import Request

_KEPT = 100_000
"""So many entries are kept, the newest ones."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that the console was asked."""

    index: int | None
    """Its number since the faults were set; None for requests that no client sent now."""
    at: str
    method: str
    path: str
    """Percent-encoded, without the query."""
    status: int
    """What the client was told; 0 for nothing, or nothing that is HTTP."""
    principal: str | None
    """E-mail or name of whoever the token stands for; None without a valid one."""
    faults: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the entry as one line of printable text."""
        index = "-" if self.index is None else str(self.index)
        who = json.dumps(self.principal) if self.principal else "-"
        parts = [self.at, index, self.method, self.path, str(self.status or "-"), who]
        return " ".join([*parts, *filter(None, [",".join(self.faults)])])


@dataclass(slots=True)
class Diary:
    """All entries, oldest first."""

    log: Callable[[str], None] | None = None
    """Takes each line; None: nobody listens."""
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def write(self, entry: Entry) -> None:
        """Keep an entry and tell it."""
        self.entries.append(entry)
        if self.log:
            self.log(entry.line())


def tell(line: str) -> None:
    """Write a line to standard error; whoever has closed it does not want to know."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")


def token_of(request: Request) -> str:
    """Return the token that a request carries, or an empty text."""
    _, _, value = (request.header("authorization") or "").partition(" ")
    return value.strip()


def name_of(console: Console, request: Request) -> str | None:
    """Return whom a request's token stands for: an e-mail or the name of a service user."""
    token = console.tokens.get(token_of(request))
    principal = console.world.principal(token.principal_id) if token else None
    return (getattr(principal, "email", None) or principal.name) if principal else None


def shown_path(console: Console, path: str) -> str:
    """Return a path as it may be told: printable, and without a token that somebody put there."""
    parts = ("***" if part in console.tokens else part for part in path.split("/"))
    return quote("/".join(parts), safe="/:@*")
