"""Answers kept ready are the same as answers made anew."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.envelopes import Written, write
from reconciler.simulator.records import Role
from reconciler.simulator.serve import Running
from reconciler.simulator.shelf import Shelf
from reconciler.simulator.tables import Table

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
PATHS = ("/users", "/service-users")


def listed(client: httpx.Client, path: str) -> list[Any]:
    items: list[Any] = client.get(path, params={"limit": 1000}).json()["data"]
    return items


@pytest.fixture
def listed_anew(console: Running, client: httpx.Client) -> Callable[[str], list[Any]]:
    def read(path: str) -> list[Any]:
        console.console.shelf = Shelf()
        return listed(client, path)

    return read


def rename_site(console: Running, ids: Names) -> None:
    site = console.world.sites[ids("Acme EMEA/Berlin")]
    console.world.sites[site.id] = replace(site, name="Potsdam")


def rename_role(console: Running, ids: Names) -> None:
    role: Role = console.world.roles[ids("role SOC")]
    console.world.roles[role.id] = replace(role, name="Watch")


def rename_account(console: Running, ids: Names) -> None:
    account = console.world.accounts[ids("Acme EMEA")]
    console.world.accounts[account.id] = replace(account, name="Acme Europe")


def rename_user(console: Running, ids: Names) -> None:
    user = console.world.users[ids("ada@acme.example")]
    console.world.users[user.id] = replace(user, full_name="Ada Lovelace")


def change_settings(console: Running, _ids: Names) -> None:
    console.world.settings = replace(console.world.settings, tenant_entry="absent")


def replace_table(console: Running, ids: Names) -> None:
    user = console.world.users[ids("ana@acme.example")]
    changed = {user.id: replace(user, email="ana@new.example")}
    console.world.users = {**console.world.users, **changed}


CHANGES = (rename_site, rename_role, rename_account, rename_user, change_settings, replace_table)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_shows_in_a_list_is_shown_as_it_is_now(
    console: Running,
    client: httpx.Client,
    listed_anew: Callable[[str], list[Any]],
    ids: Names,
    change: Callable[[Running, Names], None],
) -> None:
    before = {path: listed(client, path) for path in PATHS}
    change(console, ids)
    after = {path: listed(client, path) for path in PATHS}
    assert after != before
    assert after == {path: listed_anew(path) for path in PATHS}


def test_a_cut_down_view_is_never_served_to_somebody_else(
    client: httpx.Client, acting_as: OpenClient, console: Running
) -> None:
    users = [user for user in console.world.users.values() if user.scope != "tenant"]
    readers = [acting_as(user.email) for user in users[:12]]
    first = [reader.get("/users?limit=1000").json() for reader in readers]
    everything = listed(client, "/users")
    console.console.shelf = Shelf()
    assert listed(client, "/users") == everything
    backwards = [reader.get("/users?limit=1000").json() for reader in reversed(readers)]
    assert backwards[::-1] == first
    assert len({str(each) for each in first}) > 2


def test_what_is_written_goes_in_as_it_is() -> None:
    inner = {"a": Written(b"[1]"), "b": None}
    assert (
        write({"data": inner, "text": "é"})
        == '{"data": {"a": [1], "b": null}, "text": "é"}'.encode()
    )
    assert write(Written(b"[]")) == b"[]"
    assert write([{"a": 1}]) == b'[{"a": 1}]'


def test_a_value_is_made_again_only_when_what_it_depends_on_changes() -> None:
    shelf, made = Shelf(), iter(range(9))
    told = [shelf.value("name", depends, lambda: next(made)) for depends in ("x", "x", "y", "x")]
    assert told == [0, 0, 1, 2]


def test_a_table_knows_what_changed_and_what_its_greatest_number_was() -> None:
    table: Table[int] = Table({"7": 1, "word": 2})
    other: Table[int] = Table({"7": 1})
    assert table.version != other.version
    table.changed.clear()
    versions = [table.version]
    table["9"] = 3
    versions.append(table.version)
    del table["9"]
    versions.append(table.version)
    assert len(set(versions)) == 3
    assert (table.changed, table.highest) == ({"9"}, 9)
    assert table.setdefault("7", 5) == 1
    with pytest.raises(KeyError):
        table.pop("nothing")
