"""The simulator as a process of its own: one line, service, and a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

Start = Callable[..., "subprocess.Popen[bytes]"]
LOGGED = [["1", "GET", "/web/api/v2.1/user", "200", '"reconciler"']]


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


def first_line(process: "subprocess.Popen[bytes]") -> dict[str, str]:
    assert process.stdout is not None
    told: dict[str, str] = json.loads(process.stdout.readline())
    return told


def ask(told: dict[str, str]) -> httpx.Response:
    headers = {"Authorization": f"ApiToken {told['token']}"}
    with httpx.Client(trust_env=False, headers=headers) as client:
        return client.get(told["url"] + "/web/api/v2.1/user")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_cleanly(start: Start, number: signal.Signals) -> None:
    process = start("--port", "0")
    told = first_line(process)
    assert told.keys() == {"url", "token"}
    assert told["url"].startswith("http://127.0.0.1:")
    assert ask(told).json()["data"]["fullName"] == "reconciler"
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, b"")
    assert [line.split()[1:] for line in err.decode().splitlines()] == LOGGED


def test_it_ends_when_standard_input_closes_and_is_watched(start: Start) -> None:
    process = start("--watch-stdin")
    told = first_line(process)
    assert ask(told).status_code == 200
    assert process.stdin is not None
    process.stdin.write(b"anything\n")
    process.stdin.flush()
    assert ask(told).status_code == 200
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, b"")
    assert err.count(b"\n") == 2


def test_it_stays_when_standard_input_closes_unwatched(start: Start) -> None:
    process = start()
    told = first_line(process)
    assert process.stdin is not None
    process.stdin.close()
    assert ask(told).status_code == 200
    assert process.poll() is None
    process.stdin = None


def test_the_token_is_another_at_each_start(start: Start) -> None:
    one, two = first_line(start()), first_line(start())
    assert one["token"] != two["token"]
    assert ask({"url": one["url"], "token": two["token"]}).status_code == 401


def test_it_serves_the_world_it_is_given(start: Start, tmp_path: Path) -> None:
    world = tmp_path / "tiny.json"
    robot = {"id": "7", "name": "robot", "scope": "tenant"}
    tree = {"settings": {"apply_service_user": "robot"}, "service_users": [robot]}
    world.write_text(json.dumps(tree), encoding="utf-8")
    told = first_line(start("--world", os.fspath(world)))
    assert ask(told).status_code == 403  # the robot holds nothing, but it is known


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("{", "Expecting property name"),
        ('{"planets": []}', "unknown table: planets"),
        ("{}", "no service user 'reconciler'"),
    ],
)
def test_a_world_it_cannot_serve_is_told_in_one_line(
    start: Start, tmp_path: Path, content: str | None, message: str
) -> None:
    world = tmp_path / "world.json"
    if content is not None:
        world.write_text(content, encoding="utf-8")
    process = start("--world", os.fspath(world))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, b"")
    assert message in err.decode()
    assert err.count(b"\n") == 1


def test_a_port_in_use_is_told_in_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]))
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert b"the simulator cannot start" in err
    assert b"Traceback" not in err
