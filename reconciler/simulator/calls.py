"""One call to the console: who asks, for what, of which world; and what it changes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.envelopes import Request
from reconciler.simulator.records import Principal, User
from reconciler.simulator.world import World


@dataclass(frozen=True, slots=True)
class Token:
    """What a token stands for. It lives as long as its principal, at most until `expires`."""

    principal_id: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Ground truth: one change of one principal, as the world's records before and after."""

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
    tokens: dict[str, Token] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path) of every request but the control ones, in order of arrival."""

    def stamp(self) -> str:
        """Return the instant as the console writes it."""
        return timestamp(self.clock())

    def mint(self, principal_id: str, expires: datetime | None = None) -> str:
        """Make a token acting as that principal and return its value."""
        value = self.new_token()
        self.tokens[value] = Token(principal_id, expires)
        return value

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

    def record(
        self, before: Principal | None, after: Principal | None, *, invited: bool = False
    ) -> None:
        """Put the change into effect and into the diary."""
        if before:
            del _table(self.world, before)[before.id]
        if after:
            _table(self.world, after)[after.id] = after
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


def _table(world: World, principal: Principal) -> dict[str, Any]:
    return world.users if isinstance(principal, User) else world.service_users
