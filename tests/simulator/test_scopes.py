"""What tokens of narrower scope see, and the damage a careless write does with them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.records import Grant, Role
from reconciler.simulator.serve import Running
from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]
Entry = Callable[..., dict[str, Any]]

EMEA_ADMIN = "petra@acme.example"
AUSTIN_ADMIN = "xenia@acme.example"


def names(client: httpx.Client, path: str, field: str = "name") -> set[str]:
    data = client.get(path, params={"limit": 1000}).json()["data"]
    items = data["sites"] if isinstance(data, dict) else data
    return {item[field] for item in items}


def test_an_account_token_sees_its_account_and_sites_only(acting_as: OpenClient) -> None:
    petra = acting_as(EMEA_ADMIN)
    assert names(petra, "/accounts") == {"Acme EMEA"}
    assert names(petra, "/sites", "accountName") == {"Acme EMEA"}
    assert {"Berlin", "Warsaw"} <= names(petra, "/sites")


def test_an_account_token_sees_nobody_who_stands_above_or_beside(acting_as: OpenClient) -> None:
    emails = names(acting_as(EMEA_ADMIN), "/users", "email")
    assert {"petra@acme.example", "ana@acme.example"} <= emails
    assert emails.isdisjoint({"ada@acme.example", "carlos@acme.example", "zoe@acme.example"})
    assert "reconciler" not in names(acting_as(EMEA_ADMIN), "/service-users")


def test_a_user_partly_outside_is_listed_with_cut_roles(acting_as: OpenClient, ids: Names) -> None:
    petra = acting_as(EMEA_ADMIN)
    user = petra.get(f"/users/{ids('wanda@acme.example')}").json()["data"]
    assert [entry["name"] for entry in user["scopeRoles"]] == ["Acme EMEA"]


def test_a_full_replace_with_cut_roles_deletes_what_the_token_cannot_see(
    acting_as: OpenClient, world: World, ids: Names, grant: Entry
) -> None:
    petra, user_id = acting_as(EMEA_ADMIN), ids("wanda@acme.example")
    body = {"data": {"scope": "account", "scopeRoles": [grant("IR Team", "Acme EMEA")]}}
    assert petra.put(f"/users/{user_id}", json=body).status_code == 200
    assert world.users[user_id].grants == (Grant(ids("Acme EMEA"), ids("role IR Team")),)


def test_an_entry_the_token_cannot_see_cannot_be_sent_back_either(
    acting_as: OpenClient, refuses: Refuses, ids: Names, grant: Entry
) -> None:
    held = [grant("IR Team", "Acme EMEA"), grant("IR Team", "Acme Americas")]
    body = {"data": {"scope": "account", "scopeRoles": held}}
    refuses(acting_as(EMEA_ADMIN).put(f"/users/{ids('wanda@acme.example')}", json=body), 403)


@pytest.mark.parametrize("path", ["/users/{}", "/service-users/{}"])
@pytest.mark.parametrize("name", ["ada@acme.example", "reconciler"])
def test_whom_a_token_does_not_see_is_not_there(
    acting_as: OpenClient, refuses: Refuses, ids: Names, path: str, name: str
) -> None:
    petra, url = acting_as(EMEA_ADMIN), path.format(ids(name))
    refuses(petra.get(url), 404)
    refuses(petra.put(url, json={"data": {"scope": "tenant"}}), 404)
    refuses(petra.delete(url), 404)


def test_places_outside_are_not_there(acting_as: OpenClient, refuses: Refuses, ids: Names) -> None:
    petra = acting_as(EMEA_ADMIN)
    refuses(petra.get(f"/accounts/{ids('Acme Americas')}"), 404)
    refuses(petra.get(f"/sites/{ids('Acme Americas/Austin')}"), 404)


def test_a_site_token_may_not_list_accounts(acting_as: OpenClient, refuses: Refuses) -> None:
    xenia = acting_as(AUSTIN_ADMIN)
    refuses(xenia.get("/accounts"), 403, "Action is not allowed to site users")
    assert names(xenia, "/sites") == {"Austin", "Branch-001"}
    assert names(xenia, "/sites", "accountName") == {"Acme Americas"}


def test_a_site_token_sees_the_people_of_its_sites(acting_as: OpenClient) -> None:
    emails = names(acting_as(AUSTIN_ADMIN), "/users", "email")
    assert emails == {
        "quinn@acme.example", "viktor@acme.example", "will@acme.example", "xenia@acme.example",
        "zoe@acme.example",
    }  # fmt: skip


def test_a_site_admin_grants_on_the_own_site_only(
    acting_as: OpenClient, refuses: Refuses, ids: Names, grant: Entry
) -> None:
    xenia, url = acting_as(AUSTIN_ADMIN), f"/users/{ids('will@acme.example')}"

    def put(scope: str, *entries: dict[str, Any]) -> httpx.Response:
        return xenia.put(url, json={"data": {"scope": scope, "scopeRoles": list(entries)}})

    assert put("site", grant("SOC", "Acme Americas/Austin")).status_code == 200
    refuses(put("site", grant("SOC", "Acme Americas/Toronto")), 403)
    refuses(put("account", grant("SOC", "Acme Americas")), 403)
    refuses(put("tenant", grant("SOC")), 403)
    # On Branch-001 she is a Viewer: granting even that much there is not hers to do.
    refuses(put("site", grant("Viewer", "Acme Americas/Branch-001")), 403)


def test_a_target_beyond_the_own_rights_cannot_be_changed(
    acting_as: OpenClient, refuses: Refuses, world: World, ids: Names
) -> None:
    user_id = ids("will@acme.example")
    entry = Grant(ids("Acme Americas/Branch-001"), ids("role IT"))
    world.users[user_id] = replace(world.users[user_id], grants=(entry,))
    refuses(acting_as(AUSTIN_ADMIN).delete(f"/users/{user_id}"), 403)


def test_service_users_ask_for_the_right_on_the_very_site_too(
    acting_as: OpenClient, refuses: Refuses, world: World, ids: Names, grant: Entry
) -> None:
    xenia, robot = acting_as(AUSTIN_ADMIN), ids("ticketing")
    entry = grant("Viewer", "Acme Americas/Branch-001")
    body = {"data": {"scope": "site", "scopeRoles": [entry]}}
    refuses(xenia.put(f"/service-users/{robot}", json=body), 403)
    new = {"name": "robot", "expirationDate": "2027-01-01", **body["data"]}
    refuses(xenia.post("/service-users", json={"data": new}), 403)
    there = Grant(ids("Acme Americas/Branch-001"), ids("role Viewer"))
    world.service_users[robot] = replace(world.service_users[robot], grants=(there,))
    refuses(xenia.delete(f"/service-users/{robot}"), 403)
    body["data"]["scopeRoles"] = [grant("Viewer", "Acme Americas/Austin")]
    refuses(xenia.put(f"/service-users/{robot}", json=body), 403)


def test_nobody_lends_permissions_he_does_not_have(
    console: Running, acting_as: OpenClient, refuses: Refuses, ids: Names, grant: Entry
) -> None:
    permissions = ("*.view", "Users.edit")
    role = Role("1820000000000000399", "Helpdesk", permissions=permissions)
    console.world.roles[role.id] = role
    user_id = ids("petra@acme.example")
    helper = replace(console.world.users[user_id], grants=(Grant(ids("Acme EMEA"), role.id),))
    console.world.users[user_id] = helper
    url = f"/users/{ids('mina@acme.example')}"
    body = {"data": {"scope": "site", "scopeRoles": [grant("Admin", "Acme EMEA/Berlin")]}}
    refuses(acting_as(EMEA_ADMIN).put(url, json=body), 403)
    body["data"]["scopeRoles"] = [grant("Viewer", "Acme EMEA/Berlin")]
    assert acting_as(EMEA_ADMIN).put(url, json=body).status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"Acme Threat Hunting"}),
        ("includeChildren=true", {"Acme Threat Hunting", "Acme EMEA - Triage"}),
        ("accountIds=1820000000000000101", {"Acme Threat Hunting", "Acme EMEA - Triage"}),
        ("accountIds=1820000000000000101&includeParents=false", {"Acme EMEA - Triage"}),
        ("accountIds=1820000000000000102", {"Acme Threat Hunting"}),
        ("siteIds=1820000000000000202", {"Acme Threat Hunting", "Acme EMEA - Triage"}),
        ("siteIds=1820000000000000202&includeParents=false", set()),
        ("tenant=true&includeParents=false", {"Acme Threat Hunting"}),
    ],
)
def test_roles_are_listed_by_scope_with_parents_unless_told_otherwise(
    client: httpx.Client, query: str, expected: set[str]
) -> None:
    roles = client.get(f"/rbac/roles?limit=100&{query}").json()["data"]
    assert {role["name"] for role in roles if not role["predefinedRole"]} == expected


def test_an_account_token_sees_its_own_and_the_tenants_roles(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    assert "Acme EMEA - Triage" in names(acting_as(EMEA_ADMIN), "/rbac/roles")
    carlos = acting_as("carlos@acme.example")
    assert "Acme EMEA - Triage" not in names(carlos, "/rbac/roles")
    refuses(carlos.get(f"/rbac/role/{ids('role Acme EMEA - Triage')}"), 404)
    assert carlos.get(f"/rbac/role/{ids('role SOC')}").status_code == 200
    refuses(carlos.get("/rbac/roles?accountIds=1820000000000000101"), 400, "accountIds")
    refuses(carlos.get("/rbac/roles?siteIds=1"), 400, "siteIds")


def test_a_role_of_a_site_names_its_owners(client: httpx.Client, world: World, ids: Names) -> None:
    berlin = ids("Acme EMEA/Berlin")
    role = Role(
        "1820000000000000398",
        "Door",
        scope="site",
        scope_id=berlin,
        creator_id="1820000000000009999",
    )
    world.roles[role.id] = role
    shown = client.get(f"/rbac/role/{role.id}").json()["data"]
    assert (shown["scope"], shown["scopeId"]) == ("Site", berlin)
    assert (shown["accountName"], shown["siteName"]) == ("Acme EMEA", "Berlin")


def test_users_in_roles_counts_the_users_the_caller_sees(
    client: httpx.Client, acting_as: OpenClient
) -> None:
    def count(who: httpx.Client) -> int:
        (role,) = who.get("/rbac/roles?name=Admin").json()["data"]
        return int(role["usersInRoles"])

    assert (count(client), count(acting_as(EMEA_ADMIN))) == (10, 2)


@pytest.fixture
def split(world: World, ids: Names) -> str:
    """Return the id of somebody with a grant the account token sees and one it does not."""
    user_id = ids("wanda@acme.example")
    grants = (
        Grant(ids("Acme EMEA"), ids("role Viewer")),
        Grant(ids("Acme Americas"), ids("role Admin")),
    )
    world.users[user_id] = replace(world.users[user_id], scope="account", grants=grants)
    return user_id


def found(client: httpx.Client, **parameters: str) -> list[str]:
    answer = client.get("/users", params={"limit": "1000", **parameters}).json()
    return [user["id"] for user in answer["data"]]


@pytest.mark.parametrize("switch", ["unmatched", "matched"])
def test_filters_know_the_grants_that_the_token_sees_unless_told_otherwise(
    acting_as: OpenClient, world: World, ids: Names, split: str, switch: str
) -> None:
    world.settings = replace(world.settings, hidden_grants=switch)
    petra, is_found = acting_as(EMEA_ADMIN), switch == "matched"
    assert (split in found(petra, accountIds=ids("Acme Americas"))) is is_found
    assert (split in found(petra, roleIds=ids("role Admin"))) is is_found
    assert split in found(petra, accountIds=ids("Acme EMEA"))
    assert split in found(petra, roleIds=ids("role Viewer"))
    world.settings = replace(world.settings, place_filters="inherited")
    assert (split in found(petra, siteIds=ids("Acme Americas/Austin"))) is is_found


def test_the_order_by_role_knows_no_hidden_grant(
    acting_as: OpenClient, world: World, ids: Names, split: str
) -> None:
    petra, user, hidden = acting_as(EMEA_ADMIN), world.users[split], world.users[split].grants[1]
    seen = Grant(ids("Acme EMEA"), ids("role Acme EMEA - Triage"))
    world.users[split] = replace(user, grants=(seen,))
    order = found(petra, sortBy="roleId")
    world.users[split] = replace(user, grants=(seen, hidden))
    assert found(petra, sortBy="roleId") == order


def test_pages_account_and_counts_tell_nothing_of_hidden_grants(
    acting_as: OpenClient, world: World, ids: Names, split: str
) -> None:
    petra = acting_as(EMEA_ADMIN)
    service_id = ids("siem-export")
    grants = world.users[split].grants
    world.service_users[service_id] = replace(
        world.service_users[service_id], scope="account", grants=grants
    )

    def told() -> list[Any]:
        user = petra.get(f"/users/{split}").json()["data"]
        service = petra.get(f"/service-users/{service_id}").json()["data"]
        counts = [role["usersInRoles"] for role in petra.get("/rbac/roles").json()["data"]]
        return [user["pages"], user["account"], service["account"], counts]

    with_hidden = told()
    assert with_hidden[1]["name"] == with_hidden[2]["name"] == "Acme EMEA"
    world.users[split] = replace(world.users[split], grants=grants[:1])
    assert told() == with_hidden
