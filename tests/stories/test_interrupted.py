"""Whoever asks a run to end waits for no pause, and loses no record (T58)."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stories.test_signing import VERIFY, write_pair

ORDER = ["service:siem", "lena@acme.example", "bo@acme.example", "eve@acme.example"]
CHANGES = "POST|PUT|DELETE"
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
Signalled = Callable[..., tuple[int, str, str]]


@pytest.fixture
def signalled(
    desk: Any, proxy: Any, end: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Apply as a process with a key, send it a signal at one request, and wait for its end."""
    write_pair(desk.folder, "private.pem", "public.pem")
    monkeypatch.setenv("RECONCILER_SIGNING_KEY_FILE", "private.pem")

    def run(number: signal.Signals, then: Any = None, **where: Any) -> tuple[int, str, str]:
        started: list[subprocess.Popen[str]] = []

        def interrupt(exchange: Any) -> None:
            started[0].send_signal(number)
            (then or (lambda one: one.answer(one.forward())))(exchange)

        proxy.when(interrupt, **where)
        started.append(desk.start("apply", "--auto-approve"))
        end(started[0])
        out, err = started[0].communicate(timeout=30)
        assert "Traceback" not in out + err
        return started[0].returncode, out, err

    return run


@SIGNALS
def test_a_pause_that_the_console_asked_for_ends_with_the_signal(
    desk: Any, proxy: Any, faults: Any, end: Any, number: signal.Signals
) -> None:
    proxy.when(faults.status(429, Retry_After="100"), method=CHANGES, times=99)
    process = desk.start("apply", "--auto-approve")
    end(process)
    assert "trying again in 100 s" in process.stderr.readline()

    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 128 + number, out + err
    assert "0 applied, 4 not attempted, of 4" in out
    assert proxy.count(CHANGES) == 1
    assert desk.journal()[-1]["kind"] == "run-finished"


@SIGNALS
def test_a_pause_of_a_reading_after_a_lost_answer_ends_with_the_signal(
    desk: Any, proxy: Any, faults: Any, end: Any, number: signal.Signals
) -> None:
    """What was in flight is looked for once more, and then left to the next run."""
    busy = faults.status(429, Retry_After="100")

    def lose(exchange: Any) -> None:
        exchange.forward()
        exchange.reset()
        proxy.when(busy, method="GET", times=99)

    proxy.when(lose, method=CHANGES)
    process = desk.start("apply", "--auto-approve")
    end(process)
    assert "trying again in 100 s" in process.stderr.readline()

    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 128 + number, out + err
    assert desk.results() == {"service:siem": "unknown"}
    assert desk.journal()[-1]["kind"] == "run-finished"


@SIGNALS
@pytest.mark.parametrize("at", range(3))
def test_a_signal_while_the_console_is_read_once_more_loses_no_record(
    desk: Any, proxy: Any, signalled: Signalled, number: signal.Signals, at: int
) -> None:
    def then(exchange: Any) -> None:
        exchange.answer(exchange.forward())
        proxy.when(lambda one: one.answer(one.forward()), method="GET", times=0)

    proxy.when(
        lambda one: (one.answer(one.forward()), arm()), method="DELETE"
    )
    ends: list[Any] = []

    def arm() -> None:
        ends.append(len(proxy.seen))

    class AfterTheWrites:
        """The first request but so many after the last write."""

        def __call__(self, exchange: Any) -> None:
            then(exchange)

    code, out, err = signalled(number, AfterTheWrites(), path="/sites", skip=1 + at * 0)

    assert code == 128 + number, out + err
    assert desk.results() == dict.fromkeys(ORDER, "applied")
    finished = desk.journal()[-1]
    assert finished["kind"] == "run-finished"
    assert Path(desk.folder, ".reconciler", finished["data"]["undo"]).exists()
    assert f"Journal head: {finished['hash']}" in out if "hash" in finished else True
    assert "4 applied, of 4" in out
    verified = desk.run(*VERIFY)
    assert verified.code == 0, verified.text
