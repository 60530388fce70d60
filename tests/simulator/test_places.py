"""Sites and accounts: made, changed, expired, deleted; groups and policies: read."""

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

EMEA = "1820000000000000101"


def types(client: httpx.Client) -> list[int]:
    return [each["activityType"] for each in client.get("/activities").json()["data"]]


def site(client: httpx.Client, **more: Any) -> httpx.Response:
    return client.post("/sites", json={"data": {"name": "Porto", "accountId": EMEA} | more})


def test_a_site_lives_from_creation_to_deletion(client: httpx.Client, console: Running) -> None:
    made = site(client, description="New", totalLicenses=12, siteType="Trial").json()["data"]
    assert (made["accountName"], made["state"]) == ("Acme EMEA", "active")
    assert (made["totalLicenses"], made["siteType"], made["creator"]) == (12, "Trial", "reconciler")
    url = f"/sites/{made['id']}"
    group = client.get(f"/groups?siteIds={made['id']}").json()["data"][0]
    assert (group["name"], group["isDefault"]) == ("Default Group", True)
    changed = client.put(url, json={"data": {"name": "Oporto", "unlimitedLicenses": True}})
    assert changed.json()["data"]["unlimitedLicenses"] is True
    expired = client.post(f"{url}/expire-now").json()["data"]
    assert (expired["state"], expired["expiration"]) == ("expired", "2026-11-23T09:00:00.000000Z")
    again = client.put(f"{url}/reactivate", json={"data": {"unlimited": True}})
    assert again.json() == {"data": {"success": True}}
    assert client.get(url).json()["data"]["unlimitedExpiration"] is True
    assert client.delete(url).json() == {"data": {"success": True}}
    assert client.get(url).json()["data"]["state"] == "deleted"
    assert types(client) == [5020, 5021, 5025, 5021, 5022]
    assert len(console.changes) == 6  # the default group is a change, too


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"name": ""}, "name: Not a valid name"),
        ({"name": "<b>"}, "name: Not a valid name"),
        ({"name": None}, "name: Missing data"),
        ({"accountId": "1"}, "accountId: Not a valid"),
        ({"accountId": None}, "accountId: Missing data"),
        ({"siteType": "Free"}, '"Free" is not a valid choice'),
        ({"totalLicenses": -2}, "totalLicenses: Must be greater"),
        ({"expiration": "2020-01-01T00:00:00Z"}, "expiration: Must be in the future"),
        ({"policy": {"colour": "red"}}, "colour: Unknown field"),
        ({"licenses": {"bundles": [{"name": "gold", "surfaces": []}]}}, '"gold" is not a valid'),
        ({"licenses": {"bundles": ["x"]}}, "licenses.bundles: Invalid input type"),
        ({"licenses": {"settings": []}}, "settings: Unknown field"),
        ({"colour": "red"}, "colour: Unknown field"),
    ],
)
def test_a_site_that_does_not_fit_is_refused(
    client: httpx.Client, refuses: Refuses, more: dict[str, Any], detail: str
) -> None:
    refuses(site(client, **more), 400, detail)


def test_licences_set_the_sku_and_their_number(client: httpx.Client) -> None:
    surfaces = [{"name": "Total Agents", "count": 40}]
    bundles = [{"name": "control", "surfaces": surfaces}]
    made = site(client, licenses={"bundles": bundles, "modules": [{"name": "star"}]})
    data = made.json()["data"]
    assert (data["sku"], data["totalLicenses"]) == ("Control", 40)


