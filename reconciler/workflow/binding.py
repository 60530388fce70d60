"""A saved plan is executed only if it is still the plan.

Apply recomputes at the saved plan's own instant and compares; every mismatch has its own
message saying what moved (T61 to T63). Who planned and on which commit are evidence, not
bindings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from reconciler.domain.digest import short_digest
from reconciler.domain.plan import Operation, Plan
from reconciler.domain.saved import SavedPlan
from reconciler.errors import RefusedError
from reconciler.planning.intersection import LeftOut

MAX_AGE = timedelta(hours=24)
"""How old a saved plan may be when applied by hand."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of the machine that planned may be."""


class Bound(Enum):
    """What a saved plan is bound by."""

    WHOLLY = "wholly"
    """Content, policies, guardrails and age: applied by hand."""
    BY_CONTENT = "by content"
    """Content alone, at any age: CI applies what a pull request's reviewers saw, on a branch that
    other pull requests have moved since (contract, "The plan"). The guardrails judge anew."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A saved plan beside the one recomputed for its principals, at its own instant."""

    saved: SavedPlan
    recomputed: Plan
    differing: Sequence[str] = ()
    """For whom something else would be done now."""
    left: Sequence[LeftOut] = ()
    """Whom `--only-planned` would leave out."""


def check_binding(compared: Compared, now: datetime, bound: Bound = Bound.WHOLLY) -> None:
    """Raise RefusedError with every difference between the saved plan and the recomputed one."""
    saved, recomputed, left = compared.saved, compared.recomputed, compared.left
    is_done = len(left) == len(saved.operations) > 0 and all(one.is_done for one in left)
    if is_done and not any(_unseen(saved, recomputed)):
        raise RefusedError(
            "The saved plan was applied already: the console has everything that it would do. "
            "Nothing was written.",
            "There is nothing left to do; `reconciler plan` shows what differs now.",
        )
    unbound = tuple(_unbound(saved, recomputed, now, bound))
    moved = (*unbound, *_moved(compared, bound))
    _refuse(saved, moved, holds_in_part=not unbound and len(left) < len(saved.operations))


def plan_again(*, holds_in_part: bool) -> str:
    """Return the remedy for a saved plan that does not hold, whole or in part."""
    again = "Plan again, and have the new plan reviewed"
    part = "; or, with --only-planned, do what of it still holds" if holds_in_part else ""
    return f"{again}{part}."


def check_surroundings(
    saved: SavedPlan, recomputed: Plan, now: datetime, bound: Bound = Bound.WHOLLY
) -> None:
    """Raise RefusedError when age, accounts or view rule out even a part of the saved plan."""
    _refuse(saved, tuple(_unbound(saved, recomputed, now, bound)))


def check_origin(saved: SavedPlan, origin: str, tool_version: str) -> None:
    """Raise RefusedError, before anything is read, for another console or another tool."""
    if saved.origin != origin:
        raise RefusedError(
            f"The saved plan is for {saved.origin}, and this token's console is {origin}.",
            "Point SENTINELONE_URL at the console that was planned for.",
        )
    if _major(saved.tool_version) != _major(tool_version):
        raise RefusedError(
            f"The saved plan was made by version {saved.tool_version} of this product, and this "
            f"is version {tool_version}: another major version may mean something else by it.",
            "Plan again with this version, and have the new plan reviewed.",
        )


def due_now(planned: tuple[Operation, ...], now: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Keep the planned operations that would still be planned at this instant.

    A grant whose window has closed since is skipped; one that has become due since was not
    reviewed and waits for the next run.
    """
    still = {(op.name, op.principal_id, op.after, op.precondition) for op in now}
    return tuple(
        op for op in planned if (op.name, op.principal_id, op.after, op.precondition) in still
    )


def _refuse(saved: SavedPlan, moved: tuple[str, ...], *, holds_in_part: bool = False) -> None:
    undo = saved.options.undo_of
    if moved:
        raise RefusedError(
            "The saved plan no longer holds: " + " ".join(moved),
            f"Make it anew with `reconciler plan --undo {undo.run} --out FILE`, and read it."
            if undo
            else plan_again(holds_in_part=holds_in_part),
        )


def _unbound(saved: SavedPlan, recomputed: Plan, now: datetime, bound: Bound) -> Iterator[str]:
    """Yield what is wrong with the time and with what the token sees."""
    if bound is Bound.WHOLLY and now - saved.instant > MAX_AGE:
        yield (
            f"It is older than {MAX_AGE.total_seconds() / 3600:.0f} hours: "
            f"made at {_utc(saved.instant)}, and it is {_utc(now)}."
        )
    if saved.instant > now + CLOCK_SKEW:
        yield (
            f"It was made in the future, by this machine's clock: made at {_utc(saved.instant)}, "
            f"and it is {_utc(now)}."
        )
    yield from _unseen(saved, recomputed)


def _unseen(saved: SavedPlan, recomputed: Plan) -> Iterator[str]:
    """Yield in what the token sees less than the one that planned."""
    unseen = sorted(set(saved.account_ids) - set(recomputed.account_ids))
    if unseen:
        yield (
            f"This token sees fewer accounts than the token that planned: not {', '.join(unseen)}, "
            f"of {len(saved.account_ids)} planned with."
        )
    if recomputed.view_level.rank > saved.view_level.rank:
        yield (
            f"This token stands at {recomputed.view_level} level, the one that planned wider, "
            f"at {saved.view_level} level."
        )
    if recomputed.view_sites < saved.view_sites:
        yield (
            f"This token sees fewer sites than the token that planned: {recomputed.view_sites}, "
            f"not {saved.view_sites}."
        )


def _moved(compared: Compared, bound: Bound) -> Iterator[str]:
    """Yield what was planned from and is not the same any more, both sides named."""
    saved, recomputed = compared.saved, compared.recomputed
    asked = "records of the run to be undone" if saved.options.undo_of else "policy files"
    for what, planned, here in (
        (asked, saved.policy_digest, recomputed.policy_digest),
        ("guardrails", saved.guardrails_digest, recomputed.guardrails_digest),
    ):
        if planned != here and bound is Bound.WHOLLY:
            both = f"Planned: {short_digest(planned)}; here: {short_digest(here)}."
            yield f"The {what} have changed. {both}"
    permits = {role.id: role.digest for role in recomputed.roles}
    for role in saved.roles:
        now = permits.get(role.id)
        # Known on both sides; a token that may not read the pages cannot tell (T35).
        if role.digest and now and role.digest != now:
            yield (
                f'The role "{role.name}" (id:{role.id}) permits something else than when it was '
                f"planned. Planned: {short_digest(role.digest)}; here: {short_digest(now)}."
            )
    if saved.content_digest != recomputed.content_digest:
        who = f" for {', '.join(compared.differing)}" if compared.differing else ""
        yield f"What would be done{who} is not what was planned: the console, or the files, moved."


def _utc(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _major(version: str) -> str:
    return version.partition(".")[0]
