"""What roles permit against the pins: a role that was silently turned into admin (T35)."""

from collections.abc import Iterable

from reconciler.domain.access import Role
from reconciler.domain.names import PrincipalName
from reconciler.domain.pins import PinnedRole
from reconciler.domain.plan import Refusal, RoleChange
from reconciler.domain.state import Actual
from reconciler.errors import Place, Problem
from reconciler.planning.judged import Judged, places_of
from reconciler.planning.names import Names
from reconciler.planning.permits import gives_access
from reconciler.planning.pinned import PIN_AGAIN

TOLD = 5
"""So many roles that could not be compared are named."""


def role_changes(names: Names, actual: Actual) -> tuple[RoleChange, ...]:
    """Return every role that permits something else than when pinned, with all who hold it.

    A role whose pages were not read, now or then, is not compared; a notice says so.
    """
    known = {each.role_id: each for each in actual.permissions}
    changed = [
        RoleChange(
            id=role.id,
            name=role.name,
            pinned=pin.digest,
            actual=known[role.id].digest,
            gives_access=role.is_admin or gives_access(known[role.id]),
            holders=_holders(role, actual),
            place=pin.place,
        )
        for pin, role in _pinned(names, actual)
        if pin.digest and role.id in known and known[role.id].digest != pin.digest
    ]
    return tuple(sorted(changed, key=lambda change: (change.name, change.id)))


def pinned_role(judged: Judged) -> Iterable[Refusal]:
    """Nobody is granted a role that permits something else than was agreed to."""
    changes = {change.id: change for change in role_changes(judged.names, judged.actual)}
    for operation in judged.operations:
        granted = {change.grant.role.id for change in operation.grants}
        for role in (changes[id_] for id_ in sorted(granted & changes.keys())):
            yield Refusal(
                "pinned_role",
                f"{operation.name} would get {role.name} (id:{role.id}), which permits something "
                f"else than when it was pinned{_and_now(role)}.",
                f"{PIN_AGAIN}; or put the role right in the console.",
                (*places_of(operation), role.place),
            )


def role_notices(judged: Judged) -> Iterable[Problem]:
    """Tell, at most once, which roles could not be compared; the changed ones the plan has."""
    pins = judged.names.pins
    labels = _uncompared(judged)
    if pins is not None and labels:
        more = f" and {len(labels) - TOLD} more" if len(labels) > TOLD else ""
        yield Problem(
            Place(pins.view.place.file),
            "role-not-compared",
            "What these roles permit was not compared with the pins, because it was not read now "
            f"or when they were pinned: {', '.join(labels[:TOLD])}{more}.",
            "Give the token the permission to view roles; then pin again.",
        )


def _uncompared(judged: Judged) -> list[str]:
    """Return the pinned roles that somebody holds or gets and that could not be compared."""
    actual = judged.actual
    counting = {grant.role for one in actual.principals for grant in one.grants}
    counting |= {each.grant.role for operation in judged.operations for each in operation.grants}
    known = {each.role_id for each in actual.permissions}
    return [
        pin.name
        for pin, role in _pinned(judged.names, actual)
        if role in counting and (pin.digest is None or role.id not in known)
    ]


def _pinned(names: Names, actual: Actual) -> list[tuple[PinnedRole, Role]]:
    """Return every pinned role that the console still has."""
    roles = {role.id: role for role in actual.roles}
    pins = names.pins.roles if names.pins else ()
    return [(pin, roles[pin.id]) for pin in pins if pin.id in roles]


def _holders(role: Role, actual: Actual) -> tuple[PrincipalName, ...]:
    holding = (one for one in actual.principals if any(g.role == role for g in one.grants))
    return tuple(sorted(one.name for one in holding))


def _and_now(role: RoleChange) -> str:
    return ", and now gives power over access itself" if role.gives_access else ""
