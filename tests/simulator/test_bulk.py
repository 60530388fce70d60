"""Bulk deletion: whom a filter takes, and how dangerous an empty one is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.records import Grant
from reconciler.simulator.serve import Running
from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]

USERS, SERVICES = "/users/delete-users", "/service-users/delete-service-users"


def delete(client: httpx.Client, path: str, **wanted: Any) -> httpx.Response:
    return client.post(path, json={"filter": wanted})


def test_a_filter_takes_whom_it_matches(
    client: httpx.Client, console: Running, world: World, ids: Names
) -> None:
    two = [ids("ana@acme.example"), ids("bo@acme.example")]
    assert delete(client, USERS, ids=two).json() == {"data": {"affected": 2}}
    assert not set(two) & set(world.users)
    assert [change.after for change in console.changes] == [None, None]
    told = client.get("/activities").json()["data"]
    assert [each["activityType"] for each in told] == [25, 25]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"email": "ana@acme.example"}, 1),
        ({"source": "sso_saml"}, 8),
        ({"emailVerified": False}, 1),
        ({"email__contains": ["ana@", "bo@"], "ids": None}, 2),
        ({"lastActivation__lt": "2024-06-01T00:00:00Z"}, 1),
        ({"fullName__contains": ["Ruiz, A"]}, 0),
    ],
)
def test_every_kind_of_filter_works_in_a_body(
    client: httpx.Client, wanted: dict[str, Any], expected: int
) -> None:
    assert delete(client, USERS, **wanted).json()["data"]["affected"] == expected


@pytest.mark.parametrize("wanted", [{}, {"ids": []}, {"query": None}])
def test_an_empty_filter_takes_everybody_but_the_system(
    client: httpx.Client, world: World, wanted: dict[str, Any]
) -> None:
    assert delete(client, USERS, **wanted).json()["data"]["affected"] == 44
    assert [user.is_system for user in world.users.values()] == [True]


def test_an_empty_filter_takes_the_caller_too(
    client: httpx.Client, world: World, refuses: Refuses
) -> None:
    number = len(world.service_users)
    assert delete(client, SERVICES).json()["data"]["affected"] == number
    refuses(client.get("/user"), 401)


@pytest.mark.parametrize("path", [USERS, SERVICES])
def test_a_console_may_refuse_an_empty_filter(
    client: httpx.Client, world: World, refuses: Refuses, path: str
) -> None:
    world.settings = replace(world.settings, empty_filter="refused")
    refuses(delete(client, path), 400, "filter: Missing data")
    refuses(delete(client, path, ids=[]), 400, "filter: Missing data")


def test_a_misspelt_filter_is_refused_or_by_a_switch_ignored(
    client: httpx.Client, world: World, refuses: Refuses
) -> None:
    refuses(delete(client, USERS, emial="ana@acme.example"), 400, "emial: Unknown field")
    refuses(delete(client, USERS, siteIds=["1"]), 400, "siteIds: Unknown field")
    world.settings = replace(world.settings, misspelt_filter="ignored")
    answer = delete(client, USERS, emial="ana@acme.example")
    assert answer.json()["data"]["affected"] == 44


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ({}, "filter: Missing data"),
        ({"filter": []}, "filter: Invalid type"),
        ({"filter": {"ids": "1"}}, "ids: Invalid type"),
        ({"filter": {"ids": [1.5]}}, "ids: Not a valid Identifier"),
        ({"filter": {"ids": [True]}}, "ids: Not a valid Identifier"),
        ({"filter": {"ids": ["x"]}}, "ids: Not a valid Identifier"),
        ({"filter": {"accountIds": []}}, "accountIds: Shorter than minimum length 1"),
        ({"filter": {}, "data": {"x": 1}}, "x: Unknown field"),
        ({"filter": {}, "extra": 1}, "extra: Unknown field"),
    ],
)
def test_a_malformed_bulk_body_is_a_validation_error(
    client: httpx.Client, refuses: Refuses, content: dict[str, Any], detail: str
) -> None:
    refuses(client.post(SERVICES, json=content), 400, detail)


def test_service_users_are_taken_by_place_and_role(client: httpx.Client, world: World) -> None:
    site = delete(client, SERVICES, siteIds=["1820000000000000232"])
    assert site.json()["data"]["affected"] == 1
    role = delete(client, SERVICES, roleIds=["1820000000000000303"])
    assert role.json()["data"]["affected"] == 1
    assert len(world.service_users) == 10


def test_whom_the_caller_may_not_delete_is_left_out(acting_as: OpenClient, world: World) -> None:
    before = set(world.users)
    answer = delete(acting_as("petra@acme.example"), USERS)
    gone = before - set(world.users)
    assert answer.json()["data"]["affected"] == len(gone) > 0
    assert len(world.users) > 10


def test_who_stands_where_the_caller_may_only_look_is_left_out(
    acting_as: OpenClient, world: World, ids: Names
) -> None:
    there = ids("Acme Americas/Branch-001")  # Xenia is Admin of Austin and Viewer there
    tables: list[tuple[Any, str]] = [
        (world.users, "will@acme.example"),
        (world.service_users, "ticketing"),
    ]
    for table, name in tables:
        one = table[ids(name)]
        table[ids(name)] = replace(one, grants=(Grant(there, ids("role Viewer")),))
    xenia = acting_as("xenia@acme.example")
    for path, name in ((USERS, "will@acme.example"), (SERVICES, "ticketing")):
        assert delete(xenia, path, ids=[ids(name)]).json() == {"data": {"affected": 0}}


def test_a_viewer_deletes_nobody(acting_as: OpenClient, refuses: Refuses) -> None:
    for path in (USERS, SERVICES):
        refuses(delete(acting_as("reconciler-plan"), path), 403)


def test_only_ids_of_a_bulk_filter_may_be_numbers(
    client: httpx.Client, ids: Names, refuses: Refuses
) -> None:
    refuses(delete(client, USERS, sources=[1]), 400, "sources: Invalid type")
    numbers = [int(ids("ana@acme.example")), int(ids("bo@acme.example"))]
    assert delete(client, USERS, ids=numbers).json() == {"data": {"affected": 2}}
    account = [int(ids("Acme EMEA"))]
    assert delete(client, SERVICES, accountIds=account).json()["data"]["affected"] > 0
