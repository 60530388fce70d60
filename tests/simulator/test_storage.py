"""State in a file: nothing that was answered gets lost, and no foreign file gets touched."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.simulator.serve import open_console
from reconciler.simulator.storage import Storage
from reconciler.simulator.world import World, export, load

API = "/web/api/v2.1"
Start = Callable[..., "Started"]


class Started:
    """A simulator in a process of its own, and a client of it."""

    def __init__(self, state: Path, *options: str) -> None:
        command = [sys.executable, "-P", "-m", "reconciler.simulator", "--no-log", "--state"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*command, os.fspath(state), *options], stdout=pipe, stderr=pipe
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.told: dict[str, str] = json.loads(line)
        self.client = httpx.Client(
            base_url=self.told["url"],
            trust_env=False,
            headers={"Authorization": f"ApiToken {self.told['token']}"},
        )
        self.door = {"X-Simulator-Control": "yes"}

    def get(self, path: str) -> Any:
        answer = self.client.get(path, headers=self.door)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=120)
        self.client.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "rehearsal.state"


@pytest.fixture
def start(state: Path) -> Iterator[Start]:
    started: list[Started] = []

    def run(*options: str) -> Started:
        started.append(Started(state, *options))
        return started[-1]

    yield run
    for each in started:
        each.process.kill()
        each.process.communicate()
        each.client.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_answered_outlives_the_end_of_the_process(
    start: Start, number: signal.Signals
) -> None:
    one = start()
    victim = one.get(f"{API}/users?email=ana@acme.example")["data"][0]["id"]
    assert one.client.delete(f"{API}/users/{victim}").status_code == 200
    role = one.get(f"{API}/rbac/roles?name=Viewer")["data"][0]["id"]
    body = {"scope": "tenant", "scopeRoles": [{"roleId": role}], "name": "night-job"}
    body |= {"expirationDate": "2099-01-01T00:00:00Z"}
    made = one.client.post(f"{API}/service-users", json={"data": body}).json()["data"]
    before = {path: one.get(f"/_simulator/{path}") for path in ("world", "changes")}
    one.end(number)

    two = start()

    assert two.told["token"] == one.told["token"]
    assert {path: two.get(f"/_simulator/{path}") for path in before} == before
    assert two.get(f"{API}/activities?limit=100&activityTypes=25")["pagination"]["totalItems"] == 1
    robot = {"Authorization": f"ApiToken {made['apiToken']['value']}"}
    answer = two.client.get(f"{API}/user", headers=robot)
    assert answer.json()["data"]["fullName"] == "night-job"


def test_a_killed_simulator_goes_on_counting_where_it_was(start: Start) -> None:
    one = start()
    service = one.get(f"{API}/service-users?query=ticketing")["data"][0]
    path = f"{API}/service-users/{service['id']}"
    body = {"data": {"scope": service["scope"], "scopeRoles": [], "description": "one"}}
    assert one.client.put(path, json=body).status_code == 200
    one.end(signal.SIGKILL)
    two = start()
    assert two.client.delete(path).status_code == 200
    assert [each["sequence"] for each in two.get("/_simulator/changes")["changes"]] == [1, 2]


def test_no_id_is_given_twice_although_who_had_it_is_gone(start: Start) -> None:
    body = {"name": "robot", "scope": "site", "expirationDate": "2099-01-01T00:00:00Z"}
    one = start()
    first = one.client.post(f"{API}/service-users", json={"data": body}).json()["data"]["id"]
    assert one.client.delete(f"{API}/service-users/{first}").status_code == 200
    one.end(signal.SIGKILL)
    second = start().client.post(f"{API}/service-users", json={"data": body}).json()["data"]["id"]
    assert int(second) > int(first)


def test_the_highest_id_is_kept_even_of_what_no_activity_tells(state: Path, world: World) -> None:
    highest = str(world.highest_id() + 7)
    console = open_console(world)
    with closing(Storage(state)) as storage:
        storage.begin(console, "", "")
        world.users[highest] = replace(next(iter(world.users.values())), id=highest)
        storage.save(console)
        del world.users[highest]
        storage.save(console)
    assert int(restored(state).fresh_id()) > int(highest)


def test_a_replaced_world_is_kept_as_well_and_begins_a_new_diary(start: Start) -> None:
    one = start()
    whole = one.get("/_simulator/world")
    whole["users"] = whole["users"][:3]
    service = one.get(f"{API}/service-users?query=ticketing")["data"][0]["id"]
    assert one.client.delete(f"{API}/service-users/{service}").status_code == 200
    done = one.client.post("/_simulator/world", json=whole, headers=one.door)
    assert done.status_code == 200
    one.end(signal.SIGTERM)
    two = start()
    assert len(two.get("/_simulator/world")["users"]) == 3
    assert two.get("/_simulator/changes") == {"changes": []}


def test_one_state_is_not_for_two_simulators(start: Start, state: Path) -> None:
    start()
    with pytest.raises(ValueError, match="another simulator has it open"):
        Storage(state)


def test_a_kept_state_is_not_mixed_with_another_world(
    start: Start, state: Path, refused: Callable[..., str]
) -> None:
    start("--seed", "1", "--users", "9").end(signal.SIGTERM)
    start("--seed", "1", "--users", "9").end(signal.SIGTERM)
    start().end(signal.SIGTERM)
    told = refused("--state", os.fspath(state), "--seed", "2", "--users", "9")
    assert "began with --seed 1" in told
    assert "not with --seed 2" in told


@pytest.fixture
def refused() -> Callable[..., str]:
    """Start a simulator that cannot start; return the one line it tells."""

    def run(*options: str) -> str:
        command = [sys.executable, "-P", "-m", "reconciler.simulator", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("the simulator cannot start: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    return run


def write_database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version: 1\n", "not a state file of this simulator"),
        (("CREATE TABLE mine (a)",), "not a state file of this simulator"),
        (("PRAGMA application_id = 7",), "not a state file of this simulator"),
        (("PRAGMA application_id = 1395737411", "PRAGMA user_version = 9"), "of format 9"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_not_touched(
    state: Path, refused: Callable[..., str], content: Any, message: str
) -> None:
    if isinstance(content, bytes):
        state.write_bytes(content)
    else:
        write_database(state, *content)
    before = state.read_bytes()
    told = refused("--state", os.fspath(state))
    assert message in told
    assert os.fspath(state) in told
    assert state.read_bytes() == before


@pytest.mark.parametrize(("place", "word"), [("nowhere/state", "No such file"), (".", "directory")])
def test_a_place_where_no_file_can_be_is_refused(
    tmp_path: Path, refused: Callable[..., str], place: str, word: str
) -> None:
    assert word in refused("--state", os.fspath(tmp_path / place))


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM records WHERE kind = 'settings'",
        "DELETE FROM records WHERE kind = 'accounts'",
        "UPDATE records SET record = '{' WHERE kind = 'users'",
        "DROP TABLE diary",
    ],
)
def test_a_state_that_does_not_hold_together_is_refused(
    start: Start, state: Path, refused: Callable[..., str], damage: str
) -> None:
    start().end(signal.SIGTERM)
    write_database(state, damage)
    assert "the state in it cannot be used" in refused("--state", os.fspath(state))


def test_the_file_is_for_its_owner_only(start: Start, state: Path) -> None:
    start()
    assert state.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_is_not_answered_with_success_and_is_made_up_for(state: Path) -> None:
    world = load()
    console = open_console(world)
    with closing(Storage(state)) as storage:
        storage.begin(console, "", console.mint_apply_token())
        storage._connection.execute("PRAGMA query_only = 1")
        del world.users["1820000000000001025"]
        failure = storage.save(console)
        assert failure is not None
        assert (failure.status, b"cannot write its state" in failure.body) == (500, True)
        storage._connection.execute("PRAGMA query_only = 0")
        assert storage.save(console) is None
    assert export(restored(state)) == export(world)


def restored(state: Path) -> World:
    console = open_console(World())
    with closing(Storage(state)) as storage:
        storage.restore(console)
    return console.world


def test_every_kind_of_change_of_a_table_is_kept(state: Path) -> None:
    world = load()
    console = open_console(world)
    with closing(Storage(state)) as storage:
        storage.begin(console, "", console.mint_apply_token())
        first, second, third, *_ = list(world.users)
        moved = world.users.pop(first)
        world.users.update({first: moved})
        world.users.popitem()
        world.users.pop(second)
        world.users.setdefault(second, replace(moved, id=second))
        world.users |= {third: replace(moved, id=third)}
        assert world.users.pop("nobody", None) is None
        world.service_users.clear()
        world.activities.clear()
        storage.save(console)
        world.roles = dict(world.roles)
        storage.save(console)
    kept = restored(state)
    assert set(kept.users) == set(world.users)
    assert kept.users[third] == replace(moved, id=third)
    assert kept.service_users == {}
    assert kept.roles == world.roles
