"""The desired state: the policy resolved against one console, at one instant."""

from dataclasses import dataclass

from reconciler.domain.access import Grant
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Window
from reconciler.domain.state import Principal
from reconciler.errors import Place, Problem


@dataclass(frozen=True, slots=True)
class DesiredGrant:
    """One triple the policy asks for, with everything that asks for it."""

    grant: Grant
    places: tuple[Place, ...]
    window: Window | None = None
    """How long it lasts without a break; None when standing."""
    reason: str | None = None
    """The `reason:` of the assignment."""
    glob: str | None = None
    """The pattern that found the site, when only patterns did."""


@dataclass(frozen=True, slots=True)
class DesiredPrincipal:
    """What one managed principal must have: exactly this, and nothing else."""

    name: PrincipalName
    principal: Principal | None
    """The console's record; None when somebody is to be invited or was never there."""
    in_force: tuple[DesiredGrant, ...] = ()
    """Standing grants and open windows at the instant, one role per scope, one level."""
    asked: tuple[DesiredGrant, ...] = ()
    """Everything asked for from the instant on, coming windows too, one entry a span."""
    closed: frozenset[tuple[Grant, Window]] = frozenset()
    """Triples whose window has closed, with that window."""
    ends_empty: Window | None = None
    """A coming or open window after whose end nothing would be in force."""
    former: bool = False
    listed: bool = True
    """False for a principal that no policy names, under `unlisted: revoke`."""
    full_name: str | None = None
    """For an invitation."""
    places: tuple[Place, ...] = ()
    """Where the files name the principal."""


@dataclass(frozen=True, slots=True)
class Desired:
    """Every managed principal, sorted by name, and those that no policy names."""

    principals: tuple[DesiredPrincipal, ...]
    unlisted: tuple[Principal, ...]
    warnings: tuple[Problem, ...] = ()
