"""Who holds what before a plan and after it, deleted sites left out."""

from collections.abc import Iterable

from reconciler.domain.access import Grant
from reconciler.domain.plan import Operation
from reconciler.domain.state import Actual

Holders = dict[str, tuple[Grant, ...]]
"""Principal id -> grants held."""


def holders(actual: Actual, deleted_site_ids: frozenset[str]) -> Holders:
    """Return who holds what before the plan."""
    return {
        principal.id: tuple(g for g in principal.grants if g.scope.id not in deleted_site_ids)
        for principal in actual.principals
    }


def project(state: Holders, operations: Iterable[Operation]) -> Holders:
    """Return who would hold what after the operations; invitations have no id yet."""
    after = {
        operation.principal_id: operation.after.grants if operation.after else ()
        for operation in operations
        if operation.principal_id is not None
    }
    return {**state, **after}
