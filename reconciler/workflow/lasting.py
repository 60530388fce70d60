"""Does what was applied last? One reading of the whole console after a run answers it. Pure.

The console's answer to a write is evidence, not proof: a console may say yes and forget, and
somebody else may write right after us. What does not last may still have been there for a while,
so it is recorded as unknown.
"""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.state import Actual
from reconciler.workflow.execute import is_done


def lost(outcomes: Iterable[Outcome], actual: Actual) -> list[Outcome]:
    """Return everything applied that a later reading does not show, as unknown."""
    by_id = {(each.kind, each.id): each for each in actual.principals}
    found = []
    for outcome in outcomes:
        operation = outcome.operation
        identity = operation.principal_id or outcome.created_id or ""
        seen = by_id.get((operation.name.kind, identity))
        if outcome.result is Result.APPLIED and not is_done(operation, seen):
            detail = "written, but a reading after the run shows something else"
            found.append(replace(outcome, result=Result.UNKNOWN, detail=detail))
    return found
