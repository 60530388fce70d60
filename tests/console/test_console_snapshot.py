"""Taking a snapshot, and reading one: what is written down is what the console would have told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.console.client import ReadClient, Record
from reconciler.console.reader import read_actual, read_records
from reconciler.console.records import Records, build_actual
from reconciler.console.snapshot import (
    actual_of,
    actual_of_records,
    records_of,
    snapshot_tree,
)
from reconciler.console.whole import read_whole
from reconciler.domain.access import Level
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    IncompleteReadError,
    NotUnderstoodError,
)
from reconciler.rendering.as_json import to_json
from reconciler.resources import resource
from reconciler.settings import ConsoleSettings, Runtime, Token
from reconciler.simulator.generate import Size, generate
from reconciler.simulator.serve import running
from reconciler.simulator.snapshot import parse_any

TAKEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SCHEMA = json.loads((resource("schemas") / "snapshot.schema.json").read_text("utf-8"))
CANARY = "canary-4711"
Open = Callable[[str, str], ReadClient]


def quiet(_line: str) -> None:
    pass


def pages(*granted: str) -> list[dict[str, Any]]:
    entries = [{"identifier": each, "title": each, "value": True} for each in granted]
    return [{"name": "Users", "identifier": "users", "permissions": entries}]


def script(console: Any, **more: Any) -> None:
    """A console of one user and one custom role; `more` goes into every record."""
    console.on("GET", "/user", {"data": {"id": "1", "scope": "tenant", "scopeRoles": [], **more}})
    held = [{"id": "101", "roleId": "902", **more}]
    user = {"id": "11", "email": "a@acme.example", "scope": "Site", "scopeRoles": held, **more}
    service = {"id": 51, "name": "siem", "scope": "site", "scopeRoles": held, **more}
    role = {"id": "902", "scope": "tenant", "name": "SOC", **more}
    site = {"id": "101", "name": "B", "accountId": "201", "accountName": "A", **more}
    console.on("GET", "/users", console.page([user]))
    console.on("GET", "/service-users", console.page([service]))
    console.on("GET", "/rbac/roles", console.page([role]))
    console.on("GET", "/rbac/role/902", {"data": {**role, "pages": pages("Users.view")}})
    pagination = {"totalItems": 1, "nextCursor": None}
    console.on("GET", "/sites", {"data": {"sites": [site]}, "pagination": pagination})
    console.on("GET", "/accounts", console.page([{"id": "201", "name": "A", **more}]))


def taken(client: ReadClient) -> dict[str, Any]:
    records, _ = read_whole(client, quiet)
    tree: dict[str, Any] = json.loads(to_json(snapshot_tree(records, TAKEN)))
    Draft202012Validator(SCHEMA).validate(tree)
    return tree


def test_a_snapshot_holds_every_record_and_what_roles_permit(
    console: Any, reads: ReadClient
) -> None:
    script(console, unknown={"kept": [1, None, "x"]})
    tree = taken(reads)
    assert (tree["origin"], tree["taken_at"]) == (console.url, "2026-11-23T09:00:00Z")
    assert tree["identity"]["level"] == "tenant"
    assert [len(listed) for listed in tree["records"].values()] == [1, 1, 1, 1, 1]
    for listed in tree["records"].values():
        assert listed[0]["unknown"] == {"kept": [1, None, "x"]}
    assert tree["records"]["roles"][0]["pages"] == pages("Users.view")
    assert tree["records"]["users"][0]["scope"] == "site"
    assert tree["records"]["service_users"][0]["id"] == "51"
    actual = actual_of(tree)
    assert actual == replace(read_actual(reads), permissions=actual.permissions)
    assert [each.identifier for each in actual.permissions[0].granted] == ["Users.view"]


def test_no_secret_of_any_record_reaches_a_snapshot(console: Any, reads: ReadClient) -> None:
    secret: dict[str, Any] = {
        "token": CANARY,
        "registrationToken": CANARY,
        "password": CANARY,
        "apiToken": {"value": CANARY, "createdAt": "2026-01-01T00:00:00Z"},
        "odd": [[{"deeper": {"client_secret": CANARY, "note": f"eyJ{'x' * 20}.{CANARY}"}}]],
        "eyJ" + "y" * 20: CANARY,
    }
    script(console, **secret)
    full = {"id": "902", "name": "SOC", "scope": "tenant", **secret}
    page = {
        "name": "Users",
        "permissions": [{"identifier": "a", "value": True, **secret}],
        **secret,
    }
    console.on("GET", "/rbac/role/902", {"data": {**full, "pages": [page]}})
    text = json.dumps(taken(reads))
    assert "canary" not in text
    assert "eyJ" not in text
    assert text.count('"createdAt": "2026-01-01T00:00:00Z"') == 9


@pytest.mark.parametrize("status", [403, 404, 501])
@pytest.mark.parametrize("in_its_words", [True, False])
def test_pages_that_are_not_shown_are_left_out_and_told(
    console: Any, reads: ReadClient, status: int, in_its_words: bool
) -> None:
    script(console)
    said = {"errors": [{"code": status * 10000 + 10, "title": "no"}]}
    if in_its_words or status != 403:
        console.on("GET", "/rbac/role/902", (status, said if in_its_words else b"gateway"))
    else:
        console.on("GET", "/rbac/role/902", (403, b"gateway"))
    records, notes = read_whole(reads, quiet)
    tree = snapshot_tree(records, TAKEN)
    assert "pages" not in tree["records"]["roles"][0]
    assert len(notes) == 1
    assert actual_of(tree).permissions == ()


def test_pages_that_the_flat_listing_made_up_do_not_count(console: Any, reads: ReadClient) -> None:
    script(console, pages=pages("Roles.edit"))
    console.on("GET", "/rbac/role/902", (403, {"errors": [{"code": 4030010, "title": "no"}]}))
    assert actual_of(taken(reads)).permissions == ()


@pytest.mark.parametrize("odd", [{"name": 7}, {"scopeRoles": None}, {"roleId": "903"}])
def test_what_could_not_be_read_back_is_not_written(
    console: Any, reads: ReadClient, odd: dict[str, Any]
) -> None:
    script(console, **odd)
    with pytest.raises(ConsoleError):
        taken(reads)


def test_a_console_that_fails_while_pages_are_read_gives_no_snapshot(
    console: Any, reads: ReadClient
) -> None:
    script(console)
    console.on("GET", "/rbac/role/902", {"data": {"id": "903", "pages": []}})
    with pytest.raises(NotUnderstoodError):
        taken(reads)


@pytest.fixture
def client_for(runtime: Runtime) -> Open:
    return lambda url, token: ReadClient(ConsoleSettings(url, Token(token)), runtime)


@pytest.mark.parametrize(
    ("name", "level", "sees_accounts"),
    [
        ("reconciler-plan", Level.TENANT, True),
        ("vuln-scanner-emea", Level.ACCOUNT, True),
        ("ticketing", Level.SITE, False),
    ],
)
def test_a_snapshot_says_as_little_as_the_token_saw(
    client_for: Open, name: str, level: Level, sees_accounts: bool
) -> None:
    with running() as served, client_for(served.url, served.token_for(name)) as client:
        tree = taken(client)
        live = read_actual(client)
    told = actual_of(tree)
    assert replace(told, permissions=()) == live
    assert told.identity.level is level
    assert (tree["records"]["accounts"] is not None) == sees_accounts
    assert bool(told.notes) != sees_accounts
    assert told.identity.label == f"service:{name}"


def test_missing_accounts_above_site_level_are_an_incomplete_read_from_a_snapshot_too(
    console: Any, reads: ReadClient
) -> None:
    script(console)
    records = read_records(reads)
    with pytest.raises(IncompleteReadError, match="tenant level"):
        build_actual(replace(records, accounts=None))
    console.on("GET", "/accounts", (403, {"errors": [{"code": 4030010, "title": "no"}]}))
    with pytest.raises(DeniedError):
        read_records(reads)


def test_the_order_in_which_a_console_answers_counts_for_nothing(
    client_for: Open,
) -> None:
    with (
        running(generate(7, Size(3, 20, 10, 60, 2, 8))) as served,
        client_for(served.url, served.token) as client,
    ):
        records, _ = read_whole(client, quiet)
    texts = {to_json(snapshot_tree(each, TAKEN)) for each in (records, turned(records))}
    assert len(texts) == 1


def turned(records: Records) -> Records:
    """The same with every listing, every record and every list of grants the other way round."""

    def record(one: Record) -> Record:
        lists = {key: one[key][::-1] for key in ("scopeRoles", "siteRoles") if one.get(key)}
        return dict(reversed([*{**one, **lists}.items()]))

    listed: dict[str, Any]
    names = ("accounts", "sites", "users", "service_users", "roles")
    listed = {name: tuple(map(record, getattr(records, name)[::-1])) for name in names}
    return replace(records, **listed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_console_served_from_a_snapshot_gives_the_same_snapshot(
    client_for: Open, seed: int
) -> None:
    first = _taken_of(generate(seed, Size(2, 10, 9, 30, 2, 6)), client_for)
    world = parse_any(json.loads(json.dumps(first)))
    again = _taken_of(world, client_for)
    assert again["records"].keys() == first["records"].keys()
    for name, records in first["records"].items():
        assert again["records"][name] == records, name
    # But for the host in the synthetic address of its owner, as for the origin.
    for told in (first, again):
        told["identity"]["email"] = told["identity"]["email"].partition("@")[0]
    assert again["identity"] == first["identity"]


def test_what_is_read_from_a_snapshot_is_what_was_read_from_the_console(client_for: Open) -> None:
    with running() as served, client_for(served.url, served.token) as client:
        records, _ = read_whole(client, quiet)
        live = actual_of_records(records)
    tree = json.loads(to_json(snapshot_tree(records, TAKEN)))
    assert actual_of(tree) == live
    assert len(live.permissions) == len(live.roles)
    assert len(records_of(tree).users) == len(records.users)


def _taken_of(world: Any, client_for: Open) -> dict[str, Any]:
    with (
        running(world, clock=lambda: TAKEN) as served,
        client_for(served.url, served.token) as client,
    ):
        return taken(client)
