"""What `tests.yaml` says about the policies: expectations that somebody can read and a run checks.

Four forms: `nobody` has such access; `everybody` with such access has `only` that; `every` scope
`has` so many holders; `given` a principal, `expect` that role there, or nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.errors import Place


@dataclass(frozen=True, slots=True)
class Who:
    """One entry under `principals:`."""

    text: str
    """An address or `service:` name, either with `*` and `?`; or `group:` and a name."""
    place: Place
    members: frozenset[PrincipalName] | None = None
    """Who is in the group; None when it is none."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which access is meant. What is left out excludes nothing; entries of a list are `or`."""

    principals: tuple[Who, ...] = ()
    roles: tuple[RoleName, ...] = ()
    scopes: tuple[ScopeName, ...] = ()
    """Sites, an account, the tenant, or several of these."""
    standing: bool | None = None
    """True for access without a window, False for access with one."""
    longer_than: timedelta | None = None
    """Windows that last longer; access without a window or without a bound lasts longest."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """No access may be like this."""

    access: Filter


@dataclass(frozen=True, slots=True)
class Everybody:
    """Access like this must be like that too."""

    access: Filter
    only: Filter


@dataclass(frozen=True, slots=True)
class Every:
    """Each of these scopes must have so many holders of a role."""

    scopes: tuple[ScopeName, ...]
    role: RoleName
    at_least: int | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A role on a scope."""

    role: RoleName
    scope: ScopeName


@dataclass(frozen=True, slots=True)
class Given:
    """What one principal has at an instant."""

    principal: Who
    at: datetime | None
    """In UTC; None for the instant of the run."""
    expected: tuple[Expected, ...]
    """All of it must be there; empty for `nothing`."""


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One named expectation."""

    name: str
    place: Place
    rule: Nobody | Everybody | Every | Given
