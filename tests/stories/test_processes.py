"""Real processes: the story of the issue, and ends that come from outside."""

import contextlib
import json
import re
import signal
import subprocess
from typing import Any

import pytest

from reconciler.resources import resource

LENA, BO, SIEM, EVE = "lena@acme.example", "bo@acme.example", "service:siem", "eve@acme.example"
ORDER = [SIEM, LENA, BO, EVE]
WRITES = "POST|PUT|DELETE"
PRESSES, BREATH = 600, 0.2
"""How often somebody presses Ctrl-C again, and the seconds between."""
SUMMARY = re.compile(
    r"^Plan: \d+ to grant, \d+ to revoke, \d+ to invite, \d+ to delete, \d+ unlisted\.$",
    re.MULTILINE,
)


def test_plan_apply_plan_drift_on_the_shipped_company(desk: Any, end: Any) -> None:
    """The issue's "done when", with nothing but processes."""
    simulator = desk.start("simulator")
    end(simulator)
    served = json.loads(simulator.stdout.readline())
    assert served.keys() == {"url", "token"}
    desk.url, desk.token = served["url"], served["token"]
    policies = ("--policies", str(resource("policies")))

    planned = desk.process("plan", "--detailed-exitcode", *policies)
    applied = desk.process("apply", "--auto-approve", *policies)
    again = desk.process("plan", "--detailed-exitcode", *policies)
    drift = desk.process("drift", *policies)

    assert planned.code == 2
    assert SUMMARY.search(planned.out)
    assert applied.code == 0, applied.text
    assert again.code == 0
    assert re.search(r"^No changes\. \d+ unlisted\.$", again.out, re.MULTILINE)
    assert drift.code == 2
    assert "tomas.novak@contractor.example" in drift.out
    simulator.send_signal(signal.SIGTERM)
    assert simulator.wait(120) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("place", range(4))
def test_a_signal_finishes_the_operation_in_flight_and_starts_no_new_one(
    desk: Any, proxy: Any, faults: Any, number: signal.Signals, place: int, end: Any
) -> None:
    started: list[subprocess.Popen[str]] = []
    proxy.when(faults.before(lambda: started[0].send_signal(number)), method=WRITES, skip=place)
    started.append(desk.start("apply", "--auto-approve"))
    end(started[0])

    out, err = started[0].communicate(timeout=120)

    assert started[0].returncode == 128 + number, out + err
    assert len(desk.written()) == place + 1
    assert desk.recorded("intent") == desk.recorded("outcome") == ORDER[: place + 1]
    assert desk.journal()[-1]["kind"] == "run-finished"
    assert out.count("the run was interrupted\n") == 3 - place
    assert "Traceback" not in out + err


def test_a_second_signal_ends_the_process_at_once(
    desk: Any, proxy: Any, faults: Any, end: Any
) -> None:
    started: list[subprocess.Popen[str]] = []

    def until_it_ends() -> None:
        # Signals that arrive before the handler has run are one signal: somebody presses again.
        for _ in range(PRESSES):
            started[0].send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                started[0].wait(BREATH)
                break

    proxy.when(faults.before(until_it_ends), method="PUT")
    started.append(desk.start("apply", "--auto-approve"))
    end(started[0])

    started[0].communicate(timeout=120)

    assert started[0].returncode == -signal.SIGTERM
    assert desk.recorded("intent") == [SIEM]
    assert desk.recorded("outcome") == []


def test_ctrl_c_while_reading_is_one_word_and_130(
    desk: Any, proxy: Any, faults: Any, end: Any
) -> None:
    started: list[subprocess.Popen[str]] = []
    proxy.when(faults.before(lambda: started[0].send_signal(signal.SIGINT)), at=5)
    started.append(desk.start("apply", "--auto-approve"))
    end(started[0])

    out, err = started[0].communicate(timeout=120)

    assert (started[0].returncode, out) == (130, "")
    assert "Interrupted." in err
    assert "Traceback" not in err
    assert desk.console.changes == []


@pytest.mark.parametrize("effect", ["before", "after"])
@pytest.mark.parametrize("place", range(4))
def test_after_a_kill_at_any_write_the_next_run_converges_by_itself(
    desk: Any, proxy: Any, faults: Any, place: int, effect: str, end: Any
) -> None:
    started: list[subprocess.Popen[str]] = []

    def kill() -> None:
        started[0].send_signal(signal.SIGKILL)
        started[0].wait(120)

    proxy.when(getattr(faults, effect)(kill), method=WRITES, skip=place)
    started.append(desk.start("apply", "--auto-approve"))
    end(started[0])
    started[0].communicate(timeout=120)
    assert started[0].returncode == -signal.SIGKILL
    assert desk.recorded("intent") == ORDER[: place + 1]
    assert desk.recorded("outcome") == ORDER[:place]

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0, told.text
    assert desk.run("plan", "--detailed-exitcode").code == 0
    # Everything once: what the dead run had written was not written again.
    assert len(desk.written()) == 4
    assert set(desk.recorded("intent")) == set(ORDER)


def test_a_refused_token_is_one_error_of_a_real_process(desk: Any, proxy: Any, faults: Any) -> None:
    proxy.when(faults.status(401), times=100)

    told = desk.process("plan")

    assert (told.code, told.out) == (1, "")
    assert told.err.count("error:") == 1
