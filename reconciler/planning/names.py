"""Both indexes of one console's names: people, and scopes with roles."""

from dataclasses import dataclass

from reconciler.domain.state import Actual
from reconciler.planning.catalog import Catalog
from reconciler.planning.people import People


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean on one console."""

    catalog: Catalog
    people: People

    @classmethod
    def of(cls, actual: Actual) -> "Names":
        """Index the names of a console."""
        return cls(Catalog(actual), People(actual))
