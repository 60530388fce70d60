"""Plan and drift from a snapshot: no token, no network, and nothing too old (T04)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.domain.plan import Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import Problem, RefusedError
from reconciler.planning.make import make_plan
from reconciler.planning.privileges import roles_to_read
from reconciler.workflow.binding import CLOCK_SKEW

MAX_AGE = timedelta(hours=24)
"""How old a snapshot may be that something is planned from, unless told otherwise."""

_AGAIN = "Take another where the token is: reconciler snapshot --out FILE"


def check_usable(
    actual: Actual,
    taken_at: datetime,
    now: datetime,
    max_age: timedelta,
    consoles: Mapping[str, str],
) -> None:
    """Raise RefusedError when a snapshot is too old, from the future, or of another console.

    `consoles` are the origins it must agree with, each by the words for who names it.
    """
    for who, origin in consoles.items():
        if origin != actual.origin:
            raise RefusedError(
                f"The snapshot is of {actual.origin}, and {who} names {origin}.",
                f"Use a snapshot of that console. {_AGAIN}",
            )
    if taken_at > now + CLOCK_SKEW:
        raise RefusedError(
            f"The snapshot was taken at {_text(taken_at)}, in the future by this machine's clock.",
            f"Set the clock, or: {_AGAIN}",
        )
    if now - taken_at > max_age:
        hours = max_age.total_seconds() / 3600
        raise RefusedError(
            f"The snapshot was taken at {_text(taken_at)} and is older than {hours:.0f} hours.",
            _AGAIN,
        )


def observe_snapshot(
    wanted: Wanted, actual: Actual, instant: datetime, taken_at: datetime
) -> tuple[Plan, Actual]:
    """Return the plan that rests on a snapshot, with the state; its last warning says so.

    The same plan as `observe` makes of the console, but for that warning: it knows of the same
    roles what they permit, and of no others. Raises PolicyError when names do not resolve.
    """
    bare = replace(actual, permissions=())
    plan = make_plan(wanted, bare, instant)
    informed = _informed(actual, roles_to_read(wanted, bare, plan))
    if informed != bare:
        plan = make_plan(wanted, informed, instant)
    warnings = (*plan.warnings, _told(actual, taken_at))
    return replace(plan, warnings=warnings, snapshot=taken_at), informed


def _informed(actual: Actual, role_ids: Iterable[str]) -> Actual:
    asked = {role.id for role in actual.roles} & set(role_ids)
    found = tuple(each for each in actual.permissions if each.role_id in asked)
    missing = len(asked) - len(found)
    roles = "1 role permits" if missing == 1 else f"{missing} roles permit"
    note = f"what {roles} is not in the snapshot, so gains and losses are not told"
    return replace(actual, permissions=found, notes=(*actual.notes, *((note,) if missing else ())))


def _told(actual: Actual, taken_at: datetime) -> Problem:
    return Problem(
        None,
        "from-snapshot",
        f"This rests on a snapshot taken at {_text(taken_at)} by {actual.identity.label}; "
        "the console itself was not asked.",
        "Apply reads the console and refuses what no longer holds.",
    )


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
