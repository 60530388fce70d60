"""The console's rules for writes on users and service users, one by one."""

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
Entry = Callable[..., dict[str, Any]]

ANA = "/users/1820000000000001025"
SECRET = {"password": "correct horse"}
TICKETING = "/service-users/1820000000000002004"


def body(scope: str, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": {"scope": scope, "scopeRoles": list(entries), **more}}


def newcomer(grant: Entry, **more: Any) -> dict[str, Any]:
    person = {"email": "lena@acme.example", "fullName": "Lena Fischer"} | more
    return body("site", grant("SOC", "Acme EMEA/Berlin"), **person)


@pytest.mark.parametrize("path", [ANA, TICKETING])
def test_a_put_replaces_the_whole_list(
    client: httpx.Client, grant: Entry, ids: Names, path: str
) -> None:
    answer = client.put(path, json=body("site", grant("IT", "Acme EMEA/Berlin")))
    assert [(entry["id"], entry["roleId"]) for entry in answer.json()["data"]["scopeRoles"]] == [
        (ids("Acme EMEA/Berlin"), ids("role IT"))
    ]
    assert client.get(path).json()["data"]["scopeRoles"] == answer.json()["data"]["scopeRoles"]


@pytest.mark.parametrize("path", [ANA, TICKETING])
@pytest.mark.parametrize("scope", ["account", "tenant"])
def test_a_put_changes_the_level(client: httpx.Client, grant: Entry, path: str, scope: str) -> None:
    entry = grant("SOC", "Acme EMEA") if scope == "account" else grant("SOC")
    data = client.put(path, json=body(scope, entry)).json()["data"]
    assert (data["scope"], len(data["scopeRoles"])) == (scope, 1)


@pytest.mark.parametrize("path", [ANA, TICKETING])
@pytest.mark.parametrize("data", [{"scope": "site"}, {"scope": "site", "scopeRoles": []}])
def test_an_omitted_or_empty_list_clears_everything(
    client: httpx.Client, path: str, data: dict[str, Any]
) -> None:
    answer = client.put(path, json={"data": data})
    assert answer.status_code == 200
    assert answer.json()["data"]["scopeRoles"] == []


@pytest.mark.parametrize("path", [ANA, TICKETING])
@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "Invalid input type"),
        (b"\xff", "Invalid JSON"),
        (b'{"data": {"scope": "\\ud800"}}', "Invalid JSON"),
        (b"[" * 100000, "Invalid JSON"),
        (b"{}", "data: Missing data"),
        (b'{"data": []}', "data: Invalid type"),
        (b'{"data": {"scope": "site"}, "filter": {}}', "filter: Unknown field"),
        (b'{"data": {"scope": "galaxy"}}', '"galaxy" is not a valid choice'),
        (b'{"data": {"scope": "site", "colour": 1}}', "colour: Unknown field"),
        (b'{"data": {"scope": "site", "scopeRoles": "x"}}', "scopeRoles: Invalid type"),
        (b'{"data": {"scope": "site", "scopeRoles": ["x"]}}', "Invalid input type"),
        (b'{"data": {"scope": "site", "scopeRoles": [{"id": true}]}}', "id: Invalid type"),
        (b'{"data": {"scope": "site", "scopeRoles": [{"roleId": "1"}]}}', "id: Missing data"),
    ],
)
def test_a_malformed_body_is_a_validation_error(
    client: httpx.Client, refuses: Refuses, path: str, content: bytes, detail: str
) -> None:
    refuses(client.put(path, content=content), 400, detail)


def test_scope_is_required_for_users_and_optional_for_service_users(
    client: httpx.Client, refuses: Refuses, grant: Entry
) -> None:
    data = {"scopeRoles": [grant("Viewer", "Acme EMEA/Berlin")]}
    refuses(client.put(ANA, json={"data": data}), 400, "scope: Missing data")
    assert client.put(TICKETING, json={"data": data}).json()["data"]["scope"] == "site"


