"""Every documented filter and sort key of every list is understood, and finds what it should."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from conformance import documentation

from reconciler.simulator.world import World

Names = Callable[[str], str]
Refuses = Callable[..., None]


def walk(client: httpx.Client, path: str, **parameters: Any) -> list[Any]:
    """Read the items of all pages; the cursor is put into the URL exactly as it came."""
    found: list[Any] = []
    cursor: str | None = ""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    while cursor is not None:
        answer = client.get(f"{path}?{query}&cursor={cursor}").json()
        data = answer["data"]
        found += data["sites"] if path == "/sites" else data
        cursor = answer["pagination"]["nextCursor"]
    return found


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = documentation().tree["paths"]
    return [
        (path, paths[path]["get"]) for path in paths if "parameters" in paths[path].get("get", {})
    ]


@pytest.mark.parametrize(
    ("path", "name", "schema"),
    [
        (path, each["name"], each["schema"])
        for path, operation in operations()
        for each in map(documentation().resolve, operation["parameters"])
    ],
)
def test_every_documented_parameter_is_understood(
    client: httpx.Client, world: World, ids: Names, path: str, name: str, schema: dict[str, Any]
) -> None:
    samples = {
        "accountIds": ids("Acme EMEA"), "siteIds": ids("Acme EMEA/Berlin"),
        "groupIds": next(iter(world.groups)), "tenancyIds": world.settings.tenancy_id,
        "cursor": "", "states": "active", "statesNin": "active", "features": "ioc",
        "types": "static", "sources": "mgmt",
    }  # fmt: skip
    schema = documentation().resolve(schema)
    words = schema.get("enum") or [samples.get(name, _sample(schema))]
    for word in words:
        where = path.replace("{id}", ids("role SOC"))
        answer = client.get(where, params={name: word})
        if (path, name) == ("/rbac/role/{id}", "name"):
            assert answer.status_code == 404
        elif path == "/rbac/role/{id}" and "At" in name:
            assert answer.status_code in {200, 404}, answer.text
        elif path == "/rbac/role/{id}" and name == "query":
            assert answer.status_code == 404
        else:
            assert answer.status_code == 200, answer.text


def _sample(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    if "-" in schema.get("pattern", "") and schema["pattern"].count("[0-9]") == 2:
        return "1786000000000-1787500000000"
    if schema.get("pattern") == "^[0-9]+$":
        return "1234567890123456789"
    samples = {"boolean": "true", "integer": "1", "array": "1234567890123456789"}
    return samples.get(schema.get("type", ""), "something")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (path, key)
        for path, operation in operations()
        for each in map(documentation().resolve, operation["parameters"])
        if each["name"] == "sortBy"
        for key in each["schema"]["enum"]
    ],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_every_documented_sort_key_walks_through_everything_once(
    client: httpx.Client, path: str, key: str, order: str
) -> None:
    total = client.get(path, params={"limit": 100}).json()["pagination"]["totalItems"]
    items = walk(client, path, limit=7, sortBy=key, sortOrder=order)
    assert len({item["id"] for item in items}) == len(items) == total


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/users", "firstLogin=2024-05-19T18:44:29.471619Z", 1),
        ("/users", "dateJoined=2024-05-19T15:44:29.471619%2B00:00", 1),
        ("/users", "lastLogin=2026-11-19T06:41:12.500000Z", 5),
        ("/users", "primaryTwoFaMethod=application", 44),
        ("/users", "groupsReadOnly=true", 0),
        ("/sites", "totalLicenses=420", 1),
        ("/sites", "activeLicenses=315", 1),
        ("/sites", "siteType=Trial", 0),
        ("/sites", "sku=complete", 18),
        ("/sites", "suite=Core", 0),
        ("/sites", "module=star", 0),
        ("/sites", "features=ioc", 18),
        ("/sites", "adminOnly=true", 18),
        ("/sites", "adminOnly=false", 18),
        ("/sites", "availableMoveSites=true", 16),
        ("/sites", "healthStatus=false", 0),
        ("/sites", "statesNin=active,expired", 1),
        ("/sites", "registrationToken=simulated-registration-token-of-1820000000000000202", 1),
        ("/sites", "expiration=2026-06-30T08:30:00Z", 1),
        ("/sites", "description=Headquarters", 1),
        ("/accounts", "totalLicenses=1600", 1),
        ("/accounts", "usageType=mssp", 0),
        ("/accounts", "name__contains=acme", 2),
        ("/accounts", "state=active", 2),
        ("/accounts", "createdAt=2023-01-16T08:30:00Z", 1),
        ("/rbac/roles", "usersInRoles=10", 1),
        ("/rbac/roles", "creator=ada@acme.example", 1),
        ("/rbac/roles", "creatorId=1820000000000001001", 1),
        ("/rbac/roles", "updatedBy=ada@acme.example", 1),
        ("/rbac/roles", "predefinedRole=false", 1),
        ("/rbac/roles", "accountName=Acme EMEA&includeChildren=true", 1),
        ("/rbac/roles", "groupIds=1820000000000000402&includeParents=false", 0),
        ("/rbac/roles", "groupIds=1820000000000000402", 8),
        ("/rbac/roles", "updatedAt=2026-01-20T08:30:00Z", 1),
        ("/groups", "siteIds=1820000000000000202", 2),
        ("/groups", "accountIds=1820000000000000102", 5),
        ("/groups", "type=dynamic", 1),
        ("/groups", "types=dynamic,pinned", 1),
        ("/groups", "rank=1", 1),
        ("/groups", "isDefault=true", 18),
        ("/groups", "id=1820000000000000402", 1),
        ("/groups", "query=travels", 1),
    ],
)
def test_the_rarer_filters_find_what_fits(
    client: httpx.Client, path: str, query: str, expected: int
) -> None:
    answer = client.get(f"{path}?limit=100&{query}")
    assert answer.json()["pagination"]["totalItems"] == expected, answer.text


def test_older_consoles_know_less(client: httpx.Client, world: World, refuses: Refuses) -> None:
    world.settings = replace(world.settings, newer=False)
    refuses(client.get("/accounts?state=active"), 400, "state: Unknown field")
    refuses(client.get("/sites?statesNin=active"), 400, "statesNin: Unknown field")
    refuses(client.get("/rbac/roles?predefinedRole=true"), 400, "predefinedRole: Unknown field")
    refuses(client.get("/activities?relatedIds=1"), 400, "relatedIds: Unknown field")
    refuses(client.get("/groups?limit=301"), 400, "limit: Must be between 1 and 300")
    refuses(client.get("/users?source=global"), 400, "is not a valid choice")
    refuses(client.get("/service-users/1820000000000002001"), 405)
    refuses(client.post("/service-users/1820000000000002001/generate-api-token"), 404)


def test_exact_filters_and_places_read_otherwise_by_switch(
    client: httpx.Client, world: World
) -> None:
    def count(query: str) -> int:
        return int(client.get(f"/users?{query}").json()["pagination"]["totalItems"])

    site = "siteIds=1820000000000000232"
    assert count("email=ANA@acme.example") == 0
    exact = count(site)
    world.settings = replace(world.settings, exact_filters="caseless", place_filters="inherited")
    assert count("email=ANA@acme.example") == 1
    assert count(site) > exact
    assert count("accountIds=1") == 0


@pytest.mark.parametrize(
    ("path", "query", "detail"),
    [
        ("/sites", "totalLicenses=many", "totalLicenses: Not a valid integer."),
        ("/sites", "totalLicenses=9999999999", "totalLicenses: Not a valid integer."),
        ("/sites", "siteType=Free", '"Free" is not a valid choice'),
        ("/sites", "accountId=1,2", "accountId: Longer than maximum length 1."),
        ("/sites", "name__contains=a", "name__contains: Shorter than minimum length 2."),
        ("/users", "source=ldap", '"ldap" is not a valid choice'),
        ("/users", "firstLogin=once", "firstLogin: Not a valid datetime."),
        ("/rbac/roles", "tenancyIds=1", "tenancyIds: Not a valid Identifier."),
        ("/rbac/role", "colour=blue", "colour: Unknown field"),
        ("/settings/sso", "colour=blue", "colour: Unknown field"),
    ],
)
def test_malformed_rarer_filters_are_validation_errors(
    client: httpx.Client, refuses: Refuses, path: str, query: str, detail: str
) -> None:
    refuses(client.get(f"{path}?{query}"), 400, detail)
