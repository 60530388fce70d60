"""Both indexes of one console's names: people, and scopes with roles."""

from dataclasses import dataclass

from reconciler.domain.pins import Pins
from reconciler.domain.state import Actual
from reconciler.planning.catalog import Catalog
from reconciler.planning.people import People


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean on one console."""

    catalog: Catalog
    people: People
    pins: Pins | None = None
    """What the names meant when somebody last agreed; None without `pins.yaml`."""

    @classmethod
    def of(cls, actual: Actual, pins: Pins | None = None) -> "Names":
        """Index the names of a console, and what they meant when they were pinned."""
        return cls(Catalog(actual, pins), People(actual), pins)
