"""The switches: the default is the dangerous answer, and each does what its word says."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import httpx
import pytest

from reconciler.simulator import rules
from reconciler.simulator.records import SWITCHES, Grant, Settings
from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]
Entry = Callable[..., dict[str, Any]]

ANA = "/users/1820000000000001025"


def turn(world: World, **switches: Any) -> None:
    world.settings = replace(world.settings, **switches)


def test_every_switch_is_a_setting_and_its_first_answer_the_default() -> None:
    defaults = {item.name: item.default for item in fields(Settings)}
    assert {name: answers[0] for name, answers in SWITCHES.items()}.items() <= defaults.items()
    assert all(len(answers) > 1 for answers in SWITCHES.values())


def test_every_switch_is_in_the_table_of_the_rules() -> None:
    for name in (*SWITCHES, "newer"):
        assert f"| {name} |" in str(rules.__doc__)


def test_an_answer_that_a_switch_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty_filter is one of everyone, refused"):
        Settings(empty_filter="maybe")


@pytest.mark.parametrize("path", [ANA, "/service-users/1820000000000002004"])
def test_an_omitted_list_may_be_kept_or_refused(
    client: httpx.Client, world: World, refuses: Refuses, path: str
) -> None:
    before = client.get(path).json()["data"]["scopeRoles"]
    turn(world, omitted_roles="kept")
    kept = client.put(path, json={"data": {"scope": "site"}})
    assert kept.json()["data"]["scopeRoles"] == before != []
    turn(world, omitted_roles="refused")
    refuses(client.put(path, json={"data": {"scope": "site"}}), 400, "scopeRoles: Missing data")


def test_a_kept_list_does_not_survive_another_level(client: httpx.Client, world: World) -> None:
    turn(world, omitted_roles="kept")
    answer = client.put(ANA, json={"data": {"scope": "account"}})
    assert answer.json()["data"]["scopeRoles"] == []


def test_extra_fields_of_an_entry_may_be_ignored(
    client: httpx.Client, world: World, grant: Entry
) -> None:
    turn(world, entry_extras="ignored")
    entry = grant("SOC", "Acme EMEA/Berlin", name="Berlin", accountName="Acme EMEA")
    body = {"data": {"scope": "site", "scopeRoles": [entry]}}
    assert client.put(ANA, json=body).status_code == 200


def test_entries_may_come_as_they_were_sent(
    client: httpx.Client, world: World, grant: Entry
) -> None:
    entries = [grant("SOC", f"Acme EMEA/{name}") for name in ("Lyon", "Berlin", "Madrid")]
    body = {"data": {"scope": "site", "scopeRoles": entries}}

    def names() -> list[str]:
        shown = client.put(ANA, json=body).json()["data"]["scopeRoles"]
        return [entry["name"] for entry in shown]

    assert names() == ["Madrid", "Lyon", "Berlin"]
    turn(world, entry_order="sent")
    assert names() == ["Lyon", "Berlin", "Madrid"]


@pytest.mark.parametrize(("switch", "left"), [("deleted", 1), ("kept", 2)])
def test_unseen_grants_may_be_kept(
    acting_as: OpenClient, world: World, ids: Names, grant: Entry, switch: str, left: int
) -> None:
    turn(world, unseen_grants=switch)
    user_id, role = ids("mina@acme.example"), ids("role Viewer")
    places = (ids("Acme EMEA/Berlin"), ids("Acme Americas/Austin"))
    grants = tuple(Grant(place, role) for place in places)
    world.users[user_id] = replace(world.users[user_id], scope="site", grants=grants)
    body = {"data": {"scope": "site", "scopeRoles": [grant("SOC", "Acme EMEA/Berlin")]}}
    answer = acting_as("petra@acme.example").put(f"/users/{user_id}", json=body)
    assert answer.status_code == 200
    assert len(world.users[user_id].grants) == left


def test_a_taken_address_may_be_a_validation_error(
    client: httpx.Client, world: World, refuses: Refuses, grant: Entry
) -> None:
    turn(world, taken_email="400")
    person = {"email": "bo@acme.example", "fullName": "B", "scope": "tenant"}
    body = {"data": person | {"scopeRoles": [grant("Viewer")]}}
    refuses(client.post("/users", json=body), 400, "already exists")


@pytest.mark.parametrize("path", ["/users/1", "/service-users/1"])
def test_deleting_somebody_unknown_may_succeed(
    client: httpx.Client, world: World, path: str
) -> None:
    turn(world, unknown_delete="success")
    assert client.delete(path).json() == {"data": {"success": True}}


def test_system_users_may_be_writable(client: httpx.Client, world: World, ids: Names) -> None:
    turn(world, system_users="writable")
    url = f"/users/{ids('support@mgmt-1.sentinelone.net')}"
    assert client.delete(url).status_code == 200


def test_the_last_activation_may_move_with_the_calls(
    acting_as: OpenClient, world: World, ids: Names
) -> None:
    robot = ids("soar")
    before = world.service_users[robot].last_activation
    acting_as("soar").get("/user")
    assert world.service_users[robot].last_activation == before
    turn(world, last_activation="moving")
    acting_as("soar").get("/user")
    assert world.service_users[robot].last_activation == "2026-11-23T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("switch", "said"), [("absent", {}), ("null", {"errors": None}), ("empty", {"errors": []})]
)
@pytest.mark.parametrize("path", ["/system/status", "/users", "/sites", ANA, "/activities"])
def test_a_success_may_say_that_there_are_no_errors(
    client: httpx.Client, world: World, path: str, switch: str, said: dict[str, Any]
) -> None:
    plain = client.get(path).json()
    turn(world, success_errors=switch)
    assert client.get(path).json() == plain | said
    assert client.delete(ANA).json() == {"data": {"success": True}} | said
