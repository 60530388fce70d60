"""Every field of a plan reaches its machine form; a new one breaks this before it is forgotten."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from builders import NOW

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.instants import instant_text
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission
from reconciler.domain.plan import (
    Change,
    Coming,
    Commit,
    Effect,
    Holding,
    Operation,
    Options,
    Plan,
    PlannedRole,
    Refusal,
    RoleChange,
    UndoOf,
    UnlistedPrincipal,
)
from reconciler.domain.policy import Window
from reconciler.errors import Place, Problem
from reconciler.rendering.tree import plan_tree

LAWFUL = (
    Plan,
    Operation,
    Change,
    Coming,
    Commit,
    Effect,
    Holding,
    Permission,
    PlannedRole,
    Refusal,
    RoleChange,
    UnlistedPrincipal,
    Options,
    UndoOf,
    Window,
    Place,
    Problem,
    PrincipalName,
    Grant,
    Scope,
    Role,
)
"""Every class of which a plan is made."""

UNTOLD = {
    "PrincipalName.key": "how names compare; `name` shows the spelling of the files",
    "Scope.account_id": "the name of a site starts with its account",
    "Plan.taken": "what the journal keeps for the limits; the guardrails have counted it already",
    "Permission.identifier": "the title stands for it; the digest of the role knows it",
    "Operation.taken": "for the journal; the revokes and what is held afterwards show it",
    "Operation.note": "for the journal; what is asked for by hand is in no saved plan",
    "Role.owner_level": "how a role was found; its id says which one it is",
    "Role.owner_id": "as owner_level",
    "Role.predefined": "tells in `risk`",
}
"""Fields that the machine form leaves out, and why."""

_THE_JOURNAL_S = (Plan, "ends")
"""What an apply judged, for the journal alone; the policies say it too."""

FIELDS = [
    (kind, field.name)
    for kind in LAWFUL
    for field in fields(kind)
    if (kind, field.name) != _THE_JOURNAL_S
]


@pytest.mark.parametrize(
    ("kind", "field"), FIELDS, ids=lambda part: getattr(part, "__name__", part)
)
def test_every_field_of_a_plan_is_in_the_machine_form(
    kind: type, field: str, full: Callable[[str], Plan]
) -> None:
    made = full("x")
    changed = with_other(made, kind, field)
    assert made != changed or f"{kind.__name__}.{field}" in _NOT_COMPARED

    is_told = plan_tree(made, "1") != plan_tree(changed, "1")

    assert is_told is (f"{kind.__name__}.{field}" not in UNTOLD)


def test_the_law_covers_every_class_that_a_plan_is_made_of(full: Callable[[str], Plan]) -> None:
    assert {type(part) for part in parts(full("x"))} == set(LAWFUL)


def test_the_version_of_the_tool_is_evidence(full: Callable[[str], Plan]) -> None:
    assert plan_tree(full("x"), "9.9")["evidence"]["tool_version"] == "9.9"


def test_instants_are_told_in_utc() -> None:
    assert instant_text(NOW) == "2026-11-22T09:00:00Z"
    assert instant_text(NOW + timedelta(microseconds=5)) == "2026-11-22T09:00:00.000005Z"


def test_targets_are_told_in_one_order(full: Callable[[str], Plan]) -> None:
    names = (PrincipalName.user("b@acme.example"), PrincipalName.user("a@acme.example"))
    made = full("x")

    one = plan_tree(replace(made, options=Options(names)), "1")
    two = plan_tree(replace(made, options=Options(names[::-1])), "1")

    assert one == two


_NOT_COMPARED = {
    f"{kind.__name__}.{field.name}"
    for kind in LAWFUL
    for field in fields(kind)
    if not field.compare
}


def parts(value: Any) -> Iterator[Any]:
    """Every dataclass instance inside a value, itself included."""
    if isinstance(value, tuple):
        for item in value:
            yield from parts(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from parts(getattr(value, field.name))


def with_other(value: Any, kind: type, field: str) -> Any:
    """The value with one field of every instance of a class changed."""
    if isinstance(value, tuple):
        return tuple(with_other(item, kind, field) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    inner = {f.name: with_other(getattr(value, f.name), kind, field) for f in fields(value)}
    if isinstance(value, kind):
        inner[field] = other(inner[field])
    return replace(value, **inner)


def other(value: Any) -> Any:
    """Another value of the same type; of a class, one with another first field."""
    match value:
        case None | bool():
            changed: Any = None if value is None else not value
        case Enum():
            members = list(type(value))
            changed = members[(members.index(value) + 1) % len(members)]
        case str():
            changed = value + "y"
        case int():
            changed = value + 1
        case datetime():
            changed = value + timedelta(hours=1)
        case tuple():
            changed = ()
        case _:
            changed = with_other(value, type(value), fields(value)[0].name)
    return changed
