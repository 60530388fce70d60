"""The order of execution, drawn as a table.

    0  grants only         somebody gains; nobody can be locked out
    1  new admins          replacements and level changes that make an admin and unmake none
    2  the others          replacements and level changes
    3  revokes only        by now, every grant that may be needed has been made; API tokens alone
    4  own identity        whatever happens to the token happens last

Within a rank by principal, so that the same plan always runs the same way.
"""

from collections.abc import Iterable
from itertools import groupby

from reconciler.domain.plan import Operation, OperationKind
from reconciler.domain.state import Identity

Waves = tuple[tuple[Operation, ...], ...]
"""Operations that may be in flight together, in the order of execution."""


def execution_order(operations: list[Operation], own: Identity) -> tuple[Operation, ...]:
    """Sort operations so that every prefix is as safe as can be."""

    def key(operation: Operation) -> tuple[int, str, str, str]:
        name = operation.name
        return (_rank(operation, own), name.kind, name.key, operation.principal_id or "")

    return tuple(sorted(operations, key=key))


def waves(operations: Iterable[Operation], own: Identity) -> Waves:
    """Group ordered operations into waves: each is over before the next one begins."""
    grouped = groupby(operations, key=lambda operation: _rank(operation, own))
    return tuple(tuple(wave) for _, wave in grouped)


def _rank(operation: Operation, own: Identity) -> int:
    if own.is_of(operation.name, operation.principal_id):
        return 4
    if operation.kind is OperationKind.REVOKE_TOKEN:
        return 3
    if not operation.revokes:
        return 0
    if not operation.grants:
        return 3
    gains = any(change.grant.role.is_admin for change in operation.grants)
    loses = any(change.grant.role.is_admin for change in operation.revokes)
    return 1 if gains and not loses else 2
