"""How long a grant lasts, as an earlier run judged it."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Grant, Level
from reconciler.domain.names import PrincipalName

EndKey = tuple[PrincipalName, Level, str, str]


@dataclass(frozen=True, slots=True)
class End:
    """One triple, and until when it lasts: what an apply judged, and keeps on record."""

    name: PrincipalName
    """The one name for all spellings, see `People.canonical`."""
    principal_id: str
    """Empty for somebody who was invited."""
    level: Level
    scope_id: str
    role_id: str
    until: datetime | None
    """In UTC; None for good."""

    @classmethod
    def of(
        cls, name: PrincipalName, principal_id: str, grant: Grant, until: datetime | None
    ) -> "End":
        """Return the end of a grant that somebody holds or is given."""
        scope = grant.scope
        return cls(name, principal_id, scope.level, scope.id, grant.role.id, until)

    @property
    def key(self) -> EndKey:
        """The triple."""
        return (self.name, self.level, self.scope_id, self.role_id)
