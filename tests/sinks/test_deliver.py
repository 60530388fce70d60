"""Whatever a sink does, and whenever: nothing is left out, and the first time is in order."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from stories.sink import SinkServer

from reconciler.audit.chain import read_chain
from reconciler.audit.export import exported
from reconciler.audit.journal import Journal
from reconciler.errors import ReconcilerError
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.cursor import cursor_path
from reconciler.sinks.deliver import deliver

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HARM: list[Any] = [200, 200, 200, 500, 403, 429, "drop"]


def written(path: Path, count: int) -> None:
    """Add so many outcomes of one change each."""
    principal = {"kind": "user", "name": "ana@acme.example", "id": "10"}
    change = {"action": "grant", "role": "SOC", "scope": "Acme/Berlin", "scope_id": "101"}
    told = {"operation": "update", "principal": principal, "changes": [change]}
    with Journal(path, now=lambda: NOW, run_id="0" * 16) as journal:
        for _ in range(count):
            journal.append("outcome", {**told, "result": "applied", "detail": ""})


def delivered(path: Path, address: SinkAddress, after: int = 0) -> int:
    chain = read_chain(path.read_bytes())
    return deliver(chain, path, address, monotonic=lambda: 0.0, sleep=lambda _: None, after=after)


def uids(path: Path) -> list[str]:
    chain = read_chain(path.read_bytes())
    return [event["metadata"]["uid"] for _, event in exported(chain.records, "ocsf-1.8")]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_ever_left_out(sink: SinkServer, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed is wanted
    path, address = tmp_path / "journal.jsonl", SinkAddress(sink.url, "ocsf-1.8")
    for _ in range(6):
        written(path, dice.randrange(90))
        sink.answers.extend(dice.choices(HARM, k=dice.randrange(6)))
        try:
            delivered(path, address)
        except ReconcilerError:
            if dice.random() < 0.3:  # and the note of what was taken is lost
                cursor_path(path, address).unlink(missing_ok=True)
    sink.answers.clear()
    delivered(path, address)

    seen = [event["metadata"]["uid"] for event in sink.events]
    assert list(dict.fromkeys(seen)) == uids(path)
    assert delivered(path, address) == 0


def test_many_records_go_in_parts_and_what_was_taken_is_kept(
    sink: SinkServer, tmp_path: Path
) -> None:
    path, address = tmp_path / "journal.jsonl", SinkAddress(sink.url, "ocsf-1.8")
    written(path, 250)
    sink.answers.extend([200, 403])

    with pytest.raises(ReconcilerError, match="answered 403"):
        delivered(path, address)

    assert len(sink.events) == 100
    assert delivered(path, address) == 150
    assert [len(taken.events) for taken in sink.taken] == [100, 100, 50]


def test_an_empty_journal_has_nothing_to_deliver(sink: SinkServer, tmp_path: Path) -> None:
    path, address = tmp_path / "journal.jsonl", SinkAddress(sink.url, "ocsf-1.8")
    written(path, 0)

    assert delivered(path, address) == 0
    assert (sink.asked, cursor_path(path, address).exists()) == ([], False)


def test_what_was_left_out_on_demand_is_delivered_the_next_time(
    sink: SinkServer, tmp_path: Path
) -> None:
    path, address = tmp_path / "journal.jsonl", SinkAddress(sink.url, "ocsf-1.8")
    written(path, 3)
    assert delivered(path, address) == 3
    written(path, 7)

    assert delivered(path, address, after=6) == 4
    assert delivered(path, address) == 7
    assert {event["metadata"]["uid"] for event in sink.events} == set(uids(path))


def test_what_was_taken_already_leaves_no_gap(sink: SinkServer, tmp_path: Path) -> None:
    path, address = tmp_path / "journal.jsonl", SinkAddress(sink.url, "ocsf-1.8")
    written(path, 3)
    delivered(path, address)
    written(path, 2)

    assert delivered(path, address, after=2) == 2
    assert delivered(path, address) == 0
