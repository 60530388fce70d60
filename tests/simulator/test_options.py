"""Options, their variables, and who may use the control API where."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from reconciler.simulator.door import door_for, is_loopback
from reconciler.simulator.options import read, world_for
from reconciler.simulator.serve import listen, url_of
from reconciler.simulator.world import DEFAULT_WORLD, dump, load

SECRET = "a-long-enough-secret"  # noqa: S105  not one
EVERYWHERE = "0.0.0.0"  # noqa: S104  what a container listens on
Open = Callable[..., dict[str, str]]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Start a simulator with variables and options; return its start line."""
    started: list[subprocess.Popen[bytes]] = []

    def run(variables: dict[str, str], *options: str) -> dict[str, str]:
        command = [sys.executable, "-P", "-m", "reconciler.simulator", "--no-log", *options]
        environment = {**os.environ, **variables}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, env=environment))
        assert started[-1].stdout is not None
        told: dict[str, str] = json.loads(started[-1].stdout.readline())
        return told

    yield run
    for each in started:
        each.terminate()
        each.communicate(timeout=120)


def door(told: dict[str, str], value: str) -> int:
    with httpx.Client(trust_env=False, headers={"X-Simulator-Control": value}) as client:
        return client.get(told["url"] + "/_simulator/changes").status_code


def users(told: dict[str, str]) -> int:
    headers = {"Authorization": f"ApiToken {told['token']}"}
    with httpx.Client(trust_env=False, headers=headers) as client:
        answer = client.get(told["url"] + "/web/api/v2.1/users?countOnly=true")
    total: int = answer.json()["pagination"]["totalItems"]
    return total


def test_a_container_is_told_everything_by_its_environment(opened: Open, tmp_path: Path) -> None:
    variables = {
        "SIMULATOR_HOST": EVERYWHERE, "SIMULATOR_SEED": "4", "SIMULATOR_USERS": "8",
        "SIMULATOR_SERVICE_USERS": "3", "SIMULATOR_STATE": os.fspath(tmp_path / "state"),
        "SIMULATOR_CONTROL_TOKEN": SECRET,
    }  # fmt: skip
    told = opened(variables)
    assert told.keys() == {"url", "token"}
    assert told["url"].startswith("http://127.0.0.1:")
    assert users(told) == 8
    assert (door(told, SECRET), door(told, "yes"), door(told, "")) == (200, 403, 403)
    assert (tmp_path / "state").exists()


def test_off_loopback_without_a_secret_there_is_no_control_api(opened: Open) -> None:
    told = opened({}, "--host", EVERYWHERE)
    assert users(told) == 45
    assert door(told, "yes") == 403


def test_the_command_line_wins_over_the_environment(opened: Open) -> None:
    variables = {"SIMULATOR_SEED": "4", "SIMULATOR_USERS": "8", "SIMULATOR_PORT": "1"}
    told = opened(variables, "--world", os.fspath(DEFAULT_WORLD), "--port", "0")
    assert users(told) == 45


def test_a_large_world_is_ready_and_has_counted_nothing(opened: Open) -> None:
    told = opened({}, "--seed", "1", "--users", "1100")
    headers = {"X-Simulator-Control": "yes"}
    with httpx.Client(trust_env=False, headers=headers) as client:
        assert client.get(told["url"] + "/_simulator/requests").json()["total"] == 0
    assert users(told) == 1100


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["--world", "x", "--seed", "1"], {}, "exclude each other"),
        (["--users", "5"], {}, "goes with --seed"),
        (["--speed", "5"], {}, "unrecognized arguments: --speed 5"),
        (["--po", "5"], {}, "unrecognized arguments: --po 5"),
        ([], {"SIMULATOR_PORT": "eighty"}, "--port: invalid int value"),
        ([], {"SIMULATOR_LOG": "off"}, "SIMULATOR_LOG is yes or no, not 'off'"),
        ([], {"SIMULATOR_FAULTS": "503@1"}, "SIMULATOR_FAULTS is unknown; did you mean SIM"),
        ([], {"SIMULATOR_CONTROL_TOKN": "x"}, "did you mean SIMULATOR_CONTROL_TOKEN?"),
        ([], {"SIMULATOR_X": "1"}, "SIMULATOR_X is unknown; unset it"),
    ],
)
def test_wrong_usage_ends_with_1_and_says_why(
    capsys: pytest.CaptureFixture[str], arguments: list[str], environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        read(arguments, environ)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert told.err.startswith("the simulator cannot start: ")
    assert message in told.err


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("503@GET /users#1", ["503@GET /users#1"]),
        ("503@1; nan@GET /users ;", ["503@1", "nan@GET /users"]),
        ("\n503@1\n  nan@2\n\n", ["503@1", "nan@2"]),
        ('503@1\nchange=a PUT /b {"c": ";"}@2', ["503@1", 'change=a PUT /b {"c": ";"}@2']),
    ],
)  # fmt: skip
def test_a_variable_holds_several_faults(text: str, faults: list[str]) -> None:
    assert read([], {"SIMULATOR_FAULT": text}).fault == faults
    assert read(["--fault", "html@1"], {"SIMULATOR_FAULT": text}).fault == [*faults, "html@1"]


