"""Scope, role, grant: the parts of the triple (principal, role, scope)."""

from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """The level of a scope; a principal has one at a time (API reference, section 6)."""

    TENANT = "tenant"
    ACCOUNT = "account"
    SITE = "site"

    @property
    def rank(self) -> int:
        """0 for the widest level, 2 for the narrowest."""
        return _RANKS[self]


_RANKS = {Level.TENANT: 0, Level.ACCOUNT: 1, Level.SITE: 2}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a grant applies. The id is the identity; the name is for the reader."""

    level: Level
    id: str
    """Decimal string; empty for the tenant, whose id the API does not document."""
    name: str = field(compare=False)
    """`tenant`, `Account` or `Account/Site`."""
    account_id: str = field(compare=False, default="")
    """The account of a site or the account itself; empty for the tenant or when unknown."""

    @property
    def sort_key(self) -> tuple[int, str, str]:
        """Widest first, then by name, then by id."""
        return (self.level.rank, self.name, self.id)

    def covers(self, other: "Scope") -> bool:
        """Tell whether access here reaches `other` too (access is inherited downwards)."""
        if self.level is Level.TENANT or self == other:
            return True
        return (
            self.level is Level.ACCOUNT
            and other.level is Level.SITE
            and self.id == other.account_id
        )


TENANT = Scope(Level.TENANT, "", "tenant")


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the console. The id is the identity; names are not unique over scopes."""

    id: str
    name: str = field(compare=False)
    owner_level: str = field(compare=False, default="tenant")
    """`tenant`, `account`, `site` or `group`: the level that owns the role."""
    owner_id: str = field(compare=False, default="")
    """Id of the owning account or site; empty at tenant level."""
    predefined: bool = field(compare=False, default=False)
    """True for the console's own roles."""

    @property
    def is_admin(self) -> bool:
        """True for the console's own Admin role (API reference, section 6.1)."""
        return self.predefined and self.name == "Admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held on a scope. Together with its principal it is the triple."""

    scope: Scope
    role: Role

    @property
    def sort_key(self) -> tuple[int, str, str, str, str]:
        """Scope first, then the role by name and id."""
        return (*self.scope.sort_key, self.role.name, self.role.id)

    @property
    def key(self) -> str:
        """The pair of ids as one string, e.g. `site:1640/1650`."""
        return f"{self.scope.level}:{self.scope.id}/{self.role.id}"


def sort_grants(grants: "set[Grant] | frozenset[Grant] | list[Grant]") -> tuple[Grant, ...]:
    """Put grants into their one canonical order."""
    return tuple(sorted(grants, key=lambda grant: grant.sort_key))
