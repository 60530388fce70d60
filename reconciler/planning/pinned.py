"""Names of scopes and roles against the pins: what bears a name now, and bore it when pinned.

Ids outlive names. What was renamed is still meant by its old name, with a warning; a name that was
given to something else is a problem, never a guess (T35).
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from reconciler.domain.access import Level, Role, Scope
from reconciler.domain.pins import PinnedRole, PinnedScope, Pins
from reconciler.domain.state import Account, Site
from reconciler.errors import Place, PolicyError, Problem

PIN_AGAIN = "Look at what happened; then agree to it with `reconciler pin`"

_T = TypeVar("_T", Account, Site)


def check_origin(pins: Pins | None, origin: str) -> None:
    """Raise PolicyError when the pins are about another console than the one read."""
    if pins is not None and pins.origin != origin:
        raise PolicyError(
            (
                Problem(
                    Place(pins.view.place.file),
                    "other-console",
                    f"The pins are about {pins.origin}, and this console is {origin}.",
                    "Point SENTINELONE_URL at the console that was pinned; or, if the policies "
                    "are for this one, write the pins anew with `reconciler pin`.",
                ),
            )
        )


class PinnedNames:
    """The pins of accounts, sites and roles, by name. Without pins it knows nothing."""

    def __init__(self, pins: Pins | None) -> None:
        self._scopes = {(pin.level, pin.name): pin for pin in pins.scopes} if pins else {}
        self._roles: dict[str, list[PinnedRole]] = {}
        for pin in pins.roles if pins else ():
            for text in (pin.name, pin.name.rpartition("/")[2]):
                self._roles.setdefault(text, []).append(pin)

    def scope(self, level: Level, name: str) -> PinnedScope | None:
        """Return the pin of an account or a site by its name."""
        return self._scopes.get((level, name))

    def roles(self, text: str) -> tuple[PinnedRole, ...]:
        """Return the pins of every role that may be written like this, with owner or without."""
        return tuple(self._roles.get(text, ()))


def meant(
    pin: PinnedScope | None, usable: list[_T], known: Mapping[str, _T], place: Place
) -> list[_T] | Problem:
    """Return the accounts or sites that a name means, its pin considered.

    `usable` bear the name now; `known` are all of their kind by id. Several stay several: the
    pin decides nothing that the name leaves open.
    """
    if pin is None:
        return usable
    pinned = known.get(pin.id)
    if not usable:
        return [pinned] if pinned is not None and pinned.state != "deleted" else []
    if any(one.id == pin.id for one in usable):
        return usable
    now = f'; that one is called "{pinned.scope.name}" now' if pinned else ""
    return Problem(
        place,
        "identity-changed",
        f'The {pin.level} "{pin.name}" has the id {usable[0].id} on the console, not the pinned '
        f"{pin.id} ({pin.place}){now}: the name was given to something else.",
        f"{PIN_AGAIN}, or write the one that is meant as id:{pin.id}.",
    )


def meant_roles(
    pins: Iterable[PinnedRole],
    assignable: list[Role],
    reachable: Mapping[str, Role],
    scope: Scope,
    place: Place,
) -> list[Role] | Problem:
    """Return the roles that a name means on a scope, its pins considered.

    `assignable` bear the name now; `reachable` are the pinned ones that can be assigned there.
    A pinned role that the console no longer has counts by the owner in its name.
    """
    known = {pin.id: pin for pin in pins if pin.id in reachable or _was_reachable(pin, scope)}
    if not known or len(assignable) > 1:
        return assignable
    if not assignable:
        return [reachable[id_] for id_ in known if id_ in reachable]
    role = assignable[0]
    if role.id in known:
        return assignable
    pin = next(iter(known.values()))
    now = f'; that one is called "{reachable[pin.id].name}" now' if pin.id in reachable else ""
    return Problem(
        place,
        "identity-changed",
        f'The role "{role.name}" on {scope.name} has the id {role.id} on the console, not the '
        f"pinned {pin.id} ({pin.place}){now}: the name was given to something else.",
        f"{PIN_AGAIN}, or write the one that is meant as id:{pin.id}.",
    )


def _was_reachable(pin: PinnedRole, scope: Scope) -> bool:
    owner = pin.name.rpartition("/")[0]
    return owner in {"tenant", scope.name} or scope.name.startswith(f"{owner}/")
