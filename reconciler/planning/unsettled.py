"""Whom an apply leaves as they are although the policies ask for something else. Pure.

On record, so that a later run of the clock does not take them for settled: a plan that was reviewed
before a window closed says nothing of that end, and an apply of it does not make it so.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options, Plan
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.planning.make import make_plan

Unsettled = Mapping[PrincipalName, datetime | None]
"""Who is left -> the instant of a saved plan after which a window of theirs began or ended; None
when nothing is known to have happened since the run before."""


def unsettled(
    wanted: Wanted, actual: Actual, executed: Plan, planned: datetime, now: datetime
) -> Unsettled:
    """Return whom a plan leaves, by name, when what was planned at one instant is done at another.

    What an undo leaves is what somebody asked for; nothing is known of it here.
    """
    if wanted.undo:
        return {}
    whole = make_plan(replace(wanted, options=Options()), actual, now)
    done = {(one.name, one.principal_id): (one.kind, one.after) for one in executed.operations}
    left = [
        one
        for one in whole.operations
        if done.get((one.name, one.principal_id)) != (one.kind, one.after)
    ]
    return {
        one.name: planned
        if has_bound(wanted.policy, one.name, one.principal_id, since=planned, until=now)
        else None
        for one in sorted(left, key=lambda each: each.name)
    }


def has_bound(
    policy: Policy,
    name: PrincipalName,
    principal_id: str | None,
    *,
    since: datetime | None,
    until: datetime,
) -> bool:
    """Tell whether a window of somebody began or ended after one instant, and by another."""
    names = {name.key, f"id:{principal_id}"}
    bounds = (
        bound
        for each in policy.assignments
        if each.window and any(member.name.key in names for member in each.members)
        for bound in (each.window.start, each.window.end)
    )
    return any(bound and (since is None or since < bound) and bound <= until for bound in bounds)
