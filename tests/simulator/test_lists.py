"""Paging, cursors, counting, sorting and filters of every list."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from reconciler.simulator.records import User
from reconciler.simulator.world import World

Names = Callable[[str], str]
Refuses = Callable[..., None]


def walk(client: httpx.Client, path: str, **parameters: Any) -> list[list[dict[str, Any]]]:
    """Read all pages; the cursor is put into the URL exactly as it came."""
    pages, cursor = [], ""
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    while True:
        answer = client.get(f"{path}?{query}&cursor={cursor}").json()
        pages.append(answer["data"])
        cursor = answer["pagination"]["nextCursor"]
        if cursor is None:
            return pages


def populate(world: World, count: int) -> None:
    pattern = next(user for user in world.users.values() if user.email == "ana@acme.example")
    for number in range(count):
        user_id = str(1830000000000000000 + number)
        email = f"user{number}@acme.example"
        world.users[user_id] = replace(pattern, id=user_id, email=email, full_name=f"U {number}")


def test_a_list_gives_ten_items_unless_told_otherwise(client: httpx.Client, world: World) -> None:
    answer = client.get("/users").json()
    assert len(answer["data"]) == 10
    assert answer["pagination"]["totalItems"] == len(world.users)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", "", "\u0661", "9" * 5000])
def test_limit_lies_between_1_and_1000(client: httpx.Client, refuses: Refuses, limit: str) -> None:
    refuses(client.get("/users", params={"limit": limit}), 400, "limit:")


def test_thousands_of_users_arrive_once_each_in_the_order_of_ids(
    client: httpx.Client, world: World
) -> None:
    populate(world, 3000)
    pages = walk(client, "/users", limit=1000)
    found = [item["id"] for page in pages for item in page]
    assert found == sorted(world.users, key=int)
    assert [len(page) for page in pages] == [1000, 1000, 1000, 45]


def test_the_last_page_has_no_cursor_even_when_it_is_full(
    client: httpx.Client, world: World
) -> None:
    answer = client.get("/users", params={"limit": len(world.users)}).json()
    assert answer["pagination"]["nextCursor"] is None


def test_a_cursor_is_base64_json_with_percent_encoded_padding(client: httpx.Client) -> None:
    cursors = [
        client.get("/users", params={"limit": limit, "sortBy": key}).json()["pagination"]
        for limit in range(1, 4)
        for key in ("id", "email", "fullName")
    ]
    texts = [each["nextCursor"] for each in cursors]
    assert all("=" not in text for text in texts)
    assert any(text.endswith("%3D") for text in texts)
    tree = json.loads(base64.urlsafe_b64decode(unquote(texts[0])))
    assert tree["id_column"] == "ManagementUser.id"
    assert tree["id_value"] == "1820000000000001001"


def test_a_cursor_works_as_sent_and_encoded_once_more(client: httpx.Client) -> None:
    cursor = client.get("/users?limit=3").json()["pagination"]["nextCursor"]
    plain = client.get(f"/users?limit=3&cursor={cursor}").json()
    again = client.get(f"/users?limit=3&cursor={quote(cursor, safe='')}").json()
    assert plain == again
    assert plain["data"][0]["id"] == "1820000000000001004"


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "null", "e30%3D", "%C3%BC", "W10%3D", base64.b64encode(b'{"a":1}').decode()],
)
def test_a_wrong_cursor_is_a_validation_error(
    client: httpx.Client, refuses: Refuses, cursor: str
) -> None:
    refuses(client.get(f"/users?cursor={cursor}"), 400, "Invalid cursor value received")


@pytest.mark.parametrize(
    "tree",
    [
        b"[" * 40000,
        b"""{"id_column": "ManagementUser.id", "id_value": Infinity, "sort_by_column": "id",
             "sort_by_value": null, "sort_order": "asc"}""",
    ],
    ids=["deep", "infinite"],
)
def test_a_forged_cursor_is_a_validation_error(
    client: httpx.Client, refuses: Refuses, tree: bytes
) -> None:
    cursor = base64.urlsafe_b64encode(tree).decode()
    refuses(client.get("/users", params={"cursor": cursor}), 400, "Invalid cursor value received")


def test_a_cursor_of_another_list_or_order_is_wrong(client: httpx.Client, refuses: Refuses) -> None:
    cursor = client.get("/users?limit=3").json()["pagination"]["nextCursor"]
    refuses(client.get(f"/service-users?cursor={cursor}"), 400, "Invalid cursor")
    refuses(client.get(f"/users?sortOrder=desc&cursor={cursor}"), 400, "Invalid cursor")
    refuses(client.get(f"/users?sortBy=email&cursor={cursor}"), 400, "Invalid cursor")


def test_a_cursor_with_a_value_of_another_type_is_wrong(
    client: httpx.Client, refuses: Refuses
) -> None:
    cursor = client.get("/users?limit=3&sortBy=email").json()["pagination"]["nextCursor"]
    tree = json.loads(base64.urlsafe_b64decode(unquote(cursor))) | {"sort_by_value": 5}
    forged = base64.urlsafe_b64encode(json.dumps(tree).encode()).decode()
    refuses(client.get(f"/users?sortBy=email&cursor={forged}"), 400, "Invalid cursor")


def test_paging_is_stable_when_somebody_is_deleted_in_between(
    client: httpx.Client, world: World, ids: Names
) -> None:
    first = client.get("/users?limit=5").json()
    del world.users[ids("ada@acme.example")]
    cursor = first["pagination"]["nextCursor"]
    second = client.get(f"/users?limit=5&cursor={cursor}").json()
    assert second["data"][0]["id"] == "1820000000000001006"


def test_count_only_gives_the_total_and_nothing_else(client: httpx.Client) -> None:
    answer = client.get("/users?countOnly=true").json()
    assert answer == {"data": [], "pagination": {"totalItems": 45, "nextCursor": None}}
    sites = client.get("/sites?countOnly=true").json()
    assert sites["data"]["sites"] == []
    assert sites["pagination"]["totalItems"] == 18


def test_skip_count_gives_no_total(client: httpx.Client) -> None:
    answer = client.get("/users?skipCount=true").json()
    assert len(answer["data"]) == 10
    assert answer["pagination"]["totalItems"] == 0
    assert answer["pagination"]["nextCursor"]


def test_skip_leaves_out_that_many_and_ends_at_1000(client: httpx.Client, refuses: Refuses) -> None:
    assert client.get("/users?skip=3&limit=1").json()["data"][0]["id"] == "1820000000000001004"
    refuses(client.get("/users?skip=1001"), 400, "skip:")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("path", "key", "field"),
    [
        ("/users", "lastLogin", "lastLogin"),
        ("/users", "emailVerified", "emailVerified"),
        ("/users", "fullName", "fullName"),
        ("/service-users", "name", "name"),
        ("/service-users", "description", "description"),
        ("/accounts", "name", "name"),
        ("/rbac/roles", "name", "name"),
    ],
)
def test_a_sorted_walk_is_complete_and_in_order(
    client: httpx.Client, path: str, key: str, field: str, order: str
) -> None:
    whole = client.get(path, params={"limit": 1000}).json()["data"]
    pages = walk(client, path, limit=2, sortBy=key, sortOrder=order)
    found = [item for page in pages for item in page]
    assert sorted(item["id"] for item in found) == sorted(item["id"] for item in whole)
    values = [(item[field] is not None, str(item[field] or "")) for item in found]
    assert values == sorted(values, reverse=order == "desc")


def test_sort_words_are_checked(client: httpx.Client, refuses: Refuses) -> None:
    refuses(client.get("/users?sortBy=shoeSize"), 400, '"shoeSize" is not a valid choice')
    refuses(client.get("/users?sortOrder=up"), 400, '"up" is not a valid choice')


@pytest.mark.parametrize(
    "path",
    ["/users", "/service-users", "/rbac/roles", "/sites", "/accounts", "/activities", "/user",
     "/users/1", "/system/info", "/users/viewer-auth-check"],
)  # fmt: skip
def test_an_unknown_parameter_is_a_validation_error(
    client: httpx.Client, refuses: Refuses, path: str
) -> None:
    refuses(client.get(f"{path}?colour=blue"), 400, "colour: Unknown field")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("email=ana@acme.example", 1),
        ("email=ANA@acme.example", 0),
        ("email__contains=ana@,bo@", 2),
        ("fullName=Ana Ruiz", 1),
        ("fullName__contains=novák,Ruiz", 2),
        ("query=lindqvist", 1),
        ("ids=1820000000000001001,1820000000000001002,1", 2),
        ("source=sso_saml", 8),
        ("sources=sso_saml,mgmt", 45),
        ("emailVerified=false", 1),
        ("emailReadOnly=TRUE", 8),
        ("twoFaStatus=not_configured", 1),
        ("twoFaStatuses=not_configured,configured", 45),
        ("hasValidApiToken=true", 1),
        ("canGenerateApiToken=true", 3),
        ("lastActivation__lt=2024-06-01", 1),
        ("lastActivation__lte=2024-01-17T13:20:08.904411Z", 1),
        ("createdAt__gt=2026-11-18T00:00:00Z", 1),
        ("createdAt__gte=2026-08-14T16:52:03.118204Z", 2),
        ("createdAt__between=1786000000000-1787500000000", 1),
        ("apiTokenExpiresAt__gt=2026-12-01", 1),
        ("roleIds=1820000000000000312", 2),
        ("siteIds=1820000000000000205", 1),
        ("accountIds=1820000000000000102", 9),
    ],
)
def test_user_filters_find_who_fits(client: httpx.Client, query: str, expected: int) -> None:
    answer = client.get(f"/users?limit=100&{query}")
    assert answer.json()["pagination"]["totalItems"] == expected, answer.text


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("emailVerified=yes", "emailVerified: Not a valid boolean."),
        ("ids=abc", "ids: Not a valid Identifier."),
        ("createdAt__gt=noon", "createdAt__gt: Not a valid datetime."),
        ("createdAt__gt=9999-12-31T23:59:59-10:00", "createdAt__gt: Not a valid datetime."),
        ("createdAt__between=5", "createdAt__between: Not a valid range."),
        ("createdAt__between=1-2-3", "createdAt__between: Not a valid range."),
        ("createdAt__between=1-" + "9" * 400, "createdAt__between: Not a valid range."),
        ("email__contains=" + ",".join("abcdefghijk"), "Longer than maximum length 10."),
    ],
)
def test_malformed_filters_are_validation_errors(
    client: httpx.Client, refuses: Refuses, query: str, detail: str
) -> None:
    refuses(client.get(f"/users?{query}"), 400, detail)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/sites", "states=active", 16),
        ("/sites", "states=expired,deleted", 2),
        ("/sites", "state=deleted", 1),
        ("/sites", "name=Branch-001", 2),
        ("/sites", "name__contains=branch", 7),
        ("/sites", "accountName__contains=EMEA", 13),
        ("/sites", "accountId=1820000000000000102", 5),
        ("/sites", "accountIds=1820000000000000102", 5),
        ("/sites", "siteIds=1820000000000000202", 1),
        ("/sites", "query=headquarters", 1),
        ("/sites", "isDefault=true", 2),
        ("/accounts", "name=Acme EMEA", 1),
        ("/accounts", "states=deleted", 0),
        ("/accounts", "ids=1820000000000000101", 1),
        ("/accounts", "query=americas", 1),
        ("/rbac/roles", "name=Admin", 1),
        ("/rbac/roles", "query=hunt", 1),
        ("/service-users", "query=siem", 1),
        ("/service-users", "roleIds=1820000000000000303", 1),
        ("/service-users", "siteIds=1820000000000000232", 1),
        ("/service-users", "accountIds=1820000000000000102", 2),
        ("/service-users", "ids=1820000000000002001", 1),
    ],
)
def test_other_filters_find_what_fits(
    client: httpx.Client, path: str, query: str, expected: int
) -> None:
    assert client.get(f"{path}?{query}").json()["pagination"]["totalItems"] == expected


def test_a_state_that_does_not_exist_is_a_validation_error(
    client: httpx.Client, refuses: Refuses
) -> None:
    refuses(client.get("/sites?states=aktiv"), 400, '"aktiv" is not a valid choice')


def test_users_who_never_logged_in_sort_first(client: httpx.Client, world: World) -> None:
    first = client.get("/users?sortBy=lastLogin&limit=1").json()["data"][0]
    never = [user for user in world.users.values() if user.last_login is None]
    assert [user.id for user in never] == [first["id"]]
    assert isinstance(never[0], User)