def test_an_account_admin_needs_to_name_no_account(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    petra = acting_as("petra@acme.example")
    made = petra.post("/sites", json={"data": {"name": "Porto"}}).json()["data"]
    assert made["accountId"] == EMEA
    refuses(site(petra, accountId=ids("Acme Americas")), 400, "accountId")
    refuses(petra.delete(f"/sites/{ids('Acme Americas/Austin')}"), 404)
    refuses(acting_as("reconciler-plan").post("/sites", json={"data": {"name": "x"}}), 403)


def test_site_names_may_repeat_unless_this_console_minds(
    client: httpx.Client, world: World, refuses: Refuses, ids: Names
) -> None:
    assert site(client, name="Berlin").status_code == 200
    world.settings = replace(world.settings, site_names="unique")
    refuses(site(client, name="Lyon"), 400, "already exists")
    assert site(client, name="Warsaw").status_code == 200  # the old one is deleted
    assert site(client, name="Lyon", accountId=ids("Acme Americas")).status_code == 200


def test_the_default_site_stays_and_a_deleted_one_is_gone(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    refuses(client.delete(f"/sites/{ids('Acme EMEA/Default site')}"), 403, "default site")
    refuses(client.delete(f"/sites/{ids('Acme EMEA/Warsaw')}"), 404)
    body = {"data": {"unlimited": True}}
    refuses(client.put(f"/sites/{ids('Acme EMEA/Berlin')}/reactivate", json=body), 400, "expired")
    both = {"data": {"unlimited": True, "expiration": "2027-01-01T00:00:00Z"}}
    url = f"/sites/{ids('Acme EMEA/Leipzig Pop-up')}/reactivate"
    refuses(client.put(url, json=both), 400, "expiration: Not allowed")
    both["data"]["unlimited"] = False
    assert client.put(url, json=both).status_code == 200


def test_the_id_in_a_body_of_a_site_must_be_that_of_the_path(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    url = f"/sites/{ids('Acme EMEA/Berlin')}"
    refuses(client.put(url, json={"data": {"id": EMEA}}), 400, "id: Does not match")


def test_a_site_is_changed_by_who_has_the_right_on_that_very_site(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    xenia = acting_as("xenia@acme.example")  # Admin of Austin, Viewer of Branch-001
    body = {"data": {"description": "hers"}}
    assert xenia.put(f"/sites/{ids('Acme Americas/Austin')}", json=body).status_code == 200
    refuses(xenia.put(f"/sites/{ids('Acme Americas/Branch-001')}", json=body), 403)


@pytest.mark.parametrize(("switch", "left"), [("kept", 3), ("dropped", 2)])
def test_grants_on_a_deleted_site_dangle_or_go(
    client: httpx.Client, world: World, ids: Names, switch: str, left: int
) -> None:
    world.settings = replace(world.settings, deleted_site_grants=switch)
    assert client.delete(f"/sites/{ids('Acme EMEA/Lyon')}").status_code == 200
    assert len(world.users[ids("ana@acme.example")].grants) == left


def test_service_users_lose_grants_on_a_deleted_site_too(
    client: httpx.Client, world: World, ids: Names
) -> None:
    world.settings = replace(world.settings, deleted_site_grants="dropped")
    client.delete(f"/sites/{ids('Acme Americas/Austin')}")
    assert world.service_users[ids("ticketing")].grants == ()
    assert 142 in types(client)


def test_an_account_is_made_with_a_default_site(client: httpx.Client, refuses: Refuses) -> None:
    data = {"name": "Acme Asia", "accountType": "Trial", "usageType": "mssp",
            "skus": [{"type": "Core", "totalLicenses": 5}], "externalId": "crm-7"}  # fmt: skip
    made = client.post("/accounts", json={"data": data}).json()["data"]
    assert (made["totalLicenses"], made["skus"][0]["type"]) == (5, "Core")
    assert "numberOfSites" not in made
    shown = client.get(f"/accounts/{made['id']}").json()["data"]
    assert (shown["numberOfSites"], shown["externalId"]) == (1, "crm-7")
    sites = client.get(f"/sites?accountIds={made['id']}").json()["data"]["sites"]
    assert [(each["name"], each["isDefault"]) for each in sites] == [("Default site", True)]
    refuses(client.post("/accounts", json={"data": {"name": "acme asia"}}), 400, "already exists")
    refuses(client.post("/accounts", json={"data": {"name": "x", "skus": ["Core"]}}), 400, "skus")
    assert types(client) == [5040]


def test_an_account_changes_expires_and_comes_back(client: httpx.Client, ids: Names) -> None:
    url = f"/accounts/{ids('Acme EMEA')}"
    body = {"data": {"name": "Acme Europe", "salesforceId": "sf-1", "unlimitedExpiration": True}}
    assert client.put(url, json=body).json()["data"]["salesforceId"] == "sf-1"
    assert client.post(f"{url}/expire-now").json()["data"]["state"] == "expired"
    assert client.get(f"/sites/{ids('Acme EMEA/Berlin')}").json()["data"]["state"] == "active"
    again = client.put(f"{url}/reactivate", json={"data": {"expiration": "2027-01-01T00:00:00Z"}})
    assert again.json() == {"data": {"success": True}}
    assert client.get(url).json()["data"]["expiration"] == "2027-01-01T00:00:00.000000Z"
    assert types(client) == [5041, 5045, 5041]


def test_accounts_are_made_and_revived_by_the_tenant_only(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    petra = acting_as("petra@acme.example")
    refuses(petra.post("/accounts", json={"data": {"name": "x"}}), 403)
    url = f"/accounts/{ids('Acme EMEA')}"
    assert petra.post(f"{url}/expire-now").status_code == 200
    refuses(petra.put(f"{url}/reactivate", json={"data": {}}), 403)
    refuses(petra.put(f"/accounts/{ids('Acme Americas')}", json={"data": {}}), 404)


def test_nothing_can_be_done_with_what_is_deleted(
    client: httpx.Client, refuses: Refuses, world: World, ids: Names
) -> None:
    account = ids("Acme Americas")
    world.accounts[account] = replace(world.accounts[account], state="deleted")
    refuses(client.put(f"/accounts/{account}", json={"data": {}}), 404)
    refuses(site(client, accountId=account), 400, "accountId: Not a valid")


def test_groups_are_read_one_by_one_as_far_as_the_caller_reaches(
    client: httpx.Client, acting_as: OpenClient, refuses: Refuses, world: World
) -> None:
    first = next(iter(world.groups))
    alone = client.get(f"/groups/{first}").json()["data"]
    listed = client.get(f"/groups?id={first}").json()["data"][0]
    assert listed.keys() - alone.keys() == {"filterName", "inherits", "totalAgents"}
    refuses(acting_as("carlos@acme.example").get(f"/groups/{first}"), 404)
    refuses(client.get("/groups/1"), 404)


def test_a_policy_is_inherited_until_it_is_changed(client: httpx.Client, ids: Names) -> None:
    berlin, account = f"/sites/{ids('Acme EMEA/Berlin')}", f"/accounts/{ids('Acme EMEA')}"

    def read(path: str) -> tuple[Any, ...]:
        policy = client.get(f"{path}/policy").json()["data"]
        return policy["inheritedFrom"], policy["isDefault"], policy["mitigationMode"]

    assert read(berlin) == read(account) == ("global", True, "protect")
    client.put(account, json={"data": {"policy": {"mitigationMode": "detect"}}})
    assert read(account) == (None, False, "detect")
    assert read(berlin) == ("account", True, "detect")
    client.put(berlin, json={"data": {"policy": {"mitigationMode": "protect"}}})
    assert read(berlin) == (None, False, "protect")
    client.put(berlin, json={"data": {"inherits": True}})
    assert read(berlin) == ("account", True, "detect")


def test_sign_on_settings_are_for_who_may_edit_them(
    client: httpx.Client, acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    data = client.get("/settings/sso").json()["data"]
    assert (data["enabled"], data["defaultUserRoleId"]) == (False, ids("role Viewer"))
    refuses(acting_as("reconciler-plan").get("/settings/sso"), 403)
    petra = acting_as("petra@acme.example")
    refuses(petra.get("/settings/sso"), 403)
    assert petra.get(f"/settings/sso?accountIds={EMEA}").status_code == 200


@pytest.mark.parametrize("path", ["/system/status", "/system/status/cache", "/system/status/db"])
def test_the_health_checks_need_no_token(open_client: OpenClient, path: str) -> None:
    assert open_client("").get(path).json() == {"data": {"health": "ok"}}


def test_what_has_run_out_by_the_clock_is_shown_as_expired(
    client: httpx.Client, world: World, refuses: Refuses
) -> None:
    made = site(client, expiration="2026-12-01T00:00:00Z").json()["data"]["id"]
    account = world.accounts[EMEA]
    assert client.get(f"/sites/{made}").json()["data"]["state"] == "active"
    world.sites[made] = replace(world.sites[made], expiration="2026-11-23T09:00:00.000000Z")
    world.accounts[EMEA] = replace(account, expiration="2026-11-23T08:59:59.999999Z")
    for path in (f"/sites/{made}", f"/accounts/{EMEA}"):
        assert client.get(path).json()["data"]["state"] == "expired"
    listed = client.get(f"/sites?siteIds={made}&state=expired").json()["data"]["sites"]
    assert [each["id"] for each in listed] == [made]
    listed = client.get("/accounts?states=expired").json()["data"]
    assert [each["id"] for each in listed] == [EMEA]
    refuses(site(client, name="Faro"), 400, "accountId: Not a valid Identifier")
    assert types(client) == [5020]
    again = client.put(f"/sites/{made}/reactivate", json={"data": {"unlimited": True}})
    assert again.status_code == 200
    assert client.get(f"/sites/{made}").json()["data"]["state"] == "active"


@pytest.mark.parametrize("wanted", [int(EMEA), EMEA])
def test_a_site_takes_the_ids_in_its_body_as_text_or_number(
    client: httpx.Client, wanted: str | int
) -> None:
    made = site(client, accountId=wanted).json()["data"]
    assert made["accountId"] == EMEA
    own = type(wanted)(made["id"])
    assert client.put(f"/sites/{made['id']}", json={"data": {"id": own}}).status_code == 200
