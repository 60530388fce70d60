"""A saved plan: what its file binds an apply to."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Holding, Options, PlannedRole


@dataclass(frozen=True, slots=True)
class SavedOperation:
    """What tells one operation of a plan file from every other; the rest of it is for reading."""

    name: PrincipalName
    principal_id: str | None
    after: Holding | None
    precondition: str
    revokes_token: bool = False


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a plan file binds an apply to; everything else in the file is for reading."""

    content_digest: str
    policy_digest: str
    guardrails_digest: str
    origin: str
    account_ids: tuple[str, ...]
    view_level: Level
    view_sites: int
    instant: datetime
    options: Options
    operations: tuple[SavedOperation, ...] = ()
    roles: tuple[PlannedRole, ...] = ()
    tool_version: str = ""
    """Of the product that planned; its major version must be ours."""
