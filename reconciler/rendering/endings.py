"""What was granted for a time: it ends by an apply that runs after its end, and by nothing else."""

import shlex
from collections.abc import Iterable
from datetime import datetime

from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Change, Operation
from reconciler.rendering.safe import short

_TOLD = 5


def endings_text(outcomes: Iterable[Outcome]) -> str:
    """Return a line for each window that was granted, the next to end first; at most five.

    The others are a sum with the last end. Empty when nothing was granted for a time.
    """
    endings = sorted(
        (
            (change.window.end, outcome.operation, change)
            for outcome in outcomes
            if outcome.result is Result.APPLIED
            for change in outcome.operation.grants
            if change.window and change.window.end
        ),
        key=lambda each: (each[0], each[1].name),
    )
    lines = [_line(*each) for each in endings[:_TOLD]]
    if more := endings[_TOLD:]:
        lines.append(f"And {len(more)} more, the last of which ends {_instant(more[-1][0])}.")
    return "".join(f"{line}\n" for line in lines)


def _line(end: datetime, operation: Operation, change: Change) -> str:
    name = short(operation.name.label)
    return (
        f"{short(change.grant.role.name)} on {short(change.grant.scope.name)} for {name} ends "
        f"{_instant(end)}; it stays until an apply runs after that: "
        f"reconciler apply --target {shlex.quote(name)}"
    )


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
