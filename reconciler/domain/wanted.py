"""What the files and the command line ask for, in one value."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.ends import End
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Options
from reconciler.domain.policy import Policy
from reconciler.domain.undo import Undo


@dataclass(frozen=True, slots=True)
class Version:
    """The policy as a commit has it, and since when."""

    since: datetime
    """In UTC: no commit of its history is later."""
    policy: Policy


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything a plan depends on beside the console and the time."""

    policy: Policy
    guardrails: Guardrails
    options: Options
    base: Policy | None = None
    """The policy of the base commit: whether this change asks for something rests on it."""
    versions: tuple[Version, ...] = ()
    """Committed policies, newest first: what closing windows rest on without a journal."""
    judged: frozenset[End] | None = None
    """The last end judged for each triple, by the journal; None when it begins only now."""
    applied: frozenset[str] | None = None
    """Digests of the policies that earlier runs applied whole; None without a journal."""
    pins: Pins | None = None
    """What ids and permissions names had when somebody last agreed; None without `pins.yaml`."""
    past_revokes: tuple[datetime, ...] = ()
    """When earlier runs took a scope from somebody, once for each, from the journal, in UTC."""
    undo: Undo | None = None
    """What an earlier run did and is to be undone; the policies then ask for nothing."""
