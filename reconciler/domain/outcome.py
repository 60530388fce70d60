"""What became of each operation of an apply."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.plan import Operation


class Result(StrEnum):
    """How one operation ended."""

    APPLIED = "applied"
    """Written, and the read-back shows it."""
    CONFLICT = "conflict"
    """Somebody changed the principal since the plan; nothing was written."""
    FAILED = "failed"
    """The console said no, or was not asked; nothing was written, but see `Outcome.token`."""
    UNKNOWN = "unknown"
    """It may have happened: no good answer came, or a reading shows something else by now."""
    NOT_ATTEMPTED = "not attempted"
    """The run stopped before this operation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One operation and what became of it."""

    operation: Operation
    result: Result
    detail: str = ""
    """For the reader: what the console said, or how the state was confirmed."""
    created_id: str | None = None
    """The id the console gave to an invited user."""
    token: Result | None = None
    """How the revocation of the API token ended that came first; None when none was asked for."""
    remains: str = ""
    """Why an API token may be left that should have been revoked; empty when none is."""
