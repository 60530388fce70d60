"""Where a token stands, in words: what it does not see may be there all the same."""

from collections.abc import Sequence

from reconciler.domain.access import Level
from reconciler.domain.state import Actual

_NAMED = 3


def stands_at(actual: Actual) -> str:
    """Return where the token stands that a state was read with."""
    level, ids = actual.identity.level, actual.identity.scope_ids
    places = actual.accounts if level is Level.ACCOUNT else actual.sites
    names = {one.id: one.scope.name for one in places}
    return standing(level, sorted(names.get(id_, f"id:{id_}") for id_ in ids))


def standing(level: Level, places: Sequence[str]) -> str:
    """Return `site level (EMEA/Berlin)` and the like: the level and what it stands on."""
    more = len(places) - _NAMED
    listed = ", ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{level} level ({listed})" if listed else f"{level} level"