def test_the_log_is_switched_by_a_variable() -> None:
    given = [read([], {"SIMULATOR_LOG": text}).log for text in ("yes", "no", "")]
    assert given == [True, False, True]
    assert read(["--log"], {"SIMULATOR_LOG": "no", "SIMULATOR_X": ""}).log is True


def test_help_teaches_by_examples_and_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(["--help"], {})
    told = capsys.readouterr().out
    assert ended.value.code == 0
    groups = ("where it serves", "which company", "what outlives it", "what shall go wrong")
    for word in (*groups, "examples:", "environment:", "--state FILE", "SIMULATOR_CONTROL_TOKEN"):
        assert word in told
    assert max(map(len, told.splitlines())) <= 100


def test_a_world_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"accounts": 5}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"world\.json: "):
        world_for(read(["--world", os.fspath(path)], {}))


def export(folder: Path, *options: str) -> str:
    command = [sys.executable, "-P", "-m", "reconciler.simulator", *options]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_world_can_be_exported_from_wherever_it_comes(opened: Open, tmp_path: Path) -> None:
    assert export(tmp_path, "--export", "-") == dump(load())
    assert export(tmp_path, "--seed", "3", "--export", "world.json") == ""
    assert len(load(tmp_path / "world.json").users) == 200
    state = ("--state", "kept")
    assert export(tmp_path, *state, "--export", "-") == dump(load())
    assert not (tmp_path / "kept").exists()
    told = opened({}, "--state", os.fspath(tmp_path / "state"), "--port", "0")
    assert users(told) == 45


def test_a_kept_world_can_be_exported_when_nobody_uses_it(opened: Open, tmp_path: Path) -> None:
    state = ("--state", os.fspath(tmp_path / "state"))
    size = ("--seed", "2", "--users", "5")
    assert export(tmp_path, *state, *size, "--watch-stdin")  # its input is at its end: it stops
    told = json.loads(export(tmp_path, *state, "--export", "-"))
    assert len(told["users"]) == 5
    opened({}, *state)
    with pytest.raises(subprocess.CalledProcessError):
        export(tmp_path, *state, "--export", "-")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
     (EVERYWHERE, False), ("::", False), ("10.1.2.3", False), ("simulator.example", False)],
)  # fmt: skip
def test_only_loopback_opens_the_door_without_a_secret(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
    assert door_for(host, "").is_open is expected
    assert door_for(host, SECRET).is_open


@pytest.mark.parametrize("secret", ["yes", "short", "x" * 15, "ä" * 20, "a-secret\nwith-a-break"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="SIMULATOR_CONTROL_TOKEN needs 16"):
        door_for("127.0.0.1", secret)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_ipv6_address_is_told_as_a_url() -> None:
    try:
        listener = listen(0, "::1")
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


def test_what_kubernetes_adds_for_a_service_called_simulator_is_no_mistake() -> None:
    linked = {
        "SIMULATOR_PORT": "tcp://10.0.0.1:80",
        "SIMULATOR_PORT_80_TCP_ADDR": "10.0.0.1",
        "SIMULATOR_SERVICE_HOST": "10.0.0.1",
        "SIMULATOR_SERVICE_PORT": "80",
    }

    assert read([], linked).port == read([], {}).port
