"""The limits a plan is judged by, as `guardrails.yaml` states them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.errors import Place


class Unlisted(StrEnum):
    """What becomes of principals that no policy names."""

    REPORT = "report"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Park:
    """`nothing_left: {role: ..., site: ...}`: the grant somebody keeps who has no other left."""

    role: str
    site: str
    place: Place


class NothingLeft(StrEnum):
    """What becomes of a principal whose last grant ends."""

    REFUSE = "refuse"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PrivilegedRule:
    """Roles that need a window or a reason."""

    roles: tuple[str, ...]
    max_duration: timedelta | None
    require_reason: bool
    standing_allowed: bool
    place: Place


@dataclass(frozen=True, slots=True)
class SeparationRule:
    """Roles that nobody may hold together."""

    name: str
    roles: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class ScopeLimit:
    """Roles that nobody is given on a wider scope than this."""

    roles: tuple[str, ...]
    widest: Level
    """Account or site; a limit at the tenant would be none."""
    place: Place


@dataclass(frozen=True, slots=True)
class Rolling:
    """How many scopes all runs together may take away within some time."""

    max_revokes: int
    over: timedelta


@dataclass(frozen=True, slots=True)
class Override:
    """A named limit lifted until a date, with a reason."""

    rule: str
    """`max_revokes`, `max_revoke_fraction`, `min_admins` or `rolling`."""
    value: float
    reason: str
    until: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Guardrails:
    """All limits; the defaults hold where the file is silent or absent."""

    unlisted: Unlisted = Unlisted.REPORT
    nothing_left: NothingLeft | Park = NothingLeft.REFUSE
    max_revokes: int = 5
    max_revoke_fraction: float = 0.10
    min_admins: int = 2
    admin_seen_within: timedelta | None = timedelta(days=90)
    """An admin who was not seen for longer counts for nothing; None counts whoever can log in."""
    single_sso_allowed: bool = False
    """True when a scope may lose its last admin of the console's own, and rest on SSO alone."""
    rolling: Rolling | None = None
    """None for the default, which follows `max_revokes`."""
    additive_only: bool = False
    """True when no plan may take anything away."""
    scope_limits: tuple[ScopeLimit, ...] = ()
    protected: tuple[PrincipalName, ...] = ()
    privileged: tuple[PrivilegedRule, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    separation_of_duties: tuple[SeparationRule, ...] = ()
    overrides: tuple[Override, ...] = ()
    digest: str = ""
    """SHA-256 of the parsed content; of `{}` when there is no file."""
