"""Ctrl-C and SIGTERM during an apply: finish the operation in flight, start no new one (T58)."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from reconciler.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def ending_in_order(hurry: Callable[[], None]) -> Iterator[None]:
    """Let both signals end a run through its exits: locks are given back, the journal is signed.

    `hurry` ends all waiting, since the exits wait for every thread. While a run writes, `Stopping`
    stands above this.
    """

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        hurry()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(ExitCode.TERMINATED)

    before = {number: signal.signal(number, end) for number in _SIGNALS}
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
