"""Before the writing: say, and record, what became of what an earlier run left open."""

from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.audit.unfinished import resolve, unfinished
from reconciler.cli.afterwards import tell
from reconciler.domain.state import Actual
from reconciler.rendering.outcomes import unfinished_text

_OPEN = "this token cannot tell; a token at the tenant's level can"


def settle(journal: Journal, actual: Actual) -> None:
    """Resolve every unfinished intent by what the console shows now (P7).

    Raises JournalError when the record cannot be kept.
    """
    told = []
    for intent in unfinished(journal.records, actual.origin):
        resolution = resolve(intent, actual)
        if resolution is not None:
            journal.append("resolved", events.resolved(resolution))
        known = f"{resolution.result}, {resolution.detail}" if resolution else _OPEN
        told.append((intent.principal, intent.time, known))
    tell(unfinished_text(told), err=True)
