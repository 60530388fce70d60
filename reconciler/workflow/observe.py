"""Plan and drift: read the files, read the console, compare. Nothing here can write."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from reconciler.console.client import ReadClient
from reconciler.console.reader import read_actual
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.plan import Options, Plan
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.planning.make import Inputs, make_plan

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files and the command line ask for."""

    policy: Policy
    guardrails: Guardrails
    options: Options


def observe(
    wanted: Wanted, client: ReadClient, instant: datetime, progress: Progress
) -> tuple[Plan, Actual]:
    """Read the console once and return the plan, with the state it rests on.

    Raises PolicyError when names do not resolve, ConsoleError when the read is not whole.
    """
    actual = read_actual(client, progress)
    return plan_for(wanted, actual, instant), actual


def plan_for(wanted: Wanted, actual: Actual, instant: datetime) -> Plan:
    """Compute the plan for a state already read."""
    return make_plan(Inputs(wanted.policy, wanted.guardrails, actual, instant, wanted.options))
