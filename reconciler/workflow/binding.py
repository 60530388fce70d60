"""A saved plan is executed only if it is still the plan.

Apply recomputes at the saved plan's own instant and compares; every mismatch has its own
message saying what moved (T61 to T63). Who planned and on which commit are evidence, not
bindings.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from reconciler.domain.plan import Operation, Plan, SavedPlan
from reconciler.errors import RefusedError

MAX_AGE = timedelta(hours=24)
"""How old a saved plan may be when applied by hand."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of the machine that planned may be."""


def check_binding(
    saved: SavedPlan, recomputed: Plan, now: datetime, differing: Sequence[str] = ()
) -> None:
    """Raise RefusedError with every difference between the saved plan and the recomputed one.

    `recomputed` is about the saved plan's principals only; `differing` names those of them for
    whom something else would be done now.
    """
    moved = list(_moved(saved, recomputed, now, differing))
    if moved:
        raise RefusedError(
            "The saved plan no longer holds: " + " ".join(moved),
            "Plan again, and have the new plan reviewed.",
        )


def check_origin(saved: SavedPlan, origin: str) -> None:
    """Raise RefusedError, before anything is read, when the plan is for another console."""
    if saved.origin != origin:
        raise RefusedError(
            f"The saved plan is for {saved.origin}, and this token's console is {origin}.",
            "Point SENTINELONE_URL at the console that was planned for.",
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


def _moved(
    saved: SavedPlan, recomputed: Plan, now: datetime, differing: Sequence[str]
) -> Iterator[str]:
    if now - saved.instant > MAX_AGE:
        yield f"It is older than {MAX_AGE.total_seconds() / 3600:.0f} hours."
    if saved.instant > now + CLOCK_SKEW:
        yield "It was made in the future, by this machine's clock."
    if saved.policy_digest != recomputed.policy_digest:
        yield "The policy files have changed."
    if saved.guardrails_digest != recomputed.guardrails_digest:
        yield "The guardrails have changed."
    if not set(saved.account_ids) <= set(recomputed.account_ids):
        yield "This token sees fewer accounts than the token that planned."
    if recomputed.view_level.rank > saved.view_level.rank:
        yield f"This token stands at {recomputed.view_level} level, the one that planned wider."
    if recomputed.view_sites < saved.view_sites:
        yield "This token sees fewer sites than the token that planned."
    if saved.content_digest != recomputed.content_digest:
        who = f" for {', '.join(differing)}" if differing else ""
        yield f"What would be done{who} is not what was planned: the console, or the files, moved."