@pytest.mark.parametrize(
    ("scope", "where"),
    [
        ("account", "Acme EMEA/Berlin"),
        ("site", "Acme EMEA"),
        ("tenant", "Acme EMEA"),
        ("site", "Acme EMEA/Warsaw"),
        ("site", "role SOC"),
    ],
)
def test_a_scope_id_must_exist_and_fit_the_level(
    client: httpx.Client, refuses: Refuses, grant: Entry, scope: str, where: str
) -> None:
    for path in (ANA, TICKETING):
        refuses(client.put(path, json=body(scope, grant("Viewer", where))), 400, "id: Not a valid")


def test_an_expired_site_can_still_be_granted(client: httpx.Client, grant: Entry) -> None:
    answer = client.put(ANA, json=body("site", grant("SOC", "Acme EMEA/Leipzig Pop-up")))
    assert answer.status_code == 200


def test_a_tenant_entry_takes_no_id_or_the_tenancy_id(
    client: httpx.Client, world: World, grant: Entry
) -> None:
    for extra in ({}, {"id": None}, {"id": world.settings.tenancy_id}):
        assert client.put(ANA, json=body("tenant", grant("Viewer", **extra))).status_code == 200


@pytest.mark.parametrize("path", [ANA, TICKETING])
def test_two_entries_for_one_scope_are_refused(
    client: httpx.Client, refuses: Refuses, grant: Entry, path: str
) -> None:
    entries = [grant("SOC", "Acme EMEA/Berlin"), grant("IT", "Acme EMEA/Berlin")]
    refuses(client.put(path, json=body("site", *entries)), 400, "Duplicate scope id")


def test_extra_fields_in_an_entry_are_refused(
    client: httpx.Client, refuses: Refuses, grant: Entry
) -> None:
    entry = grant("SOC", "Acme EMEA/Berlin", name="Berlin")
    refuses(client.put(ANA, json=body("site", entry)), 400, "name: Unknown field")


def test_a_role_must_exist_and_be_visible_from_the_scope(
    client: httpx.Client, refuses: Refuses, grant: Entry, ids: Names
) -> None:
    foreign = grant("Acme EMEA - Triage", "Acme Americas/Austin")
    refuses(client.put(ANA, json=body("site", foreign)), 400, "roleId: Not a valid")
    refuses(client.put(ANA, json=body("tenant", grant("Acme EMEA - Triage"))), 400, "roleId")
    unknown = {"id": ids("Acme EMEA/Berlin"), "roleId": "1"}
    refuses(client.put(ANA, json=body("site", unknown)), 400, "roleId: Not a valid")
    own = grant("Acme EMEA - Triage", "Acme EMEA/Berlin")
    assert client.put(ANA, json=body("site", own)).status_code == 200


