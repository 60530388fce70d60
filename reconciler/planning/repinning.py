"""Two states of the pins compared: what somebody agrees to by pinning again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deepdiff import DeepDiff

from reconciler.domain.access import Level
from reconciler.domain.pins import Pins

Tree = dict[str, Any]


class Move(StrEnum):
    """What became of one pin. In the order of attention."""

    IDENTITY = "identity"
    """The name has another id: it was given to something else."""
    PERMISSIONS = "permissions"
    """The role permits something else."""
    RENAMED = "renamed"
    """The id has another name."""
    VIEW = "view"
    """The console, or how much of it the token sees."""
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class PinChange:
    """One difference between two states of the pins."""

    move: Move
    kind: str
    """`principal`, `account`, `site`, `role`, or what of the view: `level`, `sites`, `origin`."""
    name: str
    """As pinned before, or the new one where there was none; empty for the view."""
    before: str
    """Id, digest or count; empty where there was none. For RENAMED the id."""
    after: str
    """The same afterwards. For RENAMED the new name."""


def pins_tree(pins: Pins) -> Tree:
    """Return pins as plain data, in the form of the file and without places."""
    return {
        "version": 1,
        "origin": pins.origin,
        "view": {
            "level": pins.view.level.value,
            "accounts": pins.view.accounts,
            "sites": pins.view.sites,
            "principals": pins.view.principals,
        },
        "principals": {pin.name.label: pin.id for pin in pins.principals},
        "accounts": {pin.name: pin.id for pin in pins.scopes if pin.level is Level.ACCOUNT},
        "sites": {pin.name: pin.id for pin in pins.scopes if pin.level is Level.SITE},
        "roles": {
            pin.name: {"id": pin.id} | ({"digest": pin.digest} if pin.digest else {})
            for pin in pins.roles
        },
    }


def pin_changes(before: Pins, after: Pins) -> tuple[PinChange, ...]:
    """Return every difference, the ones that need attention first, then by kind and name.

    Addresses are compared as spelled: a new spelling of a principal is a renamed one.
    """
    diff = DeepDiff(
        pins_tree(before),
        pins_tree(after),
        ignore_private_variables=False,
        # Otherwise an emptied section is reported as one changed value.
        threshold_to_diff_deeper=0,
        view="tree",
    )
    found = [_change(item) for group in diff.values() for item in group]
    found += _changed_under_another_name(before, after)
    ordered = sorted(
        _with_renames(found), key=lambda each: (list(Move).index(each.move), each.kind, each.name)
    )
    return tuple(ordered)


def _change(item: Any) -> PinChange:
    """Turn one DeepDiff item into a change; its path says what it is about."""
    section, *rest = map(str, item.path(output_format="list"))
    before, after = _text(item.t1), _text(item.t2)
    if section in {"origin", "view"}:
        return PinChange(Move.VIEW, rest[0] if rest else section, "", before, after)
    kind, name = section.removesuffix("s"), rest[0]
    if rest[1:] == ["digest"]:
        return PinChange(Move.PERMISSIONS, kind, name, before, after)
    move = Move.IDENTITY if before and after else (Move.REMOVED if before else Move.ADDED)
    return PinChange(move, kind, name, before, after)


def _changed_under_another_name(before: Pins, after: Pins) -> list[PinChange]:
    """Return the roles that permit something else and were renamed as well."""
    then = {pin.id: pin for pin in before.roles}
    return [
        PinChange(Move.PERMISSIONS, "role", pin.name, then[pin.id].digest or "", pin.digest or "")
        for pin in after.roles
        if pin.id in then and then[pin.id].name != pin.name and then[pin.id].digest != pin.digest
    ]


def _text(value: Any) -> str:
    """Return the id of a role and every other value as text; nothing where there is none."""
    if isinstance(value, dict):
        return str(value["id"])
    return str(value) if isinstance(value, str | int) else ""


def _with_renames(changes: list[PinChange]) -> list[PinChange]:
    """Join what was removed under one name and added under another with the same id."""
    added = {(each.kind, each.after): each for each in changes if each.move is Move.ADDED}
    joined = []
    for each in changes:
        now = added.get((each.kind, each.before)) if each.move is Move.REMOVED else None
        if now is not None:
            joined.append(PinChange(Move.RENAMED, each.kind, each.name, each.before, now.name))
    gone = {(each.kind, each.before) for each in joined}
    return [
        *joined,
        *(
            each
            for each in changes
            if each.move not in {Move.ADDED, Move.REMOVED}
            or (each.kind, each.after or each.before) not in gone
        ),
    ]
