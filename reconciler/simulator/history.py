"""Earlier states of the world, for reads that lag behind."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.simulator.world import KINDS, World

_KEPT = 200
"""So many states are kept; a read never lags behind further."""


def copy_of(world: World) -> World:
    """Return a world of its own with the same records, which are frozen."""
    tables: dict[str, Any] = {name: dict(world.table(name)) for name in KINDS}
    return World(settings=world.settings, activities=list(world.activities), **tables)


@dataclass(slots=True)
class History:
    """The states before each write, oldest first."""

    kept: bool = False
    """False keeps nothing: copying a large world at each write takes time."""
    states: deque[tuple[datetime, World]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def note(self, at: datetime, before: World) -> None:
        """Keep the state before a write at that instant."""
        self.states.append((at, before))

    def before_writes(self, count: int) -> World | None:
        """Return the state before the last so many writes, as far back as it is kept."""
        if not (self.states and count):
            return None
        return self.states[-min(count, len(self.states))][1]

    def at(self, instant: datetime) -> World | None:
        """Return the state at an instant; None when nothing was written since."""
        return next((world for written, world in self.states if written > instant), None)
