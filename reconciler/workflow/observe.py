"""Plan and drift: read the console once and compare. Nothing here can write."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.console.client import ReadClient
from reconciler.console.permissions import read_permissions
from reconciler.console.reader import read_actual
from reconciler.domain.plan import Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan
from reconciler.planning.privileges import roles_to_read

Progress = Callable[[str], None]


def observe(
    wanted: Wanted, client: ReadClient, instant: datetime, progress: Progress
) -> tuple[Plan, Actual]:
    """Read the console once and return the plan, with the state it rests on.

    Which roles matter shows in the plan, so it is made, what they permit is read, and it is made
    again: only what it says about permissions differs, and what guardrails say of that.
    Raises PolicyError when names do not resolve, ConsoleError when the read is not whole.
    """
    actual = read_actual(client, progress)
    plan = make_plan(wanted, actual, instant)
    informed = with_permissions(client, actual, roles_to_read(wanted, actual, plan), progress)
    return (plan if informed == actual else make_plan(wanted, informed, instant)), informed


def roles_for_apply(wanted: Wanted, actual: Actual, instant: datetime) -> frozenset[str]:
    """Return the roles that matter to a plan of all the policies, whatever part is targeted.

    A saved plan may name a target that the policies have dropped since. Raises PolicyError.
    """
    everything = replace(wanted, options=replace(wanted.options, targets=()))
    return roles_to_read(everything, actual, make_plan(everything, actual, instant))


def with_permissions(
    client: ReadClient, actual: Actual, role_ids: Iterable[str], progress: Progress
) -> Actual:
    """Return the state with what these roles permit; ids that the console did not list are left.

    What the console does not tell becomes a note (contract, "The plan"); raises ConsoleError when
    it fails in another way.
    """
    known = {role.id for role in actual.roles}
    found, notes = read_permissions(client, known & set(role_ids), progress)
    return replace(actual, permissions=found, notes=(*actual.notes, *notes))