def test_a_role_by_name_works_for_predefined_roles_only(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    def put(**role: Any) -> httpx.Response:
        return client.put(ANA, json=body("site", {"id": ids("Acme EMEA/Berlin")} | role))

    assert put(roleName="IT").json()["data"]["scopeRoles"][0]["roleId"] == ids("role IT")
    assert put(roles=["SOC"]).json()["data"]["scopeRoles"][0]["roleId"] == ids("role SOC")
    refuses(put(roleName="Acme EMEA - Triage"), 400, "is not a valid choice")


def test_an_entry_without_a_role_falls_back_to_viewer(client: httpx.Client, ids: Names) -> None:
    answer = client.put(ANA, json=body("site", {"id": ids("Acme EMEA/Berlin")}))
    assert answer.json()["data"]["scopeRoles"][0]["roleName"] == "Viewer"


def test_the_deprecated_role_fields_are_ignored(client: httpx.Client, ids: Names) -> None:
    deprecated = {"siteRoles": [{"id": ids("Acme EMEA/Lyon")}], "tenantRoles": ["Admin"]}
    answer = client.put(ANA, json={"data": {"scope": "site", **deprecated}})
    assert answer.json()["data"]["scopeRoles"] == []


def test_a_system_user_cannot_be_written(
    client: httpx.Client, refuses: Refuses, grant: Entry, ids: Names
) -> None:
    path = f"/users/{ids('support@mgmt-1.sentinelone.net')}"
    refuses(client.put(path, json=body("tenant", grant("Viewer"))), 403)
    refuses(client.delete(path), 403)


def test_other_fields_of_a_user_can_be_written(client: httpx.Client, grant: Entry) -> None:
    more = {
        "fullName": "Ana Ruiz Gil", "canGenerateApiToken": True, "twoFaEnabled": False,
        "id": "1820000000000001025", "email": "ana.ruiz@acme.example", "password": "ignored",
    }  # fmt: skip
    request = body("site", grant("SOC", "Acme EMEA/Berlin"), **more)
    user = client.put(ANA, json=request).json()["data"]
    assert (user["fullName"], user["email"]) == ("Ana Ruiz Gil", "ana.ruiz@acme.example")
    assert (user["canGenerateApiToken"], user["twoFaEnabled"]) == (True, False)


def test_the_id_in_a_body_must_be_that_of_the_path(client: httpx.Client, refuses: Refuses) -> None:
    refuses(client.put(ANA, json=body("site", id="1820000000000001001")), 400, "id:")


@pytest.mark.parametrize("more", [{"email": "new@acme.example"}, {"fullName": "New Name"}])
def test_an_external_user_keeps_name_and_address(
    client: httpx.Client, refuses: Refuses, ids: Names, grant: Entry, more: dict[str, str]
) -> None:
    path = f"/users/{ids('dmitri@acme.example')}"
    assert client.get(path).json()["data"]["emailReadOnly"] is True
    entry = grant("SOC", "Acme EMEA/Lyon")
    refuses(client.put(path, json=body("site", entry, **more)), 400, "Read only")
    assert client.put(path, json=body("site", entry)).status_code == 200


def test_an_address_in_use_is_a_conflict_in_any_case(
    client: httpx.Client, refuses: Refuses, grant: Entry, acting_as: OpenClient
) -> None:
    refuses(client.post("/users", json=newcomer(grant, email="BO@acme.example")), 409)
    refuses(client.put(ANA, json=body("site", email="bo@acme.example")), 409)
    unseen = newcomer(grant, email="ada@acme.example")
    refuses(acting_as("petra@acme.example").post("/users", json=unseen), 409)


@pytest.mark.parametrize("email", ["", "lena", "@acme.example", "lena@", "le na@acme.example"])
def test_an_address_must_look_like_one(
    client: httpx.Client, refuses: Refuses, grant: Entry, email: str
) -> None:
    refuses(client.post("/users", json=newcomer(grant, email=email)), 400, "email:")


def test_a_new_user_is_invited_and_not_verified_yet(
    client: httpx.Client, console: Running, grant: Entry
) -> None:
    answer = client.post("/users", json=newcomer(grant))
    user = answer.json()["data"]
    assert (user["emailVerified"], user["firstLogin"], user["lastLogin"]) == (False, None, None)
    assert (user["twoFaConfigured"], user["twoFaStatus"]) == (False, "not_configured")
    assert user["dateJoined"] == "2026-11-23T09:00:00.000000Z"
    assert int(user["id"]) > 1820000000000002012
    assert console.changes[-1].invited is True
    assert client.get(f"/users/{user['id']}").json()["data"]["email"] == "lena@acme.example"


def test_with_onboarding_a_password_is_refused(
    client: httpx.Client, refuses: Refuses, grant: Entry
) -> None:
    refuses(client.post("/users", json=newcomer(grant, **SECRET)), 400, "password:")


def test_without_onboarding_a_password_is_required(
    client: httpx.Client, console: Running, refuses: Refuses, grant: Entry
) -> None:
    console.world.settings = replace(console.world.settings, onboarding=False)
    refuses(client.post("/users", json=newcomer(grant)), 400, "password: Missing")
    user = client.post("/users", json=newcomer(grant, **SECRET)).json()["data"]
    assert user["emailVerified"] is True
    assert console.changes[-1].invited is False


def test_the_allowed_domains_bound_new_addresses(
    client: httpx.Client, console: Running, refuses: Refuses, grant: Entry
) -> None:
    console.world.settings = replace(console.world.settings, allowed_domains=("acme.example",))
    stranger = newcomer(grant, email="lena@other.example")
    refuses(client.post("/users", json=stranger), 400, "Domain is not allowed")
    assert client.post("/users", json=newcomer(grant)).status_code == 200


@pytest.mark.parametrize("name", ["email", "fullName", "scope"])
def test_a_new_user_needs_address_name_and_scope(
    client: httpx.Client, refuses: Refuses, grant: Entry, name: str
) -> None:
    request = newcomer(grant)
    del request["data"][name]
    refuses(client.post("/users", json=request), 400, f"{name}: Missing data")
    refuses(client.post("/users", json=newcomer(grant, fullName="")), 400, "fullName:")


def test_a_new_user_without_grants_holds_nothing(client: httpx.Client) -> None:
    person = {"email": "lena@acme.example", "fullName": "Lena Fischer"}
    user = client.post("/users", json=body("site", **person)).json()["data"]
    assert (user["scope"], user["scopeRoles"]) == ("site", [])


def test_only_the_tenant_makes_users_without_grants(
    acting_as: OpenClient, refuses: Refuses
) -> None:
    person = {"email": "lena@acme.example", "fullName": "Lena Fischer"}
    refuses(acting_as("petra@acme.example").post("/users", json=body("site", **person)), 403)


@pytest.mark.parametrize("path", [ANA, TICKETING])
def test_a_deleted_principal_is_gone(client: httpx.Client, refuses: Refuses, path: str) -> None:
    assert client.delete(path).json() == {"data": {"success": True}}
    refuses(client.get(path), 404)
    refuses(client.delete(path), 404)


def service(grant: Entry, **more: Any) -> dict[str, Any]:
    fields = {"name": "robot", "expirationDate": "2027-01-01T00:00:00Z"} | more
    return body("account", grant("Viewer", "Acme EMEA"), **fields)


def test_the_token_of_a_new_service_user_is_shown_once_and_works(
    client: httpx.Client, open_client: OpenClient, grant: Entry, has_shape: Callable[..., None]
) -> None:
    made = client.post("/service-users", json=service(grant)).json()["data"]
    has_shape("service-user-created", made)
    robot = open_client(f"ApiToken {made['apiToken']['value']}")
    assert robot.get("/user").json()["data"]["id"] == made["id"]
    shown = client.get(f"/service-users/{made['id']}").json()["data"]
    assert shown["apiToken"] == {
        "createdAt": "2026-11-23T09:00:00.000000Z", "expiresAt": "2027-01-01T00:00:00.000000Z",
    }  # fmt: skip


def test_the_token_of_a_deleted_service_user_stops(
    client: httpx.Client, open_client: OpenClient, grant: Entry, refuses: Refuses
) -> None:
    made = client.post("/service-users", json=service(grant)).json()["data"]
    client.delete(f"/service-users/{made['id']}")
    refuses(open_client(f"ApiToken {made['apiToken']['value']}").get("/user"), 401)


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"name": ""}, "name:"),
        ({"name": "a<b"}, "name:"),
        ({"name": "x" * 256}, "name:"),
        ({"expirationDate": "2026-11-23T09:00:00Z"}, "expirationDate: Must be in the future"),
        ({"expirationDate": "soon"}, "expirationDate: Not a valid datetime"),
        ({"expirationDate": None}, "expirationDate: Missing data"),
        ({"description": "x" * 256}, "description:"),
    ],
)
def test_a_new_service_user_needs_a_name_and_an_end(
    client: httpx.Client, refuses: Refuses, grant: Entry, more: dict[str, Any], detail: str
) -> None:
    refuses(client.post("/service-users", json=service(grant, **more)), 400, detail)


