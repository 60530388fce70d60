"""Ctrl-C and SIGTERM: no command waits for a pause, and an apply ends through its exits.

While an apply writes, the operation in flight is finished and no new one is started (T58).
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from reconciler.errors import ExitCode

CTRL_C = (signal.SIGINT,)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_in_order(
    hurry: Callable[[], None], signals: tuple[signal.Signals, ...] = _SIGNALS
) -> Iterator[None]:
    """Let signals end a command through its exits: locks are given back, the journal is signed.

    `hurry` ends all waiting, since the exits wait for every thread. While a run writes, `Stopping`
    stands above this. Only the first thread gets signals; in others nothing is taken over.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        hurry()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(ExitCode.TERMINATED)

    is_first = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, end) for number in signals if is_first}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Stopping:
    """Remembers the first signal and ends all waiting; the second one ends the process at once.

    What a sudden end leaves behind, the next run finds in the journal.
    """

    def __init__(self, hurry: Callable[[], None]) -> None:
        """Name what ends all waiting; a signal handler calls it."""
        self._hurry = hurry
        self.signal: int | None = None
        """The signal that asked the run to end."""

    def __enter__(self) -> Self:
        """Take over both signals."""
        self._before = {number: signal.signal(number, self._remember) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give both signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.signal = number
        self._hurry()
