"""Snapshots: what a console tells, written down, is a console to rehearse on."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from reconciler.simulator.records import Grant, Principal
from reconciler.simulator.serve import Running, running
from reconciler.simulator.snapshot import load_any, parse_any
from reconciler.simulator.world import World, export, load

OpenClient = Callable[[str], httpx.Client]
ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "snapshot.schema.json").read_text("utf-8"))
PATHS = {
    "accounts": "/accounts", "sites": "/sites", "users": "/users",
    "service_users": "/service-users", "roles": "/rbac/roles?includeChildren=true",
}  # fmt: skip
BERLIN, EMEA, ADMIN = "1820000000000000202", "1820000000000000101", "1820000000000000301"


def is_valid(snapshot: Any) -> bool:
    return Draft202012Validator(SCHEMA).is_valid(snapshot)


def snapshot_by(client: httpx.Client, **more: Any) -> dict[str, Any]:
    """Take a snapshot the way the product will: every listing, without secrets."""
    records: dict[str, Any] = {}
    for name, path in PATHS.items():
        answer = client.get(path, params={"limit": 1000, **dict(httpx.URL(path).params)})
        data = answer.json().get("data")
        records[name] = data["sites"] if name == "sites" else data
    for site in records["sites"]:
        del site["registrationToken"]
    me = client.get("/user").json()["data"]
    places = [entry["id"] for entry in me["scopeRoles"] if entry.get("id")]
    return {
        "format": "sentinelone-reconciler/snapshot",
        "version": 1,
        "origin": "https://acme.sentinelone.net",
        "taken_at": "2026-11-23T09:00:00Z",
        "identity": {
            "id": me["id"], "email": me["email"], "full_name": me["fullName"],
            "level": me["scope"], "scope_ids": places,
        },
        "records": records,
        **more,
    }  # fmt: skip


@pytest.fixture
def snapshot(client: httpx.Client) -> dict[str, Any]:
    return snapshot_by(client)


def holdings(world: World) -> dict[str, Any]:
    people: list[Principal] = [*world.users.values(), *world.service_users.values()]
    return {one.id: (one.name, one.scope, set(one.grants)) for one in people}


def test_the_schema_is_sound_and_takes_what_a_console_tells(snapshot: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(snapshot)


def test_a_snapshot_of_a_console_serves_as_that_console(snapshot: dict[str, Any]) -> None:
    told = parse_any(snapshot)
    original = load()
    assert holdings(told) == holdings(original)
    assert told.accounts.keys() == original.accounts.keys()
    assert {site.id: site.state for site in told.sites.values()} == {
        site.id: site.state for site in original.sites.values()
    }
    assert told.settings.apply_service_user == "reconciler"
    assert (told.settings.host, told.settings.tenant_entry) == ("acme.sentinelone.net", "null")
    for role in original.roles.values():
        assert (told.roles[role.id].name, told.roles[role.id].scope_id) == (
            role.name,
            role.scope_id,
        )
        known = role.permissions if role.predefined else ("*.view",)
        assert told.roles[role.id].permissions == known


def test_listing_it_again_gives_the_same_records(snapshot: dict[str, Any]) -> None:
    with running(parse_any(snapshot)) as served:
        headers = {"Authorization": f"ApiToken {served.token}"}
        base = served.url + "/web/api/v2.1"
        with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
            again = snapshot_by(client)["records"]
    assert again["users"] == snapshot["records"]["users"]
    for name in ("accounts", "sites", "roles", "service_users"):
        assert [each["name"] for each in again[name]] == [
            each["name"] for each in snapshot["records"][name]
        ]


@pytest.mark.parametrize("form", ["null", "absent", "tenancy", "empty"])
def test_every_form_of_a_tenant_entry_is_understood_and_shown_again(
    console: Running, client: httpx.Client, form: str
) -> None:
    console.world.settings = replace(console.world.settings, tenant_entry=form)
    told = parse_any(snapshot_by(client))
    assert told.settings.tenant_entry == form
    told.service_users = {key: one for key, one in told.service_users.items() if one.grants}
    expected = holdings(console.world)
    assert holdings(told).items() <= expected.items() or form == "empty"
    assert all(holdings(told)[key] == expected[key] for key in console.world.users)


def test_a_reader_who_may_not_apply_gets_a_helper(
    acting_as: OpenClient, snapshot: dict[str, Any]
) -> None:
    viewer = snapshot_by(acting_as("reconciler-plan"))
    told = parse_any(viewer)
    assert told.settings.apply_service_user == "rehearsal"
    helper = told.named("rehearsal")
    assert helper is not None
    assert helper.grants == (Grant("", ADMIN),)
    assert len(told.service_users) == len(snapshot["records"]["service_users"]) + 1


def test_a_helper_takes_a_name_that_is_free_and_a_role_that_is_there(
    acting_as: OpenClient,
) -> None:
    tree = snapshot_by(acting_as("reconciler-plan"))
    tree["records"]["roles"] = []
    tree["records"]["service_users"][0]["name"] = "rehearsal"
    told = parse_any(tree)
    helper = told.named("rehearsal-")
    assert helper is not None
    assert told.roles[helper.grants[0].role_id].permissions == ("*",)


def test_what_a_narrow_token_could_not_read_is_made_up(acting_as: OpenClient) -> None:
    tree = snapshot_by(acting_as("ticketing"))
    assert tree["records"]["accounts"] is None
    assert is_valid(tree)
    told = parse_any(tree)
    assert {account.name for account in told.accounts.values()} == {"Acme Americas"}
    assert told.named("rehearsal") is not None


def bare(**records: Any) -> dict[str, Any]:
    listings = {**dict.fromkeys(PATHS, ()), **records}
    return {
        "format": "sentinelone-reconciler/snapshot", "version": 1, "records": listings,
    } | {"records": {name: list(value) for name, value in listings.items()}}  # fmt: skip


def entry(**fields: Any) -> dict[str, Any]:
    return {"id": BERLIN, "name": "Berlin", "accountName": "Acme", "roleId": "9",
            "roleName": "SOC", **fields}  # fmt: skip


def test_places_and_roles_of_a_grant_that_are_not_listed_are_made_up() -> None:
    user = {
        "id": 77,
        "email": None,
        "scope": "site",
        "scopeRoles": [entry(), entry(), {"id": None}],
    }
    told = parse_any(bare(users=[user]))
    assert told.users["77"].email == "user-77@unknown.invalid"
    assert told.users["77"].grants == (Grant(BERLIN, "9"),)
    assert (told.sites[BERLIN].name, told.sites[BERLIN].state) == ("Berlin", "deleted")
    assert told.accounts[told.sites[BERLIN].account_id].name == "Acme"
    assert (told.roles["9"].name, told.roles["9"].scope) == ("SOC", "tenant")


def test_an_entry_without_a_role_id_is_read_by_its_name() -> None:
    role = {"id": "9", "name": "SOC", "scope": "Tenant", "predefinedRole": True}
    user = {"id": "7", "scope": "account", "scopeRoles": [entry(id=EMEA, roleId=None)]}
    told = parse_any(bare(roles=[role], users=[user]))
    assert told.users["7"].grants == (Grant(EMEA, "9"),)
    assert "Threats.*" in told.roles["9"].permissions
    unnamed = {"id": "7", "scope": "tenant", "tenantRoles": ["Night Watch"]}
    told = parse_any(bare(users=[unnamed]))
    (grant,) = told.users["7"].grants
    assert told.roles[grant.role_id].name == "Night Watch"


def test_roles_keep_their_owner_and_the_permissions_that_are_told() -> None:
    permissions = [
        {"identifier": "Users.view", "value": True},
        {"identifier": "Users.edit", "value": False},
    ]
    door = {"id": "9", "name": "Door", "scope": "Site", "scopeId": BERLIN, "siteName": "Berlin",
            "accountName": "Acme", "pages": [{"permissions": permissions}]}  # fmt: skip
    shift = {"id": "8", "name": "Shift", "scope": "Account", "scopeId": EMEA, "accountName": "Acme"}
    fleet = {"id": "6", "name": "Fleet", "scope": "Group", "scopeId": "5"}
    told = parse_any(bare(roles=[door, shift, fleet]))
    assert (told.roles["9"].scope_id, told.roles["9"].permissions) == (BERLIN, ("Users.view",))
    assert told.roles["8"].scope_id == EMEA
    assert "6" not in told.roles


def role_with(name: str, *entries: tuple[str, bool], **more: Any) -> dict[str, Any]:
    permissions = [{"identifier": word, "value": value} for word, value in entries]
    pages = [{"name": "A page", "permissions": permissions}]
    return {"id": "9", "name": name, "scope": "Tenant", "pages": pages, **more}


@pytest.mark.parametrize(
    ("role", "permits"),
    [
        (role_with("Mine", ("Users.view", True), ("Users.edit", False)), ("Users.view",)),
        (role_with("Mine", ("Users.view", False)), ()),
        (role_with("Mine"), ()),
        (role_with("Mine", ("Users.view", True), ("words.of.others", True)), ("*",)),
        (role_with("Mine", ("words.of.others", True), ("more", False)), ("*.view",)),
        (role_with("Admin", ("others", True), ("more", False), predefinedRole=True), ("*",)),
        (role_with("Viewer", ("others", True), ("more", False), predefinedRole=True), ("*.view",)),
    ],
)
def test_pages_count_in_words_that_are_known_and_everything_is_admin(
    role: dict[str, Any], permits: tuple[str, ...]
) -> None:
    assert parse_any(bare(roles=[role])).roles["9"].permissions == permits


def test_fields_of_another_form_are_passed_over() -> None:
    site: dict[str, Any] = {"id": "5", "accountId": "4", "accountName": "A", "state": "active"}
    site |= {"name": None, "totalLicenses": "many", "isDefault": 1, "future": {}}
    told = parse_any(bare(sites=[site]))
    assert (told.sites["5"].name, told.sites["5"].licenses) == ("unnamed 5", 100)
    assert told.sites["5"].is_default is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other/thing"}, "neither a world nor a snapshot"),
        ({"version": 2}, "version 2 is unknown"),
        ({"records": None}, "there are no records"),
        ({"records": {"users": {}}}, "there are no records"),
        ({"records": {"users": "many"}}, "users is no list"),
        ({"records": {"users": [{"scope": "site"}]}}, "a record in users has no id"),
        ({"records": {"users": [{"id": "1", "scope": "galaxy"}]}}, "scope 'galaxy' is unknown"),
    ],
)
def test_what_cannot_be_a_snapshot_is_refused(change: dict[str, Any], message: str) -> None:
    tree = bare() | change
    if change.get("records") == {"users": {}}:
        tree["records"] = {}
    with pytest.raises(ValueError, match=message):
        parse_any(tree)


def test_the_control_api_takes_a_snapshot_for_a_world(
    console: Running, snapshot: dict[str, Any]
) -> None:
    headers = {"X-Simulator-Control": "yes"}
    with httpx.Client(trust_env=False, headers=headers) as door:
        answer = door.post(console.url + "/_simulator/world", json=snapshot)
    assert answer.status_code == 200
    assert console.world.settings.host == "acme.sentinelone.net"


def test_world_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text(json.dumps(export(load())), encoding="utf-8")
    assert load_any(path) == load()


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.update(version=2),
        lambda tree: tree.update(extra=1),
        lambda tree: tree.pop("identity"),
        lambda tree: tree.update(origin="https://acme.sentinelone.net/login"),
        lambda tree: tree.update(origin="https://me:secret@acme.sentinelone.net"),
        lambda tree: tree.update(taken_at="yesterday"),
        lambda tree: tree["records"].pop("roles"),
        lambda tree: tree["records"].update(groups=[]),
        lambda tree: tree["records"]["sites"][0].update(registrationToken="x"),
        lambda tree: tree["records"]["service_users"][0]["apiToken"].update(value="x"),
        lambda tree: tree["records"]["users"][0].pop("id"),
        lambda tree: tree["records"]["users"][0].update(scope="galaxy"),
    ],
)
def test_the_schema_refuses_another_envelope_and_secrets(
    snapshot: dict[str, Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    assert is_valid(snapshot)
    change(snapshot)
    assert not is_valid(snapshot)


def test_the_schema_bears_what_other_consoles_add(snapshot: dict[str, Any]) -> None:
    snapshot["records"]["users"][0] = {"id": "1", "scope": "tenant", "globalUserId": None}
    assert is_valid(snapshot)
