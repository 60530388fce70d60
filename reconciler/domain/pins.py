"""What was there when somebody last looked and agreed: `pins.yaml`.

Ids outlive names. With pins, a recycled address, a renamed site and a role that was silently
turned into admin are seen; without them they are not.
"""

from dataclasses import dataclass

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.errors import Place


@dataclass(frozen=True, slots=True)
class PinnedPrincipal:
    """The id that belongs to a name."""

    name: PrincipalName
    id: str
    place: Place


@dataclass(frozen=True, slots=True)
class PinnedScope:
    """The id that belongs to the name of an account or a site."""

    level: Level
    """Account or site."""
    name: str
    """`Account` or `Account/Site`."""
    id: str
    place: Place


@dataclass(frozen=True, slots=True)
class PinnedRole:
    """The id and the permissions that belong to the name of a role."""

    name: str
    """With its owner: `tenant/SOC`, `Acme EMEA/Triage`."""
    id: str
    digest: str | None
    """Digest of what it permits; None when the pages could not be read."""
    place: Place


@dataclass(frozen=True, slots=True)
class PinnedView:
    """How much the token saw."""

    level: Level
    accounts: int
    sites: int
    principals: int
    """Users and service users together."""
    place: Place


@dataclass(frozen=True, slots=True)
class Pins:
    """Everything pinned, each list sorted by name."""

    origin: str
    """The console the pins are about: `https://host[:port]`."""
    view: PinnedView
    principals: tuple[PinnedPrincipal, ...] = ()
    scopes: tuple[PinnedScope, ...] = ()
    roles: tuple[PinnedRole, ...] = ()
