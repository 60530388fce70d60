"""Who is behind a name: principals against the pins (T32 to T34).

An address or a service user's name is all that the policies know of somebody. Nothing is granted
to, or taken from, somebody else than was agreed: every change of identity is a problem.
"""

from collections.abc import Iterable

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.pins import PinnedPrincipal, Pins
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Place, Problem
from reconciler.planning.pinned import PIN_AGAIN

TOLD = 5
"""So many of those who are not pinned are named."""


def identities(policy: Policy, actual: Actual, pins: Pins | None) -> Iterable[Problem]:
    """Report every managed principal whose name and pinned id have come apart (T34).

    Whoever has an id under `users:` is judged by that one, which is how a policy agrees.
    """
    if pins is None:
        return
    pinned = {pin.name: pin for pin in pins.principals}
    by_id = {principal.id: principal for principal in actual.principals}
    by_name: dict[PrincipalName, list[Principal]] = {}
    for principal in actual.principals:
        by_name.setdefault(principal.name, []).append(principal)
    own_id = {entry.name for entry in policy.users if entry.id is not None}
    for name, place in _named(policy).items():
        pin = pinned.get(name)
        found = by_name.get(name, [])
        if pin is None or name in own_id or any(one.id == pin.id for one in found):
            continue
        if found:
            yield _given_away(pin, found[0], by_id.get(pin.id), place)
        elif pin.id in by_id:
            yield _renamed(pin, by_id[pin.id], place)


def departed_pins(policy: Policy, actual: Actual, pins: Pins | None) -> Iterable[Problem]:
    """Point out everybody who is to hold something and whose pinned id left the console."""
    if pins is None or actual.identity.level is not Level.TENANT:
        # Whom a narrow token does not see may be there all the same.
        return
    there = {principal.id for principal in actual.principals}
    names = {principal.name for principal in actual.principals}
    assigned = {member.name for entry in policy.assignments for member in entry.members}
    for pin in pins.principals:
        if pin.id not in there and pin.name not in names and pin.name in assigned:
            yield Problem(
                pin.place,
                "pinned-gone",
                f'"{pin.name}", pinned to the id {pin.id}, is no longer on the console.',
                "Whoever is invited under this address is somebody new to the console; pin again "
                "afterwards.",
            )


def unpinned(managed: Iterable[Principal], pins: Pins | None) -> Iterable[Problem]:
    """Say how many managed principals have no pin, so that a recycled name would not be seen."""
    if pins is None:
        return
    ids = {pin.id for pin in pins.principals}
    labels = sorted(one.name.label for one in managed if one.id not in ids)
    if labels:
        count = (
            "1 managed principal is"
            if len(labels) == 1
            else f"{len(labels)} managed principals are"
        )
        more = f" and {len(labels) - TOLD} more" if len(labels) > TOLD else ""
        yield Problem(
            Place(pins.view.place.file),
            "not-pinned",
            f"{count} not pinned: {', '.join(labels[:TOLD])}{more}.",
            "Pin them with `reconciler pin`; until then a recycled name goes unseen.",
        )


def _named(policy: Policy) -> dict[PrincipalName, Place]:
    """Return everybody named by an assignment or as former, with the first place."""
    named = [(one.name, one.place) for entry in policy.assignments for one in entry.members]
    named += [(one.name, one.place) for one in policy.former]
    places: dict[PrincipalName, Place] = {}
    for name, place in named:
        places[name] = min(places.get(name, place), place)
    return places


def _given_away(
    pin: PinnedPrincipal, now: Principal, before: Principal | None, place: Place
) -> Problem:
    told = f"; that one is {before.name} now" if before else ""
    return Problem(
        place,
        "identity-changed",
        f'"{pin.name}" has the id {now.id} on the console, not the pinned {pin.id} '
        f"({pin.place}){told}: the name belongs to somebody else.",
        f"{PIN_AGAIN}{_or_write(pin, now.id)}.",
    )


def _renamed(pin: PinnedPrincipal, now: Principal, place: Place) -> Problem:
    return Problem(
        place,
        "identity-changed",
        f'"{pin.name}", pinned to the id {pin.id} ({pin.place}), is called "{now.name}" on the '
        "console now.",
        f"{PIN_AGAIN}; if it is the same principal, write {now.name.label} in the policies.",
    )


def _or_write(pin: PinnedPrincipal, id_: str) -> str:
    """Offer the other way to agree, which exists for people only."""
    if pin.name.kind is PrincipalKind.SERVICE:
        return f", or write service:id:{id_}"
    return f', or under `users:` write {pin.name.label}: {{id: "{id_}"}}'
