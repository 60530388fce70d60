"""What roles permit, and what an operation means by it: who gains and loses what, and where.

It orders what people read and says what changes mean; guards may ask it, but nothing else
decides by it.
"""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.access import Role, Scope
from reconciler.domain.plan import Effect, Operation, Plan, PlannedRole
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.planning.permits import Difference, difference, gives_access
from reconciler.planning.reach import Reach, Step


class Privileges:
    """What the roles of one console permit, as far as their pages were read."""

    def __init__(self, actual: Actual) -> None:
        self._known = {each.role_id: each for each in actual.permissions}
        self._reach = Reach(actual)
        self._differences: dict[tuple[str, str], Difference] = {}
        self.giving_access = frozenset(
            role.id
            for role in actual.roles
            if role.is_admin or (role.id in self._known and gives_access(self._known[role.id]))
        )
        """Ids of the roles that are Admin, or known to permit to change who may do what."""

    def explained(self, operations: Iterable[Operation]) -> tuple[Operation, ...]:
        """Return operations with their effects."""
        return tuple(replace(each, effects=self.effects(each)) for each in operations)

    def effects(self, operation: Operation) -> tuple[Effect, ...]:
        """Return what an operation means, wherever a role comes to count instead of another.

        The widest scopes come first; scopes that are named because they keep their role while
        a wider one changes come last.
        """
        steps = self._reach.steps(
            operation.before.grants if operation.before else (),
            operation.after.grants if operation.after else (),
        )
        ordered = sorted(
            steps.items(), key=lambda item: (not item[0].is_change, item[1][0].sort_key)
        )
        return tuple(self._effect(step, scopes) for step, scopes in ordered)

    def planned(self, operations: Iterable[Operation]) -> tuple[PlannedRole, ...]:
        """Return every role that operations grant or take away, sorted by name and id."""
        roles = {change.grant.role for each in operations for change in each.changes}
        ordered = sorted(roles, key=lambda role: (role.name, role.id))
        return tuple(self._planned(role) for role in ordered)

    def _planned(self, role: Role) -> PlannedRole:
        known = self._known.get(role.id)
        return PlannedRole(
            id=role.id,
            name=role.name,
            digest=known.digest if known else None,
            permissions=len(known.granted) if known else 0,
            gives_access=role.id in self.giving_access,
        )

    def _effect(self, step: Step, scopes: tuple[Scope, ...]) -> Effect:
        before, after = _first(step.before, step.after), _first(step.after, step.before)
        # Two roles on one scope are outside the API's model, so nothing is told of their sum.
        is_clear = max(len(step.before), len(step.after)) == 1
        roles = {role.id for role in (before, after) if role}
        if not step.is_change:
            return Effect(scopes, before, after)
        if not is_clear or not roles <= self._known.keys():
            return Effect(scopes, before, after, is_known=False)
        gained, lost = self._difference(before, after)
        return Effect(scopes, before, after, gained, lost)

    def _difference(self, before: Role | None, after: Role | None) -> Difference:
        """Compare each pair of roles once, however many people change from one to the other."""
        pair = (before.id if before else "", after.id if after else "")
        if pair not in self._differences:
            granted = [self._known[id_].granted if id_ else () for id_ in pair]
            self._differences[pair] = difference(*granted)
        return self._differences[pair]


def roles_to_read(wanted: Wanted, actual: Actual, plan: Plan) -> frozenset[str]:
    """Return the ids of the roles whose pages a plan needs, among those the console listed.

    Those in the changes, custom ones that somebody managed holds, and those pinned with a digest.
    """
    unlisted = {one.id for one in plan.unlisted}
    grants = [g for p in actual.principals if p.id not in unlisted for g in p.grants]
    custom = {grant.role.id for grant in grants if not grant.role.predefined}
    changed = {change.grant.role.id for each in plan.operations for change in each.changes}
    pinned = {role.id for role in wanted.pins.roles if role.digest} if wanted.pins else set()
    return frozenset(role.id for role in actual.roles) & (custom | changed | pinned)


def _first(roles: tuple[Role, ...], others: tuple[Role, ...]) -> Role | None:
    """Return the role to name: the only one, or the first that the other side has not."""
    return next((role for role in roles if role not in others), roles[0] if roles else None)
