"""Apply: the operations of a plan, wave after wave, as many at a time as the console allows.

A wave is what may be in flight together: grants before replacements before revokes, the tool's
own identity last, as `planning.order` draws it. Every guardrail holds whichever operations of a
wave have happened, so their order within it does not matter.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from reconciler.audit import events
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Operation
from reconciler.errors import DeniedError, JournalError, ReconcilerError, RefusedError
from reconciler.planning.order import Waves
from reconciler.workflow.execute import (
    DeniedHalfwayError,
    StoppedError,
    Surroundings,
    execute,
)
from reconciler.workflow.tokens import UnrecordedStepError

_DENIED = "the console refuses the token"

STOP_AFTER = 3
"""Failures in a row that stop the run (T56)."""


def run(waves: Waves, around: Surroundings) -> Iterator[Outcome]:
    """Execute every operation and yield an outcome for each, in the order of the plan.

    Raises JournalError when the record cannot be kept; nothing more is written after that, and
    what was in flight is told first.
    """
    course = _Course(around)
    with ThreadPoolExecutor(around.concurrency, thread_name_prefix="apply") as pool:
        for wave in waves:
            futures = [pool.submit(course.take, operation) for operation in wave]
            yield from _told(futures)


def _told(futures: list[Future["_Done"]]) -> Iterator[Outcome]:
    """Yield what became of a wave; raise the first trouble with the journal at its end."""
    trouble: JournalError | None = None
    for future in futures:
        done = future.result()
        trouble = trouble or done.trouble
        if done.outcome is not None and not (trouble and _is_untouched(done.outcome)):
            yield done.outcome
    if trouble is not None:
        raise trouble


def _is_untouched(outcome: Outcome) -> bool:
    return outcome.result is Result.NOT_ATTEMPTED


@dataclass(frozen=True, slots=True)
class _Done:
    """What a thread brings back."""

    outcome: Outcome | None
    """None when the intent could not be recorded, so that nothing was asked."""
    trouble: JournalError | None = None


class _Course:
    """How the run goes; shared by its threads."""

    def __init__(self, around: Surroundings) -> None:
        self._around = replace(around, is_stopping=self._is_stopping)
        self._is_interrupted = around.is_stopping
        self._lock = threading.Lock()
        self._failures = 0
        self._stopped = ""
        # Between the decision to write and the sending there may be waiting (T59, T60).
        around.console.check_before_writes(self._check)

    def take(self, operation: Operation) -> _Done:
        """Do one operation and record its outcome, unless the run has stopped."""
        outcome = None
        try:
            outcome = self._outcome(operation)
            self._around.journal.append("outcome", events.outcome(outcome))
        except JournalError as error:
            self._stop("the record cannot be kept")
            # A token may be gone although nothing else was asked: that is told in any case.
            return _Done(
                error.outcome if isinstance(error, UnrecordedStepError) else outcome, error
            )
        except BaseException:
            self._stop("an internal error ended the run")
            raise
        self._count(outcome)
        return _Done(outcome)

    def _outcome(self, operation: Operation) -> Outcome:
        if self._is_stopping():
            return Outcome(operation, Result.NOT_ATTEMPTED, self._stopped)
        try:
            return execute(operation, self._around)
        except DeniedError as error:
            self._stop(_DENIED)
            return Outcome(operation, Result.FAILED, f"{error.message}. {error.remedy}")
        except DeniedHalfwayError as error:
            self._stop(_DENIED)
            return error.outcome
        except StoppedError as error:
            return Outcome(operation, Result.NOT_ATTEMPTED, error.message)
        except RefusedError as error:
            # The intent is not recorded everywhere it has to be, so nothing was asked.
            self._stop(error.message)
            return Outcome(operation, Result.NOT_ATTEMPTED, error.message)

    def _count(self, outcome: Outcome) -> None:
        """Stop after several failures in a row; a conflict says nothing about the console."""
        if outcome.result in {Result.CONFLICT, Result.NOT_ATTEMPTED}:
            return
        with self._lock:
            self._failures = 0 if outcome.result is Result.APPLIED else self._failures + 1
            is_enough = self._failures >= STOP_AFTER
        if is_enough:
            self._stop(f"{STOP_AFTER} operations in a row failed")

    def _check(self) -> None:
        """Raise StoppedError when nothing more may be sent."""
        if self._is_stopping():
            raise StoppedError(self._stopped)

    def _is_stopping(self) -> bool:
        if self._is_interrupted():
            self._stop("the run was interrupted")
        try:
            self._around.check()
        except ReconcilerError as error:
            self._stop(error.message)
        return bool(self._stopped)

    def _stop(self, why: str) -> None:
        with self._lock:
            self._stopped = self._stopped or why
