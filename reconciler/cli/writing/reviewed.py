"""From a saved plan to what of it may be executed now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler import __version__
from reconciler.documents.plan_file import saved_plan
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Operation, Plan, Refusal
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode, RefusedError
from reconciler.planning.intersection import OVER, LeftOut, left_out
from reconciler.planning.make import make_plan
from reconciler.rendering.tree import decided_part, differing, plan_tree, principals_of
from reconciler.workflow.binding import (
    Bound,
    Compared,
    check_binding,
    check_surroundings,
    due_now,
    plan_again,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The plan to execute, and what of the saved one is left out of it."""

    plan: Plan
    left_out: tuple[LeftOut, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """What stands against the rest of what is due, while this part is carried out."""
    is_partial: bool = False
    """Whether something of it is left out that was asked for whole."""

    @property
    def code(self) -> int:
        """The exit code of a run of it that does all it can."""
        if self.is_partial:
            return ExitCode.PARTIAL
        return ExitCode.REFUSED if self.refusals else ExitCode.DONE

    @property
    def missing(self) -> int:
        """How many operations are left out that are not done already."""
        return sum(not one.is_done for one in self.left_out)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A saved plan as somebody reviewed it, and how closely it binds."""

    file: dict[str, Any]
    """Its machine form, as `read_plan_file` returns it."""
    only_planned: bool = False
    """Do what of it still holds, rather than refuse."""
    bound: Bound = Bound.WHOLLY


def reviewed_plan(wanted: Wanted, actual: Actual, reviewed: Reviewed, now: datetime) -> Decision:
    """Return what of a saved plan is to be executed at this instant.

    Raises RefusedError when it is no longer what would be done, or never was; with `only_planned`
    only when time, accounts or view forbid all of it.
    """
    if reviewed.only_planned:
        return _intersection(wanted, actual, reviewed, now)
    if reviewed.bound is Bound.BY_CONTENT:
        # Another merge, or an earlier attempt at this one, may have done some of it already.
        part = _intersection(wanted, actual, reviewed, now)
        if part.left_out and all(one.is_done or one.why == OVER for one in part.left_out):
            return part
    file = reviewed.file
    saved = saved_plan(file)
    planned = _planned(file)
    recomputed = make_plan(wanted, actual, saved.instant, only=planned)
    tree, derived = _comparable(wanted, actual, file, recomputed)
    moved = differing(file, tree, derived=derived)
    names = _names(moved, file, tree)
    left = left_out(saved.operations, recomputed.operations, recomputed.operations, names, actual)
    check_binding(Compared(saved, recomputed, moved, left), now, reviewed.bound)
    if decided_part(tree, derived=derived) != decided_part(file, derived=derived):
        who = ", ".join(moved)
        raise RefusedError(
            f"The saved plan shows something else than it would do{' for ' * bool(who)}{who}: "
            "it was edited, or what it shows beside the grants has moved.",
            plan_again(holds_in_part=len(left) < len(saved.operations)),
        )
    at_now = make_plan(wanted, actual, now, only=planned)
    due = due_now(recomputed.operations, at_now.operations)
    executed = make_plan(wanted, actual, now, only=frozenset(one.name for one in due))
    against = (*recomputed.refusals, *at_now.refusals, *executed.refusals)
    plan = replace(recomputed, operations=due, refusals=tuple(dict.fromkeys(against)))
    plan = _with_ends(plan, executed, make_plan(wanted, actual, now))
    over = _overtaken(recomputed.operations, due, at_now.operations)
    return Decision(plan, over, is_partial=bool(over))


def _overtaken(
    planned: Iterable[Operation], due: Iterable[Operation], now: Iterable[Operation]
) -> tuple[LeftOut, ...]:
    """Return whom something else is asked for by now: a window began or ended since."""
    kept, asked = {one.name for one in due}, {one.name for one in now}
    return tuple(LeftOut(one.name, OVER) for one in planned if one.name in asked - kept)


def _with_ends(plan: Plan, executed: Plan, whole: Plan) -> Plan:
    """Add the ends that may go on record: those of all policies where nothing is against them.

    An end that changes nothing yet is in no saved plan, and yet has to be judged some time.
    """
    judged = executed if whole.refusals else whole
    return replace(plan, ends=judged.ends, taken=judged.taken)


def _intersection(wanted: Wanted, actual: Actual, reviewed: Reviewed, now: datetime) -> Decision:
    """Return the part of the saved plan that would be done today too, judged as a plan of its own.

    The guardrails see exactly what will be executed: without a grant that was left out, a revoke
    that was fine may go too far.
    """
    file = reviewed.file
    saved = saved_plan(file)
    # Who is meant is said by name below; a target that the policies dropped must not end the run.
    untargeted = replace(wanted, options=replace(wanted.options, targets=()))
    planned = _planned(file)
    recomputed = make_plan(untargeted, actual, saved.instant, only=planned)
    check_surroundings(saved, recomputed, now, reviewed.bound)
    at_now = make_plan(untargeted, actual, now, only=planned)
    tree, derived = _comparable(untargeted, actual, file, recomputed)
    due = due_now(recomputed.operations, at_now.operations)
    names = _names(differing(file, tree, derived=derived), file, tree)
    left = left_out(saved.operations, recomputed.operations, due, names, actual)
    kept = planned - {one.name for one in left}
    executed = make_plan(untargeted, actual, now, only=kept)
    whole = make_plan(wanted, actual, now) if not saved.options.targets else executed
    return Decision(_with_ends(executed, executed, whole), left)


def _names(
    moved: Iterable[str], file: dict[str, Any], tree: dict[str, Any]
) -> frozenset[PrincipalName]:
    """Return everybody for whom a saved plan and today's differ, in what is shown or means."""
    return frozenset(map(PrincipalName.parse, (*moved, *_of_changed_roles(file, tree))))


def _of_changed_roles(file: dict[str, Any], tree: dict[str, Any]) -> list[str]:
    """Return everybody whose change is about a role that permits something else by now."""
    changed = changed_roles(file, tree)
    return [
        operation["principal"]["name"]
        for operation in file["operations"]
        if changed & {change["role"]["id"] for change in operation["changes"]}
    ]


def changed_roles(file: Mapping[str, Any], tree: Mapping[str, Any]) -> set[str]:
    """Return the ids of a saved plan's roles that permit something else in today's (T35).

    Judged role by role, wherever both sides know what it permits: that some other role could not
    be read excuses nothing.
    """
    now = {role["id"]: role["digest"] for role in tree["roles"] if role["digest"]}
    return {
        role["id"]
        for role in file["roles"]
        if role["digest"] and now.get(role["id"], role["digest"]) != role["digest"]
    }


def _comparable(
    wanted: Wanted, actual: Actual, file: dict[str, Any], recomputed: Plan
) -> tuple[dict[str, Any], bool]:
    """Return today's plan as its planner could have shown it, and whether risk and effects count.

    Both rest on the roles whose pages could be read. Where this token reads more of them than
    the planning one, the plan is made again without these; where it reads fewer, only the rest
    can be compared.
    """
    touched = {role.id for role in recomputed.roles}
    planner = {role["id"] for role in file["roles"] if role["digest"]} & touched
    if not planner <= {each.role_id for each in actual.permissions}:
        return plan_tree(recomputed, __version__), False
    if {role.id for role in recomputed.roles if role.digest} != planner:
        known = tuple(each for each in actual.permissions if each.role_id in planner)
        seen = replace(actual, permissions=known)
        recomputed = make_plan(wanted, seen, recomputed.instant, only=_planned(file))
    return plan_tree(recomputed, __version__), True


def _planned(file: dict[str, Any]) -> frozenset[PrincipalName]:
    return frozenset(PrincipalName.parse(label) for label in principals_of(file))
