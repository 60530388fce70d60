"""The writing of an apply: run the plan, tell each outcome, look again, return the exit code."""

from dataclasses import dataclass

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.cli.session import Session
from reconciler.cli.signals import Stopping
from reconciler.cli.telling import tell
from reconciler.cli.undoing import Undoing
from reconciler.cli.writing.afterwards import look_for_others, noted, verify
from reconciler.cli.writing.delivery import Delivers, announce
from reconciler.cli.writing.locking import Locks
from reconciler.console.client import WriteClient
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan
from reconciler.domain.review import Review
from reconciler.domain.state import Actual
from reconciler.errors import ExitCode, JournalError
from reconciler.planning.order import waves
from reconciler.rendering.messages import error_text
from reconciler.rendering.outcomes import outcome_text, outcomes_summary
from reconciler.workflow.apply import run
from reconciler.workflow.execute import Surroundings
from reconciler.workflow.hands import Hands


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a run that wrote, or tried to."""

    code: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One apply, with everything it writes to."""

    session: Session
    client: WriteClient
    actual: Actual
    """The reading that the plan rests on."""
    journal: Journal
    concurrency: int
    locks: Locks
    delivery: Delivers
    undoing: Undoing
    judged: events.Data
    """When windows were judged, and what of the reviewed and of the asked the plan leaves out."""
    review: Review | None = None

    def carry_out(self, plan: Plan) -> Written:
        """Write, look again, and return every outcome with the exit code of the whole."""
        outcomes: list[Outcome] = []
        # To the last record: who asks the run to end still gets its undo and its signature.
        with Stopping(self.session.runtime.hurry) as stopping:
            try:
                code = self._recorded(plan, outcomes, stopping)
                tell(outcomes_summary(outcomes, self.journal.head))
            except JournalError as error:
                # What was written before is on the screen; the run ends here.
                tell(error_text(error, color=self.session.color_err), err=True)
                return Written(ExitCode.PARTIAL if outcomes else ExitCode.FAILED, tuple(outcomes))
        # Who asked the run to end waits for no sink; the next run delivers.
        is_over = code > ExitCode.PARTIAL
        return Written(code if is_over else max(code, self.delivery.after()), tuple(outcomes))

    def _recorded(self, plan: Plan, outcomes: list[Outcome], stopping: Stopping) -> int:
        """Do it all with a record of it; `outcomes` is filled as they happen."""
        own = self.actual.identity
        since = noted(self.client)
        locks = self.locks.told()
        started = events.run_started(
            plan,
            tool_version=__version__,
            actor=own.label,
            locks=locks,
            review=self.review,
        )
        self.journal.append("run-started", started | self.judged | events.ends(plan))
        announce(self.delivery, self.journal)
        self._execute(plan, outcomes, stopping)
        missing, code = verify(self.session, self.client, outcomes, stopping)
        for outcome in missing:
            self.journal.append("outcome", events.outcome(outcome))
            outcomes[:] = [outcome if _same(each, outcome) else each for each in outcomes]
        if stopping.signal is None:
            code = max(code, look_for_others(self.client, since, outcomes, own.full_name))
        undo = self.undoing.save(self.session, self.journal, self.actual, outcomes)
        self.journal.append("run-finished", events.run_finished(outcomes, undo))
        if stopping.signal is not None:
            return 128 + stopping.signal
        is_done = all(_is_whole(outcome) for outcome in outcomes)
        return code if is_done else ExitCode.PARTIAL

    def _execute(self, plan: Plan, outcomes: list[Outcome], stopping: Stopping) -> None:
        """Run the operations and tell each outcome."""
        with self.delivery.escort(self.journal) as record:
            around = Surroundings(
                console=Hands(self.client, self.actual),
                journal=record,
                sleep=self.session.runtime.sleep,
                is_stopping=lambda: stopping.signal is not None,
                check=self._check,
                concurrency=self.concurrency,
                intends_first=self.delivery.is_required,
            )
            for outcome in run(waves(plan.operations, self.actual.identity), around):
                outcomes.append(outcome)
                tell(outcome_text(outcome, color=self.session.color_out))

    def _check(self) -> None:
        """Raise a ReconcilerError when nothing more may be written."""
        self.locks.check()
        self.journal.check()


def _is_whole(outcome: Outcome) -> bool:
    return outcome.result is Result.APPLIED and not outcome.remains


def _same(one: Outcome, two: Outcome) -> bool:
    return one.operation is two.operation
