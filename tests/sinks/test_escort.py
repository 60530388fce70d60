"""No intent counts before the sink has it: for many threads at once, at one exchange for all."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from stories.sink import SinkServer

from reconciler.audit.chain import read_chain
from reconciler.audit.export import FORMS, exported
from reconciler.audit.journal import Journal
from reconciler.errors import RefusedError
from reconciler.sinks.address import SinkAddress
from reconciler.sinks.cursor import cursor_path
from reconciler.sinks.deliver import deliver
from reconciler.sinks.escort import Escort

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
THREADS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """One that an earlier run has begun."""
    with Journal(path, now=lambda: NOW, run_id="a" * 16) as earlier:
        earlier.append("run-started", {"actor": "service:reconciler", "operations": 1})
        earlier.append("intent", intent("eve"))
    with Journal(path, now=lambda: NOW, run_id="b" * 16) as opened:
        opened.append("run-started", {"actor": "service:reconciler", "operations": 8})
        yield opened


def intent(name: str) -> dict[str, Any]:
    principal = {"kind": "user", "name": f"{name}@acme.example", "id": "10"}
    return {"operation": "update", "principal": principal, "changes": []}


def outcome(name: str) -> dict[str, Any]:
    return {**intent(name), "operation": "invite", "result": "applied", "detail": ""}


def sent(path: Path, address: SinkAddress) -> int:
    """Deliver as an apply does before and after its writing."""
    chain = read_chain(path.read_bytes())
    return deliver(chain, path, address, monotonic=lambda: 0.0, sleep=lambda _: None)


def escort(journal: Journal, path: Path, address: SinkAddress) -> Escort:
    return Escort(journal, path, address, monotonic=lambda: 0.0, sleep=lambda _: None)


def handed(sink: SinkServer) -> set[str]:
    events = sink.events
    return {e["entity"]["name"] for e in events if e.get("activity_name") == "Intend"}


def test_each_of_many_threads_goes_on_when_the_sink_has_its_intent(
    journal: Journal, path: Path, sink: SinkServer
) -> None:
    address = SinkAddress(sink.url, "ocsf-1.8")
    sent(path, address)

    def work(name: str) -> list[bool]:
        seen = []
        for number in range(3):
            guarded.append("intent", intent(f"{name}{number}"))
            seen.append(f"{name}{number}@acme.example" in handed(sink))
            guarded.append("outcome", outcome(f"{name}{number}"))
        return seen

    with escort(journal, path, address) as guarded, ThreadPoolExecutor(THREADS) as pool:
        seen = [each for found in pool.map(work, "abcdefgh") for each in found]
    sent(path, address)

    assert seen == [True] * 3 * THREADS
    told = [e["metadata"]["uid"] for e in sink.events]
    records = read_chain(path.read_bytes()).records
    assert told == [e["metadata"]["uid"] for _, e in exported(records, "ocsf-1.8")]


def test_those_who_wait_share_one_exchange(journal: Journal, path: Path, sink: SinkServer) -> None:
    address = SinkAddress(sink.url, "ocsf-1.8")
    sent(path, address)
    before, pause = len(sink.asked), threading.Event()

    def hold() -> None:
        """Keep the first waiting until all have recorded their intent."""
        while len(journal.appended) < 1 + THREADS:
            pause.wait(0.001)

    sink.when_taken = hold
    with escort(journal, path, address) as guarded, ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(guarded.append, "intent", intent(c)) for c in "abcdefgh"]:
            future.result()

    assert len(handed(sink)) == THREADS + 1
    assert len(sink.asked) - before in {1, 2}


@pytest.mark.parametrize("form", FORMS)
def test_what_was_handed_over_is_what_an_export_tells_and_is_not_sent_again(
    journal: Journal, path: Path, sink: SinkServer, form: str
) -> None:
    address = SinkAddress(sink.url, form)
    sent(path, address)
    with escort(journal, path, address) as guarded:
        guarded.append("intent", intent("ana"))
        guarded.append("outcome", outcome("ana"))
        guarded.append("intent", intent("bo"))

    assert sent(path, address) == 0
    told = [event for _, event in exported(read_chain(path.read_bytes()).records, form)]
    assert sink.events == told


def test_when_the_sink_says_no_all_who_wait_and_all_who_come_are_refused(
    journal: Journal, path: Path, sink: SinkServer
) -> None:
    address = SinkAddress(sink.url, "ocsf-1.8")
    sent(path, address)
    asked = len(sink.asked)
    sink.answers.append(403)

    with escort(journal, path, address) as guarded, ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(guarded.append, "intent", intent(c)) for c in "abcdefgh"]
        told = [str(future.exception()) for future in futures]
        with pytest.raises(RefusedError, match="does not take the record"):
            guarded.append("intent", intent("late"))
        guarded.append("outcome", outcome("late"))

    assert all("answered 403" in each for each in told)
    assert len(sink.asked) == asked + 1  # it said no once, and is asked no more
    kinds = [record.kind for record in journal.appended]
    assert kinds[-1] == "outcome"
    assert "late@acme.example" not in str([r.data for r in journal.appended if r.kind == "intent"])


def test_what_needs_no_leave_is_recorded_without_the_sink(
    journal: Journal, path: Path, sink: SinkServer
) -> None:
    address = SinkAddress(sink.url, "ocsf-1.8")
    sent(path, address)
    asked = len(sink.asked)

    with escort(journal, path, address) as guarded:
        guarded.append("outcome", outcome("ana"))

    assert len(sink.asked) == asked
    assert sent(path, address) > 0


def test_a_note_that_cannot_be_kept_costs_a_second_delivery_only(
    journal: Journal, path: Path, sink: SinkServer
) -> None:
    address = SinkAddress(sink.url, "ocsf-1.8")
    sent(path, address)
    with escort(journal, path, address) as guarded:
        guarded.append("intent", intent("ana"))
        cursor_path(path, address).unlink()
        cursor_path(path, address).mkdir()
    cursor_path(path, address).rmdir()

    assert sent(path, address) == 4