def test_two_service_users_may_have_one_name(client: httpx.Client, grant: Entry) -> None:
    first = client.post("/service-users", json=service(grant)).json()["data"]["id"]
    second = client.post("/service-users", json=service(grant)).json()["data"]["id"]
    assert first != second


@pytest.mark.parametrize("name", ["name", "expirationDate"])
def test_a_service_user_keeps_name_and_end(
    client: httpx.Client, refuses: Refuses, name: str
) -> None:
    request = {"data": {name: "x"}}
    refuses(client.put(TICKETING, json=request), 400, f"{name}: Unknown field")


def test_a_service_user_tells_who_changed_it_last(
    client: httpx.Client, acting_as: OpenClient, grant: Entry, ids: Names
) -> None:
    before = client.get(TICKETING).json()["data"]
    entry = grant("Viewer", "Acme Americas")
    request = body("account", entry, description="Tickets")
    acting_as("carlos@acme.example").put(TICKETING, json=request)
    after = client.get(TICKETING).json()["data"]
    assert after["updatedBy"] == {"id": ids("carlos@acme.example"), "name": "Carlos Mendes"}
    assert after["updatedAt"] == "2026-11-23T09:00:00.000000Z"
    assert (after["createdBy"], after["createdAt"]) == (before["createdBy"], before["createdAt"])
    assert (after["id"], after["description"]) == (before["id"], "Tickets")


