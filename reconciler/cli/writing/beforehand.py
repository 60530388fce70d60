"""Before the writing: say, and record, what became of what an earlier run left open.

A request that a run sent right before it died may still be on its way, held by a gateway; read too
early, the console would show that nothing happened, and then it happens. So a run that follows
closely waits until no request of the dead one is waited for any more.
"""

from datetime import timedelta

from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.audit.unfinished import last_sign, resolve, unfinished
from reconciler.cli.session import Session
from reconciler.cli.telling import tell
from reconciler.console.transport import REQUEST_SECONDS
from reconciler.domain.state import Actual
from reconciler.rendering.outcomes import on_its_way_text, unfinished_text

_OPEN = "this token cannot tell; a token at the tenant's level can"


def wait_out(session: Session, journal: Journal, origin: str) -> None:
    """Wait, before the console is read, until no request of an earlier run can be on its way.

    The time counts from the last record of that run, by whatever clock wrote it; where that is
    not ours, the wait is never longer than for a run that died just now.
    """
    last = last_sign(journal.records, origin)
    if last is None:
        return
    longest = timedelta(seconds=REQUEST_SECONDS)
    left = min(longest, last + longest - session.runtime.now())
    if left > timedelta(0):
        tell(on_its_way_text(left), err=True)
        session.runtime.sleep(left.total_seconds())


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
