"""From the journal to a sink: all that it has not taken yet, in order, at least once."""

from collections.abc import Callable
from pathlib import Path

from reconciler.audit.chain import Chain
from reconciler.audit.export import exported
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.bodies import batches
from reconciler.sinks.client import Sink
from reconciler.sinks.cursor import advance, cursor_path, delivered

Monotonic = Callable[[], float]
Sleep = Callable[[float], None]


def deliver(  # noqa: PLR0913 - two clocks, and what goes where
    chain: Chain,
    journal: Path,
    address: SinkAddress,
    *,
    monotonic: Monotonic,
    sleep: Sleep,
    after: int = 0,
) -> int:
    """Deliver what the sink has not taken yet; return how many events it took.

    With `after`, no record up to that number; where that leaves out what the sink never took,
    nothing is noted, so that a delivery without it goes on where the last one ended. Raises
    SinkError when the sink did not take all of it: what it took is noted, the rest is delivered
    the next time. Raises SettingsError when the cursor cannot be saved.
    """
    path = cursor_path(journal, address)
    known = delivered(path, chain)
    start, is_gapless = max(after, known), after <= known
    todo = ((n, event) for n, event in exported(chain.records, address.form) if n > start)
    count, noted = 0, start
    with Sink(address, monotonic, sleep) as sink:
        for record, events in batches(todo):
            sink.hand_over(events)
            if is_gapless:
                advance(path, address, chain.records[record - 1])
            count, noted = count + len(events), record
    if is_gapless and len(chain.records) > noted:  # the rest is told to nobody
        advance(path, address, chain.records[-1])
    return count
