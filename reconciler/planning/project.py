"""Who could log in and act as admin, and how that follows from the operations.

The projected state is what guardrails judge: not the plan's size alone, but what is left.
"""

from collections.abc import Iterable, Iterator

from reconciler.domain.access import Grant, Scope
from reconciler.domain.desired import Desired
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Holding, Operation
from reconciler.domain.state import Actual

Holders = dict[str, tuple[Grant, ...]]
"""Principal id -> grants held, on scopes that still exist."""


def holders(actual: Actual, deleted_site_ids: frozenset[str]) -> Holders:
    """Return who holds what before the plan, deleted sites left out."""
    return {
        principal.id: tuple(g for g in principal.grants if g.scope.id not in deleted_site_ids)
        for principal in actual.principals
    }


def project(before: Holders, operations: Iterable[Operation]) -> Iterator[Holders]:
    """Yield the state after each prefix of the operations, the full plan last."""
    state = dict(before)
    for operation in operations:
        if operation.principal_id is not None:
            state[operation.principal_id] = _grants(operation.after)
        yield dict(state)


class Admins:
    """Counts the standing admins of a scope who can really log in."""

    def __init__(self, actual: Actual, desired: Desired) -> None:
        self._countable = {
            p.id
            for p in actual.principals
            if p.kind is PrincipalKind.USER and p.can_log_in and not p.is_system
        }
        # An admin for the length of a window is no standing admin.
        self._windowed = {
            (d.principal.id, wish.grant)
            for d in desired.principals
            if d.principal is not None
            for wish in d.in_force
            if wish.window is not None
        }

    def only(self, state: Holders) -> Holders:
        """Return the part of a state that belongs to admins."""
        return {id_: grants for id_, grants in state.items() if self._admin(id_, grants)}

    def scopes(self, state: Holders) -> list[Scope]:
        """Return the scopes that have an admin of their own, widest first."""
        found = {grant.scope for id_, grants in state.items() for grant in self._admin(id_, grants)}
        return sorted(found, key=lambda scope: scope.sort_key)

    def count(self, state: Holders, scope: Scope) -> int:
        """Count the admins of a scope, holders above included."""
        return sum(
            any(grant.scope.covers(scope) for grant in self._admin(id_, grants))
            for id_, grants in state.items()
        )

    def _admin(self, principal_id: str, grants: tuple[Grant, ...]) -> list[Grant]:
        if principal_id not in self._countable:
            return []
        return [
            grant
            for grant in grants
            if grant.role.is_admin and (principal_id, grant) not in self._windowed
        ]


def _grants(holding: Holding | None) -> tuple[Grant, ...]:
    return holding.grants if holding else ()
