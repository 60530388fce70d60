"""What the files and the command line ask for, in one value."""

from dataclasses import dataclass

from reconciler.domain.guardrails import Guardrails
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
