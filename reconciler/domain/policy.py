"""What the policy files say, checked but not yet resolved against a console.

Names are still names here: `Acme EMEA/Branch-*` becomes sites, and `SOC` a role, only where the
actual state is known (`planning.resolve`).
"""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.errors import Place, Problem


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval of instants, both in UTC; a missing bound is None."""

    start: datetime | None
    end: datetime | None

    def contains(self, instant: datetime) -> bool:
        """Tell whether the window is open at `instant`."""
        return (self.start is None or self.start <= instant) and not self.is_past(instant)

    def is_past(self, instant: datetime) -> bool:
        """Tell whether the window has closed for good at `instant`."""
        return self.end is not None and self.end <= instant

    def overlaps(self, other: "Window") -> bool:
        """Tell whether some instant lies in both windows."""
        return not (_ends_before(self, other) or _ends_before(other, self))


def _ends_before(one: Window, two: Window) -> bool:
    return one.end is not None and two.start is not None and one.end <= two.start


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody named by an assignment, directly or through a group."""

    name: PrincipalName
    place: Place
    """Where the assignment names the person or the group."""
    group: str | None = None
    """The group that brought the person in."""


@dataclass(frozen=True, slots=True)
class ScopeName:
    """A scope as written: tenant, an account, a site, an id or a site glob."""

    level: Level
    text: str
    """`Acme EMEA`, `Acme EMEA/Berlin`, `Acme EMEA/Branch-*`, `id:1640...`; empty for tenant."""
    place: Place

    @property
    def id(self) -> str | None:
        """The id when written as `id:...`."""
        return self.text.removeprefix("id:") if self.text.startswith("id:") else None

    @property
    def is_glob(self) -> bool:
        """True when the site part holds `*` or `?`."""
        return self.id is None and any(char in self.text for char in "*?")


@dataclass(frozen=True, slots=True)
class RoleName:
    """A role as written: `SOC`, `tenant/SOC`, `Account/Triage`, `Account/Site/X` or `id:...`."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Assignment:
    """One entry under `assignments:`: members x one role x scopes of one level."""

    members: tuple[Member, ...]
    role: RoleName
    scopes: tuple[ScopeName, ...]
    place: Place
    window: Window | None = None
    """None for a standing assignment."""
    reason: str | None = None
    replaces_standing: bool = False


@dataclass(frozen=True, slots=True)
class UserEntry:
    """One entry under `users:`: how to invite somebody, or the id somebody must have."""

    name: PrincipalName
    full_name: str | None
    id: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Former:
    """One entry under `former:`: somebody who must hold nothing."""

    name: PrincipalName
    place: Place


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the policy files say, in file order (files sorted by path)."""

    assignments: tuple[Assignment, ...] = ()
    users: tuple[UserEntry, ...] = ()
    former: tuple[Former, ...] = ()
    warnings: tuple[Problem, ...] = field(default=())
    """Findings that do not stop a plan, e.g. somebody named only in a group."""
    digest: str = ""
    """SHA-256 of the parsed content of all files; comments and formatting do not count."""
