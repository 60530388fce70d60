"""Custom roles: made, read, changed, deleted, and what their pages permit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.serve import Running
from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]
Entry = Callable[..., dict[str, Any]]

EMEA = {"accountIds": ["1820000000000000101"]}
TENANT = {"tenant": True}


def body(where: dict[str, Any] | None, *permissions: str, **more: Any) -> dict[str, Any]:
    data = {"name": "Help desk", "description": "", "permissionIds": list(permissions)} | more
    return {"data": data} if where is None else {"data": data, "filter": where}


def granted(role: dict[str, Any]) -> set[str]:
    every = [each for page in role["pages"] for each in page["permissions"]]
    return {each["identifier"] for each in every if each["value"]}


def test_a_role_is_made_read_changed_and_deleted(
    client: httpx.Client, console: Running, ids: Names
) -> None:
    made = client.post("/rbac/role", json=body(EMEA, "Users.view", "Users.edit")).json()["data"]
    assert (made["scope"], made["scopeId"]) == ("Account", ids("Acme EMEA"))
    assert (made["accountName"], made["predefinedRole"]) == ("Acme EMEA", False)
    assert made["creator"].startswith("serviceuser-")
    assert granted(made) == {"Users.view", "Users.edit"}
    url = f"/rbac/role/{made['id']}"
    assert client.get(url).json()["data"] == made
    after = client.put(url, json=body(None, "Sites.view", name="Desk")).json()["data"]
    assert (after["name"], granted(after)) == ("Desk", {"Sites.view"})
    answer = client.request("DELETE", url, json={"data": {}})
    assert answer.json() == {"data": {"success": True}}
    assert client.get(url).status_code == 404
    told = client.get("/activities").json()["data"]
    assert [each["activityType"] for each in told] == [107, 108, 109]
    assert {each["userId"] for each in told} == {ids("reconciler")}  # the actor, for these
    assert [change.method for change in console.changes] == ["POST", "PUT", "DELETE"]


def test_the_template_has_every_page_and_grants_nothing(client: httpx.Client) -> None:
    template = client.get("/rbac/role?tenant=true").json()["data"]
    assert template.keys() == {"description", "pages"}
    assert granted(template) == set()


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (body(None, "Users.view"), "filter: Missing data"),
        (body({}, "Users.view"), "filter: Missing data"),
        (body({"tenant": False}, "Users.view"), "filter: Missing data"),
        (body(TENANT), "permissionIds: At least one"),
        (body(TENANT, "Users.fly"), '"Users.fly" is not a valid choice'),
        (body(TENANT, "Users.view", name=""), "name: Shorter"),
        (body(TENANT, "Users.view", name="x" * 256), "name: Longer"),
        (body(TENANT, "Users.view", description="x" * 256), "description: Longer"),
        (body(TENANT | EMEA, "Users.view"), "belongs to one scope"),
        (body({"siteIds": []}, "Users.view"), "siteIds: Not a valid Identifier"),
        (body({"siteIds": [7]}, "Users.view"), "siteIds: Not a valid Identifier"),
        (body({"siteIds": ["7"]}, "Users.view"), "siteIds: Not a valid Identifier"),
        (body({"colour": 1}, "Users.view"), "colour: Unknown field"),
        ({"data": {"name": "x"}, "filter": TENANT}, "description: Missing data"),
    ],
)
def test_a_role_that_does_not_fit_is_refused(
    client: httpx.Client, refuses: Refuses, content: dict[str, Any], detail: str
) -> None:
    refuses(client.post("/rbac/role", json=content), 400, detail)


def test_a_group_may_own_a_role(client: httpx.Client, world: World) -> None:
    group = next(iter(world.groups))
    answer = client.post("/rbac/role", json=body({"groupIds": [group]}, "Users.view"))
    role = answer.json()["data"]
    assert (role["scope"], role["siteName"]) == ("Group", "Default site")
    listed = client.get(f"/rbac/roles?groupIds={group}&includeParents=false").json()["data"]
    assert [each["id"] for each in listed] == [role["id"]]


def test_a_predefined_role_stays_as_it_is(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    url = f"/rbac/role/{ids('role SOC')}"
    refuses(client.put(url, json=body(None, "Users.view")), 403, "Predefined")
    refuses(client.request("DELETE", url, json={"data": {}}), 403, "Predefined")


def test_a_role_moves_to_no_other_scope(client: httpx.Client, refuses: Refuses, ids: Names) -> None:
    url = f"/rbac/role/{ids('role Acme EMEA - Triage')}"
    refuses(client.put(url, json=body(TENANT, "Users.view")), 400, "Does not match the scope")
    assert client.put(url, json=body(EMEA, "Users.view")).status_code == 200


def test_omitted_permissions_are_cleared_or_kept(
    client: httpx.Client, world: World, ids: Names
) -> None:
    url = f"/rbac/role/{ids('role Acme EMEA - Triage')}"
    content = {"data": {"name": "Triage", "description": ""}}
    world.settings = replace(world.settings, omitted_permissions="kept")
    assert "Threats.changeVerdict" in granted(client.put(url, json=content).json()["data"])
    world.settings = replace(world.settings, omitted_permissions="cleared")
    assert granted(client.put(url, json=content).json()["data"]) == set()


def test_two_roles_may_have_one_name_unless_this_console_minds(
    client: httpx.Client, world: World, refuses: Refuses
) -> None:
    content = body(EMEA, "Users.view")
    first, second = (client.post("/rbac/role", json=content) for _ in range(2))
    assert first.json()["data"]["id"] != second.json()["data"]["id"]
    world.settings = replace(world.settings, role_names="unique")
    refuses(client.post("/rbac/role", json=content), 400, "already exists")
    assert client.post("/rbac/role", json=body(TENANT, "Users.view")).status_code == 200


def test_deleting_a_role_in_use_takes_it_from_its_holders(
    client: httpx.Client, world: World, ids: Names
) -> None:
    role = ids("role Acme EMEA - Triage")
    holders = [user.id for user in world.users.values() if role in str(user.grants)]
    assert len(holders) == 2
    url = f"/rbac/role/{role}"
    assert client.request("DELETE", url, json={"data": {}}).status_code == 200
    assert all(role not in str(world.users[each].grants) for each in holders)
    types = [each["activityType"] for each in client.get("/activities").json()["data"]]
    assert types == [24, 24, 109]


def test_the_holders_of_a_deleted_role_get_the_target(
    client: httpx.Client, world: World, ids: Names, refuses: Refuses
) -> None:
    role, target = ids("role Acme EMEA - Triage"), ids("role Viewer")
    holders = [user.id for user in world.users.values() if role in str(user.grants)]
    url = f"/rbac/role/{role}"
    for bad in ("1", role):
        wrong = client.request("DELETE", url, json={"data": {"targetId": bad}})
        refuses(wrong, 400, "targetId: Not a valid")
    done = client.request("DELETE", url, json={"data": {"targetId": target}})
    assert done.status_code == 200
    assert all(target in str(world.users[each].grants) for each in holders)


def test_a_target_must_be_visible_where_the_holders_are(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    url = f"/rbac/role/{ids('role Acme Threat Hunting')}"
    content = {"data": {"targetId": ids("role Acme EMEA - Triage")}}
    refuses(client.request("DELETE", url, json=content), 400, "targetId: Not a valid")


def test_a_console_may_refuse_to_delete_a_role_in_use(
    client: httpx.Client, world: World, ids: Names, refuses: Refuses
) -> None:
    world.settings = replace(world.settings, role_in_use="refused")
    url = f"/rbac/role/{ids('role Acme EMEA - Triage')}"
    refuses(client.request("DELETE", url, json={"data": {}}), 400, "targetId: Missing data")


def test_service_users_lose_a_deleted_role_too(
    client: httpx.Client, world: World, ids: Names, grant: Entry
) -> None:
    entry = grant("Acme EMEA - Triage", "Acme EMEA")
    robot = {"name": "robot", "expirationDate": "2027-01-01T00:00:00Z", "scope": "account"}
    made = client.post("/service-users", json={"data": robot | {"scopeRoles": [entry]}})
    url = f"/rbac/role/{ids('role Acme EMEA - Triage')}"
    client.request("DELETE", url, json={"data": {}})
    assert world.service_users[made.json()["data"]["id"]].grants == ()
    types = [each["activityType"] for each in client.get("/activities").json()["data"]]
    assert 142 in types


def test_writing_a_role_asks_for_the_right_on_its_scope(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    petra = acting_as("petra@acme.example")  # Admin of Acme EMEA
    assert petra.post("/rbac/role", json=body(EMEA, "Users.view")).status_code == 200
    refuses(petra.post("/rbac/role", json=body(TENANT, "Users.view")), 400, "filter: Missing")
    url = f"/rbac/role/{ids('role Acme Threat Hunting')}"
    refuses(petra.put(url, json=body(None, "Users.view")), 403)
    refuses(petra.request("DELETE", url, json={"data": {}}), 403)
    viewer = acting_as("reconciler-plan")
    refuses(viewer.post("/rbac/role", json=body(TENANT, "Users.view")), 403)


def test_the_pages_of_a_custom_role_decide_what_its_holder_may_do(
    client: httpx.Client, world: World, acting_as: OpenClient, refuses: Refuses, ids: Names,
    grant: Entry,
) -> None:  # fmt: skip
    permissions = ("Users.view", "Users.edit", "Users.delete")
    role = client.post("/rbac/role", json=body(EMEA, *permissions)).json()["data"]
    entry = {"id": ids("Acme EMEA"), "roleId": role["id"]}
    robot = {"name": "desk", "expirationDate": "2027-01-01T00:00:00Z", "scope": "account"}
    made = client.post("/service-users", json={"data": robot | {"scopeRoles": [entry]}})
    assert made.status_code == 200
    desk = acting_as("desk")
    assert desk.get("/users").status_code == 200
    refuses(desk.get("/sites"), 403)
    refuses(desk.post("/users", json={"data": {}}), 403)
    mina = f"/users/{ids('mina@acme.example')}"
    wider = {"data": {"scope": "site", "scopeRoles": [grant("SOC", "Acme EMEA/Berlin")]}}
    refuses(desk.put(mina, json=wider), 403)  # nobody lends what he does not have
    world.settings = replace(world.settings, wider_grants="accepted")
    assert desk.put(mina, json=wider).status_code == 200
    assert desk.delete(mina).status_code == 200


def test_ids_of_roles_and_scopes_may_be_numbers(client: httpx.Client, ids: Names) -> None:
    content = body({"accountIds": [int(ids("Acme EMEA"))]}, "Users.view")
    made = client.post("/rbac/role", json=content).json()["data"]
    assert made["scopeId"] == ids("Acme EMEA")
    target = {"data": {"targetId": int(ids("role Viewer"))}}
    url = f"/rbac/role/{ids('role Acme EMEA - Triage')}"
    assert client.request("DELETE", url, json=target).status_code == 200


def test_every_permission_that_another_rests_on_is_there(client: httpx.Client) -> None:
    pages = client.get("/rbac/role").json()["data"]["pages"]
    every = [each for page in pages for each in page["permissions"]]
    assert {name for each in every for name in each["dependsOn"]} <= {
        each["identifier"] for each in every
    }
