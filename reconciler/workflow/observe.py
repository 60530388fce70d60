"""Plan and drift: read the console once and compare. Nothing here can write."""

from collections.abc import Callable
from datetime import datetime

from reconciler.console.client import ReadClient
from reconciler.console.reader import read_actual
from reconciler.domain.plan import Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan

Progress = Callable[[str], None]


def observe(
    wanted: Wanted, client: ReadClient, instant: datetime, progress: Progress
) -> tuple[Plan, Actual]:
    """Read the console once and return the plan, with the state it rests on.

    Raises PolicyError when names do not resolve, ConsoleError when the read is not whole.
    """
    actual = read_actual(client, progress)
    return make_plan(wanted, actual, instant), actual
