"""What a guard looks at, and the questions several guards ask of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Grant, Scope
from reconciler.domain.desired import Desired
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.plan import Operation
from reconciler.domain.state import Actual
from reconciler.errors import Place


@dataclass(frozen=True, slots=True)
class Judged:
    """A plan in the making, with the two states it lies between."""

    operations: tuple[Operation, ...]
    """In the order of execution."""
    desired: Desired
    actual: Actual
    deleted_site_ids: frozenset[str]
    guardrails: Guardrails
    instant: datetime
    closed: Mapping[str | None, frozenset[Grant]]
    """Principal id -> triples whose window has closed."""

    def limit(self, rule: str, value: float) -> float:
        """Return the value of a limit: the override's while it lasts, else the file's."""
        for override in self.guardrails.overrides:
            if override.rule == rule and self.instant < override.until:
                return override.value
        return value

    def lost_scopes(self, operation: Operation) -> tuple[Scope, ...]:
        """Return the scopes an operation takes away, for counting.

        A role replacement loses no scope; a level change loses every scope of the old level.
        What a closing window takes away was judged when the window opened.
        """
        kept = {grant.scope for grant in held_after(operation)}
        closed = self.closed.get(operation.principal_id, frozenset())
        return tuple(
            change.grant.scope
            for change in operation.revokes
            if change.grant.scope not in kept and change.grant not in closed
        )


def held_after(operation: Operation) -> tuple[Grant, ...]:
    """Return what the principal would hold afterwards."""
    return operation.after.grants if operation.after else ()


def places_of(operation: Operation) -> tuple[Place, ...]:
    """Return every place the files give for an operation."""
    return tuple(sorted({place for change in operation.changes for place in change.places}))
