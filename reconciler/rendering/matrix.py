"""Who would hold what where: principals x scopes, before and after, from the machine form."""

from dataclasses import dataclass
from typing import Any

from reconciler.rendering.attention import worst_first

Tree = dict[str, Any]
Key = tuple[str, str]
"""Level and id of a scope."""

_LEVELS = ("tenant", "account", "site")


@dataclass(frozen=True, slots=True)
class Cell:
    """What counts for one principal on one scope. Roles as `{"id", "name"}`."""

    before: tuple[Tree, ...] = ()
    after: tuple[Tree, ...] = ()
    is_inherited: bool = False
    """True when what counts after comes from a wider scope than this one."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows are the operations of a plan, worst first; columns are scopes, widest first."""

    scopes: tuple[Tree, ...]
    rows: tuple[tuple[Tree, tuple[Cell, ...]], ...]
    """(operation, one cell for each scope)."""
    unchanged: int
    """How many further scopes are held, on which the plan writes nothing for any of these."""


def matrix(tree: Tree) -> Matrix:
    """Return the matrix of a plan: every scope on which it grants or revokes for somebody.

    A scope that only inherits from one of these is no column, but what is inherited counts in
    the cells.
    """
    operations = worst_first(tree["operations"])
    scopes = {
        _key(change["scope"]): change["scope"]
        for operation in operations
        for change in operation["changes"]
    }
    columns = sorted(scopes, key=lambda key: _order(scopes[key]))
    cells = [_cells(operation) for operation in operations]
    rows = (tuple(each.get(key, Cell()) for key in columns) for each in cells)
    return Matrix(
        tuple(scopes[key] for key in columns),
        tuple(zip(operations, rows, strict=True)),
        len({key for operation in operations for key in _written(operation["before"])} - {*scopes}),
    )


def _cells(operation: Tree) -> dict[Key, Cell]:
    """Return what is written on each scope, or what counts there where the plan tells that."""
    before, after = _written(operation["before"]), _written(operation["after"])
    cells = {key: Cell(before.get(key, ()), after.get(key, ())) for key in before | after}
    for effect in operation["effects"]:
        given, counts = ((role,) if role else () for role in (effect["before"], effect["after"]))
        for key in map(_key, effect["scopes"]):
            cells[key] = Cell(given, counts, is_inherited=bool(counts) and key not in after)
    return cells


def _written(holding: Tree | None) -> dict[Key, tuple[Tree, ...]]:
    written: dict[Key, tuple[Tree, ...]] = {}
    for grant in holding["grants"] if holding else ():
        key = _key(grant["scope"])
        written[key] = (*written.get(key, ()), grant["role"])
    return written


def _key(scope: Tree) -> Key:
    return (scope["level"], scope["id"])


def _order(scope: Tree) -> tuple[int, str, str]:
    return (_LEVELS.index(scope["level"]), scope["name"], scope["id"])
