"""The console's clock, which a rehearsal may stop and put forward.

Token expiry, rate limits, lag and every date in an answer follow it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(slots=True)
class Clock:
    """A clock over another one."""

    under: Callable[[], datetime]
    offset: timedelta = field(default_factory=timedelta)
    frozen: datetime | None = None

    def __call__(self) -> datetime:
        """Return the instant, aware."""
        return self.frozen if self.frozen is not None else self.under() + self.offset

    def advance(self, seconds: float) -> None:
        """Go forward, or back with a negative number; a frozen clock stays frozen.

        Raises OverflowError beyond the years that a date can hold; nothing has changed then.
        """
        step = timedelta(seconds=seconds)
        moved = self() + step  # also proves that the new time can be told
        if self.frozen is not None:
            self.frozen = moved
        else:
            self.offset += step

    def freeze(self, instant: datetime | None = None) -> None:
        """Stop, at that instant or at the present one."""
        self.frozen = instant or self()

    def thaw(self) -> None:
        """Run on from the instant at which it stands."""
        if self.frozen is not None:
            self.offset = self.frozen - self.under()
            self.frozen = None

    def restart(self) -> None:
        """Agree with the clock beneath again."""
        self.offset, self.frozen = timedelta(), None
