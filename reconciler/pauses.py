"""Waiting that ends when somebody asks the run to end."""

import os
import select
import time


class Pauses:
    """Sleeping that can be cut short, in every thread at once.

    A console may ask for two minutes; who asks the run to end is not to wait for them (T58).
    Through a pipe, since a signal handler may take no lock; it is never emptied, so that it wakes
    all threads.
    """

    SHORT = 1.0
    """Seconds of the longest wait in a hurry: enough for a write to show that was just made."""

    def __init__(self) -> None:
        self._woken, self._waker = os.pipe()
        self._is_hurried = False

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds, or less in a hurry."""
        if self._is_hurried:
            time.sleep(min(seconds, self.SHORT))
            return
        pause = select.poll()
        pause.register(self._woken, select.POLLIN)
        pause.poll(seconds * 1000)

    def hurry(self) -> None:
        """End the waits of now, and shorten all later ones."""
        if not self._is_hurried:
            self._is_hurried = True
            os.write(self._waker, b"!")
