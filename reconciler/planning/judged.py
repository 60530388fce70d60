"""What a guard looks at, and the questions several guards ask of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from reconciler.domain.access import Grant, Scope
from reconciler.domain.desired import Desired, DesiredGrant, DesiredPrincipal
from reconciler.domain.guardrails import Guardrails, Override
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Change, Operation
from reconciler.domain.state import Actual
from reconciler.errors import Place
from reconciler.planning.before import Before
from reconciler.planning.ends import Ends, is_for_good
from reconciler.planning.names import Names
from reconciler.planning.project import Holders, holders

Held = tuple[str, Grant]
"""A principal's id and a grant."""


@dataclass(frozen=True)
class Judged:
    """A plan in the making, with the two states it lies between."""

    operations: tuple[Operation, ...]
    """In the order of execution."""
    desired: Desired
    targeted: tuple[DesiredPrincipal, ...]
    """The part of the desired principals that this run is about."""
    actual: Actual
    names: Names
    guardrails: Guardrails
    before: Before
    ends: Ends
    instant: datetime
    past_revokes: tuple[datetime, ...] = ()
    """When earlier runs took a scope from somebody, once for each."""

    @cached_property
    def holders(self) -> Holders:
        """Who holds what before the plan, deleted sites left out."""
        return holders(self.actual, self.names.catalog.deleted_site_ids)

    def limit(self, rule: str, value: float) -> float:
        """Return the value of a limit: the override's while it lasts, else the file's."""
        override = self.override(rule)
        return value if override is None else override.value

    def override(self, rule: str) -> Override | None:
        """Return the override of a limit that is in force; the first of several."""
        for override in self.guardrails.overrides:
            if override.rule == rule and self.instant < override.until:
                return override
        return None

    @cached_property
    def windowed(self) -> frozenset[Held]:
        """What is desired for a time only."""
        return frozenset(
            (one.principal.id, wish.grant)
            for one in self.desired.principals
            if one.principal is not None
            for wish in _passing(one)
        )

    @cached_property
    def forgiven(self) -> frozenset[Held]:
        """What a closing window takes away, if its end was judged while it was to come."""
        return frozenset(
            (one.principal.id, grant)
            for one in self.desired.principals
            if one.principal is not None
            for grant, window in one.closed
            if grant in one.principal.grants and self.ends.was_judged(one, grant, window)
        )

    @cached_property
    def ending(self) -> frozenset[Held]:
        """What is held and is to end sooner than before: that is decided here and now."""
        return frozenset(
            (id_, wish.grant) for id_, wish, until in self._ending if _is_sooner(wish, until)
        )

    @cached_property
    def no_longer_for_good(self) -> frozenset[Held]:
        """What was held for good and is to end; a part of `ending`."""
        return frozenset((id_, wish.grant) for id_, wish, until in self._ending if until is None)

    @cached_property
    def unproven(self) -> frozenset[Held]:
        """What a closed window takes away though nothing shows that its end was judged."""
        closed = {
            (one.principal.id, grant)
            for one in self.targeted
            if one.principal is not None
            for grant, _ in one.closed
        }
        taken = {(o.principal_id or "", c.grant) for o in self.operations for c in o.revokes}
        return frozenset(closed & taken) - self.forgiven

    @cached_property
    def _ending(self) -> tuple[tuple[str, DesiredGrant, datetime | None], ...]:
        """Held grants with an end, and until when each was to last before; None for good.

        Where nothing tells, that is the end it has now, and its closing will count.
        """
        return tuple(
            (one.principal.id, wish, self.ends.lasted(one, wish.grant, wish.window.end))
            for one in self.targeted
            if one.principal is not None
            for wish in _passing(one)
            if wish.window is not None
            and wish.window.end is not None
            and wish.grant in one.principal.grants
        )

    @cached_property
    def _replacing(self) -> dict[tuple[str, Scope], tuple[DesiredPrincipal, DesiredGrant]]:
        """Principal and scope -> what is in force there for a time, with nothing to follow."""
        return {
            (one.principal.id, wish.grant.scope): (one, wish)
            for one in self.targeted
            if one.principal is not None
            for wish in _passing(one)
            if not any(
                each.window is None and each.grant.scope == wish.grant.scope for each in one.asked
            )
        }

    @cached_property
    def lost(self) -> tuple[Scope, ...]:
        """Every scope that the plan takes from somebody, once for each, for counting.

        A role replacement loses no scope; a level change loses every scope of the old level.
        """
        found = [grant.scope for _, grant in self.ending]
        for operation in self.operations:
            found.extend(self.lost_by(operation))
        return tuple(found)

    @property
    def counted(self) -> tuple[Operation, ...]:
        """The operations, each with how many scopes it takes away."""
        return tuple(replace(each, taken=len(self.lost_by(each))) for each in self.operations)

    def lost_by(self, operation: Operation) -> tuple[Scope, ...]:
        """Return the scopes that one operation takes away, as the limits count.

        A role that takes the place of another for a time only, and sooner ends, takes the scope
        away when it ends, and that end is decided here.
        """
        kept = {grant.scope for grant in held_after(operation)}
        taken = [change.grant for change in self.taken_by(operation)]
        return tuple(g.scope for g in taken if g.scope not in kept or self._ends(operation, g))

    def _ends(self, operation: Operation, taken: Grant) -> bool:
        """Tell whether the role in the place of a taken one ends sooner than that would have."""
        found = self._replacing.get((operation.principal_id or "", taken.scope))
        if found is None or found[1].grant not in held_after(operation):
            return False
        return _is_sooner(found[1], self.ends.lasted(found[0], taken, None))

    def taken_by(self, operation: Operation) -> tuple[Change, ...]:
        """Return the revokes of one operation that were not judged when a window opened."""
        return tuple(
            change
            for change in operation.revokes
            if (operation.principal_id or "", change.grant) not in self.forgiven
        )

    def newly_asked(self) -> Iterable[tuple[DesiredPrincipal, DesiredGrant]]:
        """Return every wish this change brings: granted now, or asked for longer than before.

        Coming windows are judged when they are written, not first when they open.
        """
        granted = {
            (operation.name, change.grant)
            for operation in self.operations
            for change in operation.grants
        }
        for one in self.targeted:
            for wish in one.asked:
                known = ((self._name(one.name), wish.grant), wish.window) in self.before.asked
                is_change = self.before.is_known and not known
                is_change = is_change or self.ends.outlasts_record(one, wish)
                if is_change or (one.name, wish.grant) in granted:
                    yield one, wish

    def _name(self, name: PrincipalName) -> PrincipalName:
        return self.names.people.canonical(name)


def _passing(one: DesiredPrincipal) -> tuple[DesiredGrant, ...]:
    """Return what is in force by a window and is not asked for as a standing grant as well."""
    return tuple(w for w in one.in_force if w.window is not None and not is_for_good(one, w))


def _is_sooner(wish: DesiredGrant, until: datetime | None) -> bool:
    """Tell whether a wish ends, and before `until`; None is for good."""
    end = wish.window.end if wish.window else None
    return end is not None and (until is None or end < until)


def held_after(operation: Operation) -> tuple[Grant, ...]:
    """Return what the principal would hold afterwards."""
    return operation.after.grants if operation.after else ()


def places_of(operation: Operation) -> tuple[Place, ...]:
    """Return every place the files give for an operation."""
    return tuple(sorted({place for change in operation.changes for place in change.places}))
