"""A token that sees less than when pinned must not look like "everybody left" (T49)."""

from collections.abc import Iterable, Iterator

from reconciler.domain.access import Level
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Refusal
from reconciler.domain.state import Actual
from reconciler.planning.judged import Judged, places_of


def view(judged: Judged) -> Iterable[Refusal]:
    """Nothing is taken away while the token sees less than the pins say it should."""
    pins = judged.names.pins
    taking = [operation for operation in judged.operations if operation.revokes]
    if pins is None or not taking:
        return
    shrunk = list(_shrunk(pins, judged.actual))
    if shrunk:
        places = {place for operation in taking for place in places_of(operation)}
        yield Refusal(
            "view",
            f"The token sees less than when pinned: {'; '.join(shrunk)}. What looks gone may only "
            "be out of sight, so nothing is taken away.",
            "Use the token that was pinned, or --no-revokes; if this is what is there now, agree "
            "to it with `reconciler pin`.",
            (pins.view.place, *sorted(places)),
        )


def _shrunk(pins: Pins, actual: Actual) -> Iterator[str]:
    """Say every way in which the view is narrower than the pinned one."""
    then = pins.view
    if actual.identity.level.rank > then.level.rank:
        yield f"it stands at {actual.identity.level} level, then at {then.level} level"
    counts = (("accounts", actual.accounts, then.accounts), ("sites", actual.sites, then.sites))
    for what, seen, count in counts:
        if len(seen) < count:
            yield f"{len(seen)} of {count} {what}"
    there = {account.id for account in actual.accounts}
    gone = [p for p in pins.scopes if p.level is Level.ACCOUNT and p.id not in there]
    if gone:
        yield f"without the account{'s' if len(gone) > 1 else ''} {', '.join(p.name for p in gone)}"
    if len(actual.principals) * 2 < then.principals:
        yield f"{len(actual.principals)} of {then.principals} principals"
