"""Any fault from one command: the simulator as a process, with options and a scenario file."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the module; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "reconciler.simulator", *options]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def served(process: "subprocess.Popen[bytes]") -> tuple[httpx.Client, str]:
    """Return a client of a started simulator, and its token."""
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    headers = {"Authorization": f"ApiToken {told['token']}"}
    url = told["url"] + "/web/api/v2.1"
    return httpx.Client(base_url=url, headers=headers, trust_env=False), told["token"]


def test_faults_and_limits_from_the_command_line_and_a_log(start: Start) -> None:
    process = start(
        "--fault", "503@2", "--fault", "429=9@GET /users#2", "--rate-limits", "seconds",
        "--fault-seed", "5",
    )  # fmt: skip
    client, token = served(process)
    with client:
        assert [client.get("/users").status_code for _ in range(3)] == [200, 503, 200]
        assert [client.get("/user").status_code for _ in range(6)] == [200] * 5 + [429]
    process.terminate()
    _, err = process.communicate(timeout=120)
    lines = err.decode().splitlines()
    assert len(lines) == 9
    assert lines[1].split(" ", 1)[1] == '2 GET /web/api/v2.1/users 503 "reconciler" 503'
    assert lines[8].endswith('429 "reconciler" rate-limit')
    assert token not in err.decode()


def test_a_scenario_file_stops_the_clock_and_the_log_can_be_off(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "storm.json"
    tree = {"clock": "2030-01-01T00:00:00Z", "faults": ["429=date+60@1"]}
    path.write_text(json.dumps(tree), encoding="utf-8")
    process = start("--scenario", os.fspath(path), "--no-log")
    client, _ = served(process)
    with client:
        refused = client.get("/users")
    assert refused.headers["retry-after"] == "Tue, 01 Jan 2030 00:01:00 GMT"
    process.terminate()
    assert process.communicate(timeout=120)[1] == b""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fault", "503"), "'503' is no fault: write KIND[=VALUE]@WHERE"),
        (("--fault", "resett-after@2"), "did you mean 'reset-after'?"),
        (("--fault", "change=zed GET /user@1"), "nobody is called 'zed'"),
        (("--scenario", "/nowhere/storm.json"), "No such file"),
        (("--scenario", os.devnull), "/dev/null: Expecting value"),
    ],
)
def test_what_it_can_not_do_is_told_in_one_line(
    start: Start, options: tuple[str, ...], message: str
) -> None:
    process = start(*options)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, b"")
    assert message in err.decode()
    assert err.count(b"\n") == 1
