"""What a role permits: the granted entries of its permission pages."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.domain.digest import digest


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One thing a role permits. Page and identifier are the identity; the title is for people."""

    page: str
    """Name of the page, e.g. `Users`."""
    identifier: str
    """The console's word for it, e.g. `Users.view` (API reference, section 5.3)."""
    title: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class RolePermissions:
    """Everything one role permits, as `GET /rbac/role/{id}` told it."""

    role_id: str
    granted: tuple[Permission, ...]
    """Sorted; what the pages list but do not grant is left out."""

    @property
    def digest(self) -> str:
        """SHA-256 of what is granted; titles, which the console words anew, do not count."""
        return digest([[each.page, each.identifier] for each in sorted(self.granted)])


def by_page(permissions: Iterable[Permission]) -> dict[str, list[str]]:
    """Return page -> titles, both sorted: the form in which people read permissions."""
    pages: dict[str, list[str]] = {}
    for each in sorted(permissions):
        pages.setdefault(each.page, []).append(each.title or each.identifier)
    return pages
