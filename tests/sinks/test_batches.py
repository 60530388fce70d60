"""Requests end with a record, so that the cursor can name it."""

import json
from typing import Any

import pytest

from reconciler.sinks.bodies import MOST, batches, body_of


def events(*counts: int) -> list[tuple[int, dict[str, Any]]]:
    """So many events for each record."""
    return [(n, {"n": n, "i": i}) for n, count in enumerate(counts, 1) for i in range(count)]


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        ((), []),
        ((1,), [(1, 1)]),
        ((1,) * MOST, [(MOST, MOST)]),
        ((1,) * (MOST + 1), [(MOST, MOST), (MOST + 1, 1)]),
        ((MOST - 1, 5, 1), [(2, MOST + 4), (3, 1)]),
        ((3 * MOST, 1), [(1, 3 * MOST), (2, 1)]),
    ],
)
def test_a_record_is_never_parted(counts: Any, sizes: Any) -> None:
    found = list(batches(events(*counts)))

    assert [(last, len(batch)) for last, batch in found] == sizes
    assert [event for _, batch in found for event in batch] == [e for _, e in events(*counts)]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("ocsf-1.8", "application/x-ndjson"),
        ("ocsf-1.9", "application/x-ndjson"),
        ("sdl", "application/json"),
    ],
)
def test_events_are_sent_as_lines(form: str, kind: str) -> None:
    told, content = body_of([{"b": "é\n", "a": 1}, {}], form)

    assert told == kind
    assert [json.loads(line) for line in content.splitlines()] == [{"b": "é\n", "a": 1}, {}]


def test_cloud_events_are_sent_as_a_list() -> None:
    assert json.loads(body_of([{"a": 1}], "cloudevents")[1]) == [{"a": 1}]
