"""Whoever asks a run to end waits for no pause, and loses no record (T58)."""

import signal
import subprocess
from typing import Any

import pytest
from stories.test_signing import VERIFY, write_pair

ORDER = ["service:siem", "lena@acme.example", "bo@acme.example", "eve@acme.example"]
CHANGES = "POST|PUT|DELETE"
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@pytest.fixture
def keys(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every process sign with a key of its own."""
    write_pair(desk.folder, "private.pem", "public.pem")
    monkeypatch.setenv("RECONCILER_SIGNING_KEY_FILE", "private.pem")


@SIGNALS
def test_a_pause_that_the_console_asked_for_ends_with_the_signal(
    desk: Any, proxy: Any, faults: Any, end: Any, number: signal.Signals
) -> None:
    proxy.when(faults.status(429, Retry_After="100"), method=CHANGES, times=99)
    process = desk.start("apply", "--auto-approve")
    end(process)
    assert "trying again in 100 s" in process.stderr.readline()

    process.send_signal(number)
    out, err = process.communicate(timeout=120)

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
    out, err = process.communicate(timeout=120)

    assert process.returncode == 128 + number, out + err
    assert desk.results() == {"service:siem": "unknown"}
    assert desk.journal()[-1]["kind"] == "run-finished"


@pytest.mark.usefixtures("keys")
@SIGNALS
@pytest.mark.parametrize(("path", "earlier"), [("/sites", 1), ("/activities", 2)])
def test_a_signal_after_the_last_write_loses_no_record(
    desk: Any, proxy: Any, end: Any, number: signal.Signals, path: str, earlier: int
) -> None:
    """While all is read once more, or while the log is asked who else wrote."""
    started: list[subprocess.Popen[str]] = []

    def interrupt(exchange: Any) -> None:
        started[0].send_signal(number)
        exchange.answer(exchange.forward())

    proxy.when(interrupt, path=path, skip=earlier)
    started.append(desk.start("apply", "--auto-approve"))
    end(started[0])

    out, err = started[0].communicate(timeout=120)

    assert started[0].returncode == 128 + number, out + err
    assert desk.results() == dict.fromkeys(ORDER, "applied")
    finished = desk.journal()[-1]
    assert finished["kind"] == "run-finished"
    assert (desk.folder / ".reconciler" / finished["data"]["undo"]).exists()
    assert "4 applied, of 4" in out
    assert desk.run(*VERIFY).code == 0


@pytest.mark.parametrize("command", ["plan", "drift", "snapshot --out x.json"])
def test_a_pause_while_a_command_only_reads_ends_with_ctrl_c(
    desk: Any, proxy: Any, faults: Any, end: Any, command: str
) -> None:
    proxy.when(faults.status(429, Retry_After="100"), path="/sites", times=99)
    process = desk.start(*command.split())
    end(process)
    assert "trying again in 100 s" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)

    assert (process.returncode, out) == (130, ""), err
    assert err.endswith("Interrupted.\n")
    assert "Traceback" not in err


@pytest.mark.usefixtures("keys")
@SIGNALS
def test_a_signal_before_the_first_write_leaves_a_journal_that_verifies(
    desk: Any, proxy: Any, faults: Any, end: Any, number: signal.Signals
) -> None:
    """A run that is refused leaves a record too, and the next one is ended while it reads."""
    desk.edit("guardrails.yaml", "nothing_left: delete", "nothing_left: refuse")
    assert desk.process("apply", "--auto-approve").code == 3
    proxy.when(faults.status(429, Retry_After="100"), path="/sites", times=99)
    process = desk.start("apply", "--auto-approve")
    end(process)
    assert "trying again in 100 s" in process.stderr.readline()

    process.send_signal(number)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in out + err
    assert desk.run(*VERIFY).code == 0


@SIGNALS
@pytest.mark.parametrize(
    ("where", "applied"),
    [
        ({"method": CHANGES}, 1),
        ({"path": "/sites", "skip": 1}, 4),
        ({"path": "/activities", "skip": 2}, 4),
    ],
    ids=["writing", "reading once more", "asking the log"],
)
def test_a_signal_to_this_process_ends_it_with_every_record(
    desk: Any, proxy: Any, faults: Any, number: signal.Signals, where: Any, applied: int
) -> None:
    proxy.when(faults.before(lambda: desk.interrupted(number)), **where)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 128 + number, told.text
    assert desk.results() == dict.fromkeys(ORDER[:applied], "applied")
    finished = desk.journal()[-1]
    assert finished["kind"] == "run-finished"
    assert (desk.folder / ".reconciler" / finished["data"]["undo"]).exists()


@SIGNALS
def test_a_signal_before_a_token_is_made_makes_none(
    desk: Any, proxy: Any, faults: Any, number: signal.Signals
) -> None:
    line = ("service-user", "rotate", "siem", "--secret-file", "new.token", "--auto-approve")
    interrupt = faults.before(lambda: desk.interrupted(number))
    proxy.when(interrupt, path="/service-users", skip=1)

    told = desk.run(*line)

    assert told.code == 128 + number, told.text
    assert desk.results() == {}
    assert desk.journal()[-1]["kind"] == "run-finished"
    assert desk.console.changes == []


def test_sigterm_while_reading_leaves_through_the_exits(desk: Any, proxy: Any, faults: Any) -> None:
    proxy.when(faults.before(desk.interrupted), path="/sites")

    with pytest.raises(SystemExit) as ended:
        desk.run("apply", "--auto-approve")

    assert ended.value.code == 143
    assert desk.console.changes == []
    assert desk.run("apply", "--auto-approve").code == 0
