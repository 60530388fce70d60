"""Who looked at a run before it wrote: evidence for the journal, taken from the code host."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Trigger(StrEnum):
    """Why a run in CI was started."""

    REQUEST = "request"
    """A pull request was opened, or got new commits."""
    PUSH = "push"
    SCHEDULE = "schedule"
    DISPATCH = "dispatch"
    """Somebody started it by hand."""
    OTHER = "other"
    """What this product is not started by; a host may know runs of other workflows."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's standing approval; a later rejection or dismissal by the same person ends it."""

    by: str
    commit: str
    """The head that was approved; empty where the host does not say."""
    at: datetime | None = None
    """When, with a time zone; None where the host does not say."""


@dataclass(frozen=True, slots=True)
class Review:
    """What led to a run in CI. What does not apply is empty."""

    trigger: str
    """`push`, `schedule` or `dispatch`."""
    commit: str
    """The commit of the protected branch whose policies are applied."""
    run: str = ""
    """Address of the run on the code host."""
    started_by: str = ""
    """Who pushed, or started the run by hand."""
    request: str = ""
    """Number of the pull request that brought the commit."""
    url: str = ""
    head: str = ""
    """The last commit of the pull request: what the reviewed plan was made from."""
    author: str = ""
    merged_by: str = ""
    skipped: str = ""
    """The first commit before this one whose policies nobody has applied; empty when there is none.
    Then this run's policies were not reviewed as a whole, and the clock does not go on from it."""
    approvals: tuple[Approval, ...] = ()
