"""One call to the console: who asks, for what, of which world; and what it changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reconciler.simulator.door import Door
from reconciler.simulator.envelopes import Request, Response, Written
from reconciler.simulator.records import Principal, Record
from reconciler.simulator.shelf import Shelf, state
from reconciler.simulator.tables import Table
from reconciler.simulator.world import KINDS, World


@dataclass(frozen=True, slots=True)
class Token:
    """What a token stands for. It lives as long as its principal, at most until `expires`."""

    principal_id: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Ground truth: one change of one record of the world, as it was before and after."""

    sequence: int
    at: str
    actor_id: str
    actor: str
    method: str
    path: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    invited: bool = False
    """True when an invitation e-mail would have gone out."""


@dataclass(slots=True)
class Console:
    """The whole console: world, tokens, clock and the diary. Nothing in here opens a socket."""

    world: World
    clock: Callable[[], datetime]
    """Gives the instant, aware."""
    new_token: Callable[[], str]
    """Gives a secret that was never given before."""
    tokens: Table[Token] = field(default_factory=Table)
    changes: list[Change] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path) of every request but the control ones, in order of arrival."""
    shelf: Shelf = field(default_factory=Shelf)
    keep: Callable[["Console"], Response | None] = lambda _console: None
    """Writes down what changed before an answer is sent; returns what to answer if it cannot."""
    door: Door = field(default_factory=Door)
    """Guards the control API."""

    def stamp(self) -> str:
        """Return the instant as the console writes it."""
        return timestamp(self.clock())

    def mint(self, principal_id: str, expires: datetime | None = None) -> str:
        """Make a token acting as that principal and return its value."""
        value = self.new_token()
        self.tokens[value] = Token(principal_id, expires)
        return value

    def revoke(self, principal_id: str) -> None:
        """Make every token of that principal worthless."""
        for value, token in list(self.tokens.items()):
            if token.principal_id == principal_id:
                del self.tokens[value]

    def mint_apply_token(self) -> str:
        """Make the token of the world's apply service user; raises ValueError without one."""
        name = self.world.settings.apply_service_user
        principal = self.world.named(name)
        if principal is None:
            raise ValueError(f"this world has no service user {name!r} to hand out a token for")
        return self.mint(principal.id)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request on its way through a handler."""

    console: Console
    request: Request
    caller: Principal
    item: str = ""
    """The id in the path, if any."""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The world that is asked."""
        return self.console.world

    def written(
        self, items: Iterable[Any], view: Callable[["Call", Any], Any], *tables: str
    ) -> Written:
        """Return the JSON list of the items in that view, for the top level of an answer.

        `tables` are those of the world that show in the view beside the item itself.
        """
        name = f"{view.__module__}.{view.__name__}"
        shown = partial(view, self)
        return self.console.shelf.written(
            name, self.caller, state(self.world, *tables), items, shown
        )

    def record(self, before: Record | None, after: Record | None, *, invited: bool = False) -> None:
        """Put the change into effect and into the diary."""
        if after:
            _table(self.world, after)[after.id] = after
        elif before:
            del _table(self.world, before)[before.id]
        self.console.changes.append(
            Change(
                sequence=len(self.console.changes) + 1,
                at=self.console.stamp(),
                actor_id=self.caller.id,
                actor=self.caller.name,
                method=self.request.method,
                path=self.request.path,
                before=asdict(before) if before else None,
                after=asdict(after) if after else None,
                invited=invited,
            )
        )


def timestamp(instant: datetime) -> str:
    """Write an instant as ISO 8601 in UTC with microseconds and `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _table(world: World, record: Record) -> Table[Any]:
    return world.table(next(name for name, kind in KINDS.items() if isinstance(record, kind)))
