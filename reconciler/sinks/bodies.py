"""Events as one request's body, in the way each form is sent. Pure."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Event = dict[str, Any]
Numbered = tuple[int, Event]

MOST = 100
"""Events in one request, unless a single record has more."""

_LINES = {"sdl": "application/json", "chat": "application/json"}
"""Forms sent as one object a line, each with another type than JSON Lines has."""


def body_of(events: Sequence[Event], form: str) -> tuple[str, bytes]:
    """Return content type and content; CloudEvents go as a batch, all else as lines."""
    if form == "cloudevents":
        return "application/cloudevents-batch+json", json.dumps(events).encode()
    lines = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events)
    return _LINES.get(form, "application/x-ndjson"), lines.encode()


def batches(numbered: Iterable[Numbered]) -> Iterator[tuple[int, list[Event]]]:
    """Part events into requests that end with a record; give its number with each."""
    batch: list[Event] = []
    last = 0
    for number, event in numbered:
        if number != last and len(batch) >= MOST:
            yield last, batch
            batch = []
        batch.append(event)
        last = number
    if batch:
        yield last, batch
