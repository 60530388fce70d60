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
    return sorted(operations, key=lambda operation: min(map(attention, operation["changes"])))


def attention(change: Tree) -> tuple[int, int]:
    """Return the sort key of one change: its risk, then how wide its scope is."""
    return RISKS.index(change["risk"]), LEVELS.index(change["scope"]["level"])


def worst(operation: Tree) -> str:
    """Return the highest risk among the changes of one operation."""
    return min((str(change["risk"]) for change in operation["changes"]), key=RISKS.index)
