"""What the files and the command line ask for, in one value."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.guardrails import Guardrails
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Options
from reconciler.domain.policy import Policy


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything a plan depends on beside the console and the time."""

    policy: Policy
    guardrails: Guardrails
    options: Options
    base: Policy | None = None
    """The policy of the base commit: what is forgiven as judged earlier rests on it."""
    pins: Pins | None = None
    """What ids and permissions names had when somebody last agreed; None without `pins.yaml`."""
    past_revokes: tuple[datetime, ...] = ()
    """When earlier runs took a scope from somebody, once for each, from the journal, in UTC."""
