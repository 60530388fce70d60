"""What a run did, as its own journal tells it: what a plan that undoes it is made of."""

from dataclasses import dataclass

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import UndoOf


@dataclass(frozen=True, slots=True)
class Entries:
    """What somebody held, by ids."""

    level: Level
    pairs: frozenset[tuple[str, str]]
    """Scope id and role id; the tenant's scope id is empty."""


@dataclass(frozen=True, slots=True)
class Done:
    """One operation that was applied."""

    name: PrincipalName
    id: str
    """Empty for an invitation whose answer never told the new id."""
    before: Entries | None
    """None for an invitation."""
    after: Entries | None
    """None for a deletion."""
    closed: frozenset[tuple[str, str]] = frozenset()
    """Pairs that the run took away because their window had closed."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Everything that one run applied."""

    of: UndoOf
    origin: str
    """The console it wrote to."""
    done: tuple[Done, ...]
    """In the order of the record."""
    open: tuple[PrincipalName, ...]
    """Whose outcome is unknown or was never recorded; nobody knows what there is to undo."""
    digest: str
    """Of all the above; stands where a plan of the policies has the digest of their files."""
    changed: tuple[PrincipalName, ...] = ()
    """Who held something else than before and than intended, when a later run looked."""
