"""Renews a lock that expires, in a thread of its own, and knows how long it certainly is ours."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class Term:
    """How long a lock lasts, in seconds."""

    lifetime: float
    """Without a renewal for so long, others may take it over."""

    @property
    def every(self) -> float:
        """Renewed so often."""
        return self.lifetime / 3

    @property
    def again(self) -> float:
        """Tried again so soon after a renewal that failed."""
        return self.lifetime / 15

    @property
    def trusted(self) -> float:
        """Ours for so long after a renewal was asked for; others have to wait half as long again.

        The rest is the room for a write that was just being sent.
        """
        return self.lifetime * 2 / 3


class Keeper:
    """Keeps one lock alive until it is stopped or lost. What is lost stays lost."""

    def __init__(
        self, renew: Callable[[], bool], term: Term, asked: float, monotonic: Callable[[], float]
    ) -> None:
        """Say how; `start` begins.

        `renew` asks for it once and returns False when somebody else has the lock; it raises
        ReconcilerError when no answer comes. `asked` is the moment, in seconds of `monotonic`,
        at which the lock was last asked for with success.
        """
        self._renew = renew
        self._term = term
        self._asked = asked
        self._monotonic = monotonic
        self._is_lost = False
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lock", daemon=True)

    def start(self) -> "Keeper":
        """Start the thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Renew no more; returns when the last renewal has ended."""
        self._is_done.set()
        if self._thread.is_alive():
            self._thread.join()

    def is_fresh(self) -> bool:
        """Tell whether nobody else can have the lock yet."""
        if self._monotonic() - self._asked >= self._term.trusted:
            self._is_lost = True
        return not self._is_lost

    def beat(self) -> float:
        """Renew once, if it is not lost; return the seconds to wait before the next time."""
        if not self.is_fresh():
            return self._term.every
        asked = self._monotonic()
        try:
            if self._renew():
                self._asked = asked
            else:
                self._is_lost = True
        except ReconcilerError:
            return self._term.again
        return self._term.every

    def _run(self) -> None:
        pause = self._term.every
        while not self._is_done.wait(pause) and self.is_fresh():
            try:
                pause = self.beat()
            except Exception:  # noqa: BLE001 - a defect of ours ends the renewing, and so the run
                self._is_lost = True
