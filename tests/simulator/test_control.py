"""The simulator's own door and its diary."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.simulator.serve import Running
from reconciler.simulator.world import export, load

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def door(console: Running) -> Iterator[httpx.Client]:
    headers = {"X-Simulator-Control": "yes"}
    with httpx.Client(
        base_url=console.url + "/_simulator", headers=headers, trust_env=False
    ) as each:
        yield each


def test_the_door_is_shut_without_its_header(console: Running, refuses: Refuses) -> None:
    with httpx.Client(base_url=console.url + "/_simulator", trust_env=False) as plain:
        refuses(plain.get("/changes"), 403)
        refuses(plain.post("/tokens", json={"principal": "reconciler"}), 403)
        refuses(plain.get("/changes", headers={"X-Simulator-Control": "no"}), 403)


def test_the_door_knows_its_paths_and_methods(door: httpx.Client, refuses: Refuses) -> None:
    refuses(door.get("/nothing"), 404)
    refuses(door.get("/tokens"), 405)


def test_a_token_of_the_console_does_not_open_the_door(
    console: Running, client: httpx.Client, refuses: Refuses
) -> None:
    refuses(client.get(console.url + "/_simulator/world"), 403)


def test_every_change_is_written_down_with_before_and_after(
    door: httpx.Client, client: httpx.Client, acting_as: OpenClient, ids: Names, grant: Entry
) -> None:
    user_id = ids("ana@acme.example")
    body = {"data": {"scope": "account", "scopeRoles": [grant("SOC", "Acme EMEA")]}}
    acting_as("petra@acme.example").put(f"/users/{user_id}", json=body)
    client.delete(f"/service-users/{ids('edr-lab')}")
    put, delete = door.get("/changes").json()["changes"]
    assert (put["sequence"], put["at"]) == (1, "2026-11-23T09:00:00.000000Z")
    assert (put["actor_id"], put["actor"]) == (ids("petra@acme.example"), "Petra Novotná")
    assert (put["method"], put["path"]) == ("PUT", f"/web/api/v2.1/users/{user_id}")
    assert (put["before"]["scope"], len(put["before"]["grants"])) == ("site", 3)
    assert put["after"]["grants"] == [{"scope_id": ids("Acme EMEA"), "role_id": ids("role SOC")}]
    assert (delete["sequence"], delete["actor"]) == (2, "reconciler")
    assert (delete["before"]["name"], delete["after"]) == ("edr-lab", None)


def test_requests_are_counted_and_kept_in_order(
    door: httpx.Client, client: httpx.Client, console: Running
) -> None:
    for path in ("/user", "/users", "/user", "/nope"):
        client.get(path)
    told = door.get("/requests").json()
    assert told["total"] == 4
    assert told["counts"]["GET /web/api/v2.1/user"] == 2
    assert [path.removeprefix("/web/api/v2.1") for _, path in told["requests"]] == [
        "/user", "/users", "/user", "/nope",
    ]  # fmt: skip
    assert console.requests[0] == ("GET", "/web/api/v2.1/user")


@pytest.mark.parametrize(
    ("name", "principal_id"),
    [("petra@acme.example", "1820000000000001009"), ("HELENA.MARSH@acme.example",
     "1820000000000001016"), ("siem-export", "1820000000000002003")],
)  # fmt: skip
def test_a_minted_token_acts_as_its_principal(
    door: httpx.Client, open_client: OpenClient, name: str, principal_id: str
) -> None:
    token = door.post("/tokens", json={"principal": name}).json()["token"]
    assert open_client(f"ApiToken {token}").get("/user").json()["data"]["id"] == principal_id


@pytest.mark.parametrize("content", [b"{}", b'{"principal": 5}', b'{"principal": "x"}', b"[]"])
def test_a_token_for_nobody_is_refused(
    door: httpx.Client, refuses: Refuses, content: bytes
) -> None:
    refuses(door.post("/tokens", content=content), 400)


def test_replacing_the_world_resets_the_diary(
    door: httpx.Client, client: httpx.Client, console: Running, ids: Names
) -> None:
    whole = door.get("/world").json()
    client.delete(f"/users/{ids('ana@acme.example')}")
    assert ids("ana@acme.example") not in console.world.users
    assert door.post("/world", json=whole).json() == {"success": True}
    assert export(console.world) == export(load())
    assert (console.changes, console.requests) == ([], [])
    assert client.get("/user").status_code == 200


@pytest.mark.parametrize(
    ("tree", "detail"),
    [
        ({"planets": []}, "unknown table: planets"),
        ({"users": [{"id": "1"}]}, "User 1: unknown or missing field email"),
        ({"accounts": [5]}, "world:"),
    ],
)
def test_a_bad_world_is_refused_and_the_old_one_stays(
    door: httpx.Client, refuses: Refuses, console: Running, tree: Any, detail: str
) -> None:
    refuses(door.post("/world", json=tree), 400, detail)
    assert len(console.world.users) == 45
