"""What a reader should see first."""

from collections.abc import Iterable
from typing import Any

Tree = dict[str, Any]

RISKS = ("high", "medium", "low")
"""Worst first."""
LEVELS = ("tenant", "account", "site")
"""Widest first."""


def worst_first(operations: Iterable[Tree]) -> list[Tree]:
    """Return operations by their worst change: admin of the tenant, then of an account, the rest.

    Equals keep the order of execution.
    """
    return sorted(operations, key=_of_operation)


def attention(change: Tree) -> tuple[int, int]:
    """Return the sort key of one change: its risk, then how wide its scope is."""
    return RISKS.index(change["risk"]), LEVELS.index(change["scope"]["level"])


def worst(operation: Tree) -> str:
    """Return the highest risk among the changes of one operation."""
    return RISKS[_of_operation(operation)[0]]


def _of_operation(operation: Tree) -> tuple[int, int]:
    """Return the key of the worst change; a token alone that must not be there is no small thing.

    It works past the second factor, for somebody who has left (API reference, section 1.1).
    """
    return min(map(attention, operation["changes"]), default=(RISKS.index("high"), len(LEVELS)))
