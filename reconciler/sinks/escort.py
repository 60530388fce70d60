"""Audit or refuse, while a run writes: no intent counts before the sink has it.

Threads share it. Whoever comes first hands over what all of them have recorded by then, so that
a slow sink costs one exchange for all that wait, not one for each.
"""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.audit.export import Exporter
from reconciler.audit.journal import Journal
from reconciler.errors import ReconcilerError, RefusedError
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.bodies import batches
from reconciler.sinks.client import Sink
from reconciler.sinks.cursor import advance, cursor_path


class Escort:
    """An open journal with a sink beside it; use as a context manager.

    Enter it when the sink has taken all that is on record so far.
    """

    def __init__(
        self,
        journal: Journal,
        path: Path,
        address: SinkAddress,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Name the journal and its file, and how the sink is reached."""
        self._journal = journal
        self._path = path
        self._address = address
        self._sink = Sink(address, monotonic, sleep)
        self._exporter = Exporter(address.form)
        self._told = 0
        """How many of this run's records were handed over."""
        self._trouble = ""
        self._handing_over = threading.Lock()

    def __enter__(self) -> Self:
        """Read what is on record; an event may need what stood long before it."""
        self._told = len(self._journal.appended)
        for record in (*self._journal.records, *self._journal.appended[: self._told]):
            self._exporter.events(record)
        return self

    def append(self, kind: str, data: dict[str, Any]) -> None:
        """Add one record, as `Journal.append`; an intent returns only when the sink has it.

        Raises RefusedError when the sink did not take it, and for every intent after that: the
        console may not be asked then.
        """
        if kind != "intent":
            self._journal.append(kind, data)
            return
        self._check()
        self._journal.append(kind, data)
        number = self._journal.length
        with self._handing_over:
            self._check()
            self._hand_over(number)

    def _check(self) -> None:
        if self._trouble:
            raise RefusedError(
                f"the required sink does not take the record: {self._trouble}",
                "Mend the sink and run again.",
            )

    def _hand_over(self, number: int) -> None:
        """Hand over all records that are not with the sink yet, unless somebody just did."""
        records = self._journal.appended[self._told :]
        if not records or self._journal.appended[self._told].sequence > number:
            return
        numbered = (
            (one.sequence, event) for one in records for event in self._exporter.events(one)
        )
        try:
            for _, events in batches(numbered):
                self._sink.hand_over(events)
        except ReconcilerError as error:
            self._trouble = error.message
            self._check()
        self._told += len(records)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Note what the sink has; a note that cannot be kept costs a second delivery only."""
        self._sink.close()
        if self._told:
            last = self._journal.appended[self._told - 1]
            with contextlib.suppress(ReconcilerError):
                advance(cursor_path(self._path, self._address), self._address, last)