def test_a_refused_write_changes_nothing(
    client: httpx.Client, console: Running, grant: Entry
) -> None:
    before = dict(console.world.users)
    entries = [grant("SOC", "Acme EMEA/Berlin"), grant("SOC", "Acme EMEA/Warsaw")]
    assert client.put(ANA, json=body("site", *entries)).status_code == 400
    assert console.world.users == before
    assert console.changes == []


def test_somebody_may_take_the_own_rights_away(
    client: httpx.Client, refuses: Refuses, grant: Entry, ids: Names
) -> None:
    path = f"/service-users/{ids('reconciler')}"
    assert client.put(path, json=body("tenant", grant("Viewer"))).status_code == 200
    refuses(client.put(path, json=body("tenant", grant("Admin"))), 403)


def test_the_role_of_the_grant_is_the_one_sent(
    client: httpx.Client, world: World, grant: Entry, ids: Names
) -> None:
    client.put(ANA, json=body("site", grant("IT", "Acme EMEA/Lyon")))
    user = world.users[ids("ana@acme.example")]
    assert user.grants == (Grant(ids("Acme EMEA/Lyon"), ids("role IT")),)


@pytest.mark.parametrize("kept", [True, False])
def test_null_for_a_flag_keeps_what_was(
    client: httpx.Client, world: World, ids: Names, *, kept: bool
) -> None:
    user_id = ids("ana@acme.example")
    world.users[user_id] = replace(
        world.users[user_id], two_fa_enabled=kept, can_generate_api_token=kept
    )
    flags = {"twoFaEnabled": None, "canGenerateApiToken": None}
    user = client.put(ANA, json=body("site", **flags)).json()["data"]
    assert (user["twoFaEnabled"], user["canGenerateApiToken"]) == (kept, kept)


def test_null_for_a_flag_of_a_new_user_means_the_default(
    client: httpx.Client, grant: Entry
) -> None:
    made = client.post("/users", json=newcomer(grant, twoFaEnabled=None)).json()["data"]
    assert made["twoFaEnabled"] is True


def test_the_own_id_in_a_body_may_be_a_number(client: httpx.Client) -> None:
    request = body("site", id=1820000000000001025)
    assert client.put(ANA, json=request).status_code == 200
    token = {"data": {"id": 1820000000000001025}}
    assert client.post("/users/revoke-api-token", json=token).status_code == 200
