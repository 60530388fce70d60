"""An apply in CI on record: announced on the journal's branch before it writes, kept after."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.audit.chain import Record as Recorded
from reconciler.audit.journal import Journal
from reconciler.audit.reviews import began, begun
from reconciler.ci.carrier import Carrier
from reconciler.cli.session import Session
from reconciler.cli.telling import tell
from reconciler.cli.writing.apply import Applied, Apply, carry_out
from reconciler.cli.writing.delivery import Delivers
from reconciler.errors import ExitCode, ReconcilerError, RefusedError
from reconciler.rendering.messages import error_text
from reconciler.workflow.execute import Record

MAX_RUN = timedelta(minutes=30)
"""How long a run that announced itself may take; `timeout-minutes` of the workflow is shorter."""
_ENDED = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
_PAUSES = (1.0, 4.0, 10.0)
"""Seconds before the last push is tried again: what it carries is nowhere else."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Delivery that begins with a push: nothing is written that the branch does not announce."""

    delivery: Delivers
    carrier: Carrier
    run: str
    """Number of the run on the code host."""

    @property
    def is_required(self) -> bool:
        """As the delivery's."""
        return self.delivery.is_required

    def before(self) -> None:
        """Push the start of the run, then deliver. Raises RefusedError when either fails."""
        try:
            self.carrier.push(_message(self.run))
        except ReconcilerError as error:
            raise RefusedError(f"{error.message} Nothing was written.", error.remedy) from error
        self.delivery.before()

    def escort(self, journal: Journal) -> AbstractContextManager[Record]:
        """As the delivery's."""
        return self.delivery.escort(journal)

    def after(self) -> int:
        """As the delivery's; the last push comes when the journal is closed and signed."""
        return self.delivery.after()


def is_busy(records: Sequence[Recorded], origin: str, now: datetime) -> bool:
    """Tell whether another run has announced itself, not long ago, and not told its end."""
    start = begun(records, origin)
    return start is not None and now - began(start) < MAX_RUN


def check_free(records: Sequence[Recorded], origin: str, now: datetime, *, by_hand: bool) -> None:
    """Raise RefusedError while another run may be writing; tell of one that has died.

    The branch tells of a run before its first write, so it is a lock that every runner sees. Who
    starts a run by hand has looked, and need not wait for a dead one.
    """
    start = begun(records, origin)
    if start is None:
        return
    if is_busy(records, origin, now) and not by_hand:
        raise RefusedError(
            f"Run {start.run} announced itself at {start.time} and has not ended: it may be "
            "writing now.",
            "Wait for it, then start this run again. If it died, that works "
            f"{MAX_RUN.seconds // 60} minutes after it began, or at once when started by hand.",
        )
    tell(
        f"Run {start.run} of {start.time} announced {start.data.get('operations')} operations and "
        "never told its end: what it recorded is lost with its runner. `reconciler audit "
        "reconcile` names what it wrote.\n",
        err=True,
    )


def carried_out(session: Session, apply: Apply, carrier: Carrier, run: str) -> Applied:
    """Apply, and let the journal be on its branch afterwards, however it ended.

    `run` is the number of the run on the code host.
    """
    try:
        applied = carry_out(session, apply)
    except BaseException:
        _pushed(session, carrier, run)
        raise
    if _pushed(session, carrier, run):
        return applied
    code = applied.code if applied.code in {ExitCode.FAILED, *_ENDED} else ExitCode.PARTIAL
    return replace(applied, code=code)


def _pushed(session: Session, carrier: Carrier, run: str) -> bool:
    """Push the journal; a failure is told, since what was written stays written."""
    message = _message(run)
    for pause in (*_PAUSES, None):
        try:
            carrier.push(message)
        except ReconcilerError as error:
            if pause is None:
                tell(error_text(error, color=session.color_err), err=True)
                tell(f"The journal of this run is {_left(carrier, run)}: keep it.\n", err=True)
            else:
                session.runtime.sleep(pause)
        else:
            return True
    return False


def _left(carrier: Carrier, run: str) -> str:
    """Say where the records are that the journal's branch did not take."""
    try:
        return f"on the branch {carrier.set_aside(run, _message(run))}"
    except ReconcilerError:
        return f"in {carrier.folder} alone"


def _message(run: str) -> str:
    """Return the message of what a run adds to the journal's branch."""
    return f"Run {run}\n"
