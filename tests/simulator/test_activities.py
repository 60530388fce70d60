"""Activities tell of changes with the real numbers, and with target and actor confused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def put(client: httpx.Client, ids: Names) -> Callable[..., None]:
    def write(name: str, scope: str, *entries: dict[str, Any], **more: Any) -> None:
        kind = "users" if "@" in name else "service-users"
        body = {"data": {"scope": scope, "scopeRoles": list(entries), **more}}
        assert client.put(f"/{kind}/{ids(name)}", json=body).status_code == 200

    return write


@pytest.fixture
def told(client: httpx.Client) -> Callable[..., list[dict[str, Any]]]:
    def read(**parameters: str) -> list[dict[str, Any]]:
        answer = client.get("/activities", params={"limit": "1000", **parameters})
        items: list[dict[str, Any]] = answer.json()["data"]
        return items

    return read


def numbers(items: list[dict[str, Any]]) -> list[int]:
    return [item["activityType"] for item in items]


def test_a_role_change_gives_37_for_the_scope_and_24_for_the_user(
    put: Any, told: Any, grant: Entry, ids: Names, has_shape: Callable[..., None]
) -> None:
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"))
    items = told()
    assert numbers(items) == [37, 24]
    for item in items:
        has_shape("activity", item)
        assert item["userId"] == ids("bo@acme.example")  # the target, not who did it
        assert item["data"]["byUser"] == "reconciler"
        assert item["data"]["sourceType"] == "API"
    assert items[0]["data"]["role"] == "SOC"
    assert items[0]["data"]["fullScopeDetailsPath"] == "Global/Acme EMEA"
    assert items[1]["comments"] == "Modified fields: User scope roles"


def test_a_service_user_that_moves_is_removed_and_added_with_one_id(
    put: Any, told: Any, grant: Entry, ids: Names
) -> None:
    put("ticketing", "account", grant("Viewer", "Acme Americas"))
    gone, come = told()
    assert (gone["activityType"], come["activityType"]) == (142, 140)
    assert gone["userId"] == come["userId"] == ids("ticketing")
    assert (gone["siteName"], come["accountName"]) == ("Austin", "Acme Americas")


def test_a_changed_entry_of_a_service_user_names_both_roles(
    put: Any, told: Any, grant: Entry
) -> None:
    put("ticketing", "site", grant("IT", "Acme Americas/Austin"))
    (item,) = told()
    assert item["activityType"] == 141
    assert (item["data"]["role"], item["data"]["oldRole"]) == ("IT", "Viewer")


def test_an_unchanged_entry_tells_nothing(put: Any, told: Any, grant: Entry) -> None:
    put("ticketing", "site", grant("Viewer", "Acme Americas/Austin"))
    put("bo@acme.example", "site", grant("SOC", "Acme EMEA/Madrid"))
    assert told() == []


def test_another_description_of_a_service_user_is_told_with_every_entry(
    put: Any, told: Any, grant: Entry, world: World, ids: Names, has_shape: Callable[..., None]
) -> None:
    before = world.service_users[ids("ticketing")].description
    put("ticketing", "site", grant("Viewer", "Acme Americas/Austin"), description="Tickets")
    (item,) = told()
    has_shape("activity", item)
    assert item["activityType"] == 141
    assert item["data"]["descriptionChanged"] is True
    assert (item["data"]["oldDescription"], item["data"]["description"]) == (before, "Tickets")


def test_a_service_user_that_holds_nothing_is_told_of_as_well(
    client: httpx.Client, told: Any, has_shape: Callable[..., None]
) -> None:
    robot = {"name": "robot", "expirationDate": "2027-01-01", "scope": "site"}
    made = client.post("/service-users", json={"data": robot}).json()["data"]
    path = f"/service-users/{made['id']}"
    client.put(path, json={"data": {"description": "New"}})
    client.put(path, json={"data": {}})
    client.delete(path)
    items = told()
    assert [(item["activityType"], item["userId"]) for item in items] == [
        (number, made["id"]) for number in (140, 141, 142)
    ]
    for item in items:
        has_shape("activity", item)


def test_activities_are_found_by_the_address_of_somebody_who_is_gone(
    client: httpx.Client, told: Any, put: Any, grant: Entry, ids: Names
) -> None:
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"), email="bo.new@acme.example")
    assert numbers(told(userEmails="bo.new@acme.example")) == [37, 24]
    client.delete(f"/users/{ids('bo@acme.example')}")
    assert numbers(told(userEmails="bo.new@acme.example")) == [37, 24, 25]
    assert not any(name.startswith("_") for item in told() for name in item)


def test_creation_and_deletion_are_told(client: httpx.Client, told: Any, grant: Entry) -> None:
    person = {"email": "lena@acme.example", "fullName": "Lena Fischer", "scope": "site"}
    entries = [grant("SOC", "Acme EMEA/Berlin"), grant("IT", "Acme EMEA/Lyon")]
    made = client.post("/users", json={"data": person | {"scopeRoles": entries}}).json()["data"]
    client.delete(f"/users/{made['id']}")
    assert numbers(told()) == [23, 37, 37, 25]
    robot = {"name": "robot", "expirationDate": "2027-01-01", "scope": "tenant"}
    body = {"data": robot | {"scopeRoles": [grant("Viewer")]}}
    made = client.post("/service-users", json=body).json()["data"]
    client.delete(f"/service-users/{made['id']}")
    assert numbers(told())[4:] == [140, 142]


def test_the_right_to_make_tokens_is_told(put: Any, told: Any, grant: Entry) -> None:
    entry = grant("SOC", "Acme EMEA/Madrid")
    put("bo@acme.example", "site", entry, canGenerateApiToken=True)
    put("bo@acme.example", "site", entry, canGenerateApiToken=False)
    assert numbers(told()) == [110, 111]


def test_activities_are_filtered_and_cut_to_the_callers_scope(
    put: Any, told: Any, grant: Entry, acting_as: OpenClient
) -> None:
    put("ticketing", "account", grant("Viewer", "Acme Americas"))
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"))
    assert numbers(told(activityTypes="37,140")) == [140, 37]
    assert numbers(told(userIds="1820000000000001026")) == [37, 24]
    assert numbers(told(siteIds="1820000000000000232")) == [142]
    assert numbers(told(accountIds="1820000000000000101")) == [37, 24]
    assert told(createdAt__gt="2026-11-23T09:00:00Z") == []
    assert len(told(createdAt__gte="2026-11-23T09:00:00Z", includeHidden="true")) == 4
    assert numbers(told(sortBy="activityType", sortOrder="desc")) == [142, 140, 37, 24]
    seen = acting_as("petra@acme.example").get("/activities").json()["data"]
    assert numbers(seen) == [37, 24]


def test_the_types_come_whole_and_without_pagination(
    client: httpx.Client, has_shape: Callable[..., None]
) -> None:
    answer = client.get("/activities/types").json()
    assert answer.keys() == {"data"}
    assert {23, 24, 25, 37, 110, 111, 140, 141, 142} <= {each["id"] for each in answer["data"]}
    for each in answer["data"]:
        has_shape("activity-type", each)


def test_filters_by_user_mean_the_target_or_by_a_switch_the_actor(
    put: Any, told: Any, grant: Entry, world: World, ids: Names
) -> None:
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"))
    assert numbers(told(userEmails="bo@acme.example")) == [37, 24]
    assert told(userIds=ids("reconciler")) == []
    world.settings = replace(world.settings, activity_filter="actor")
    assert numbers(told(userIds=ids("reconciler"))) == [37, 24]
    assert told(userEmails="bo@acme.example") == []


def test_other_fields_of_a_user_are_told_by_name(put: Any, told: Any, grant: Entry) -> None:
    entry = grant("SOC", "Acme EMEA/Madrid")
    put("bo@acme.example", "site", entry, fullName="Bo Li", twoFaEnabled=False)
    (item,) = told()
    assert item["data"]["modifiedFields"] == "Full name, Two FA enabled"


def test_activities_are_exported_newest_first_and_not_all(
    put: Any, client: httpx.Client, refuses: Refuses, grant: Entry
) -> None:
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"))
    rows = client.get("/export/activities").json()["data"]
    assert numbers(rows) == [24, 37]
    assert numbers(client.get("/export/activities?rowsLimit=1").json()["data"]) == [24]
    assert numbers(client.get("/export/activities?activityTypes=37").json()["data"]) == [37]
    refuses(client.get("/export/activities?rowsLimit=10001"), 400, "rowsLimit:")
    refuses(client.get("/export/activities?limit=10"), 400, "limit: Unknown field")


def test_a_total_of_activities_never_exceeds_the_cap(client: httpx.Client, world: World) -> None:
    record = {"id": "1830000000000000000", "siteId": None, "accountId": None}
    world.activities.extend(record for _ in range(50_001))
    counted = client.get("/activities?countOnly=true").json()
    assert counted["pagination"]["totalItems"] == 50_000


@pytest.mark.parametrize(
    "query", ["threatIds=1", "agentIds=1", "ruleIds=1", "alertIds=1", "groupIds=1",
              "relatedIds=1", "activityUuids=x"],
)  # fmt: skip
def test_filters_by_what_no_activity_here_has_find_nothing(
    put: Any, client: httpx.Client, grant: Entry, query: str
) -> None:
    put("bo@acme.example", "account", grant("SOC", "Acme EMEA"))
    assert client.get(f"/activities?{query}").json()["data"] == []


def test_an_activity_type_is_a_number(client: httpx.Client, refuses: Refuses) -> None:
    refuses(client.get("/activities?activityTypes=login"), 400, "activityTypes:")
