"""Every list and single answer holds every documented field, and the two forms differ as told."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Names = Callable[[str], str]
Shape = Callable[[str, Any], None]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/users", "user-listed"),
        ("/service-users", "service-user"),
        ("/rbac/roles", "role-listed"),
        ("/accounts", "account"),
    ],
)
def test_listed_items_have_every_documented_field(
    client: httpx.Client, has_shape: Shape, path: str, name: str
) -> None:
    items = client.get(path, params={"limit": 1000}).json()["data"]
    assert items
    for item in items:
        has_shape(name, item)


def test_sites_lie_beside_their_totals(client: httpx.Client, has_shape: Shape) -> None:
    data = client.get("/sites?limit=1000").json()["data"]
    assert data.keys() == {"allSites", "sites"}
    assert data["allSites"]["totalLicenses"] == sum(each["totalLicenses"] for each in data["sites"])
    for site in data["sites"]:
        has_shape("site", site)


def test_single_answers_have_every_documented_field(
    client: httpx.Client, has_shape: Shape, ids: Names
) -> None:
    has_shape("user", client.get("/user").json()["data"])
    has_shape("site", client.get(f"/sites/{ids('Acme EMEA/Berlin')}").json()["data"])
    has_shape("account", client.get(f"/accounts/{ids('Acme EMEA')}").json()["data"])
    has_shape("role", client.get(f"/rbac/role/{ids('role SOC')}").json()["data"])
    service = client.get(f"/service-users/{ids('ticketing')}").json()["data"]
    assert service["account"] == {"id": ids("Acme Americas"), "name": "Acme Americas"}
    has_shape("service-user-single", service)


@pytest.mark.parametrize(
    ("email", "account"),
    [
        ("ada@acme.example", None),
        ("ana@acme.example", "Acme EMEA"),
        ("petra@acme.example", "Acme EMEA"),
        ("Helena.Marsh@Acme.example", None),
    ],
)
def test_one_user_alone_shows_account_and_pages(
    client: httpx.Client, has_shape: Shape, ids: Names, email: str, account: str | None
) -> None:
    user = client.get(f"/users/{ids(email)}").json()["data"]
    has_shape("user-single", user)
    assert (user["account"] or {}).get("name") == account


def test_pages_say_what_a_role_permits(client: httpx.Client, ids: Names) -> None:
    def granted(role: str) -> set[str]:
        pages = client.get(f"/rbac/role/{ids(role)}").json()["data"]["pages"]
        every = [each for page in pages for each in page["permissions"]]
        return {each["identifier"] for each in every if each["value"]}

    assert granted("role Viewer") < granted("role SOC") < granted("role Admin")
    assert "Users.edit" in granted("role Admin") - granted("role SOC")


def test_a_site_user_shows_the_deprecated_forms_too(client: httpx.Client, ids: Names) -> None:
    user = client.get(f"/users/{ids('ana@acme.example')}").json()["data"]
    assert [entry["name"] for entry in user["scopeRoles"]] == ["Madrid", "Lyon", "Berlin"]
    assert user["scopeRoles"][2] == {
        "id": ids("Acme EMEA/Berlin"), "name": "Berlin", "accountName": "Acme EMEA",
        "roleId": ids("role SOC"), "roleName": "SOC", "roles": ["SOC"],
    }  # fmt: skip
    assert [entry["id"] for entry in user["siteRoles"]] == [e["id"] for e in user["scopeRoles"]]
    assert all("accountName" not in entry for entry in user["siteRoles"])
    assert (user["tenantRoles"], user["lowestRole"]) == ([], "SOC")


def test_an_entry_on_a_deleted_site_stays_visible(client: httpx.Client, ids: Names) -> None:
    user = client.get(f"/users/{ids('gita@acme.example')}").json()["data"]
    assert [entry["name"] for entry in user["scopeRoles"]] == ["Warsaw", "Berlin"]


def test_single_calls_without_data_answer_their_documented_form(client: httpx.Client) -> None:
    assert client.get("/users/viewer-auth-check").json() == {"data": {"success": True}}
    assert client.get("/users/tenant-admin-auth-check").json() == {"data": {"success": True}}
    assert client.get("/system/info").json()["data"].keys() == {
        "build", "latestAgentVersion", "patch", "release", "version",
    }  # fmt: skip


def test_a_service_user_token_is_a_user_of_its_own_id(client: httpx.Client, ids: Names) -> None:
    user = client.get("/user").json()["data"]
    assert user["id"] == ids("reconciler")
    assert user["fullName"] == "reconciler"
    assert user["email"].startswith("serviceuser-")
    assert user["email"].endswith("@mgmt-1.sentinelone.net")
    assert user["scope"] == "tenant"


def test_a_console_user_token_is_that_user(
    acting_as: Callable[[str], httpx.Client], ids: Names
) -> None:
    user = acting_as("petra@acme.example").get("/user?tenant=false").json()["data"]
    assert (user["id"], user["email"]) == (ids("petra@acme.example"), "petra@acme.example")
