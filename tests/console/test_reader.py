import threading
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.console.answers import ForbiddenError
from reconciler.console.client import ReadClient
from reconciler.console.reader import find_users, read_actual, read_principal
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind
from reconciler.domain.state import Account
from reconciler.errors import (
    ConsoleError,
    DeniedError,
    IncompleteReadError,
    NotUnderstoodError,
    UnreachableError,
)
from reconciler.simulator.serve import Running, running

USER, SERVICE = PrincipalKind.USER, PrincipalKind.SERVICE
LISTINGS = ("/users", "/service-users", "/rbac/roles", "/sites", "/accounts")


def entry(scope: str, role: str = "902") -> dict[str, str]:
    return {"id": scope, "roleId": role}


def script(console: Any, level: str = "tenant") -> None:
    """A small console; ids deliberately out of order."""
    own = [] if level == "tenant" else [entry("201")]
    console.on("GET", "/user", {"data": {"id": "1", "scope": level, "scopeRoles": own}})
    console.on(
        "GET",
        "/users",
        console.page(
            [
                {
                    "id": "12",
                    "email": "Bo@acme.example",
                    "scope": "site",
                    "scopeRoles": [entry("102")],
                },
                {"id": "11", "email": "ana@acme.example", "scope": "site", "scopeRoles": []},
            ]
        ),
    )
    console.on(
        "GET",
        "/service-users",
        console.page([{"id": "51", "name": "x", "scope": "account", "scopeRoles": [entry("201")]}]),
    )
    console.on(
        "GET", "/rbac/roles", console.page([{"id": "902", "scope": "tenant", "name": "SOC"}])
    )
    sites = [
        {"id": "102", "name": "L", "accountId": "201", "accountName": "A", "state": "deleted"},
        {"id": "101", "name": "B", "accountId": "201", "accountName": "A", "state": "active"},
    ]
    pagination = {"totalItems": 2, "nextCursor": None}
    console.on("GET", "/sites", {"data": {"sites": sites}, "pagination": pagination})
    console.on("GET", "/accounts", console.page([{"id": "201", "name": "A", "state": "active"}]))


def test_everything_is_read_and_sorted(console: Any, reads: ReadClient) -> None:
    script(console)
    lines: list[str] = []
    actual = read_actual(reads, lines.append)
    assert actual.origin == console.url
    assert actual.identity.level is Level.TENANT
    assert [site.id for site in actual.sites] == ["101", "102"]
    assert actual.accounts == (Account("201", "A", "active"),)
    assert [principal.id for principal in actual.principals] == ["51", "11", "12"]
    assert actual.principals[2].grants[0].scope.name == "A/L"
    assert actual.notes == ()
    assert sorted(lines) == [
        "read 1 of 1 accounts", "read 1 of 1 roles", "read 1 of 1 service users",
        "read 2 of 2 sites", "read 2 of 2 users",
    ]  # fmt: skip
    assert {request.method for request in console.requests} == {"GET"}


def test_the_same_console_gives_the_same_value(console: Any, reads: ReadClient) -> None:
    script(console)
    assert read_actual(reads) == read_actual(reads)


def test_roles_above_and_below_are_asked_for_and_no_state_is_filtered(
    console: Any, reads: ReadClient
) -> None:
    script(console)
    read_actual(reads)
    asked = {request.path: request.query for request in console.requests}
    assert asked["/rbac/roles"]["includeParents"] == "true"
    assert asked["/rbac/roles"]["includeChildren"] == "true"
    for path in ("/users", "/service-users", "/sites", "/accounts"):
        assert asked[path] == {"limit": "1000", "sortBy": "id", "sortOrder": "asc"}


def test_a_token_on_sites_takes_the_accounts_from_its_sites(
    console: Any, reads: ReadClient
) -> None:
    script(console, "site")
    console.on("GET", "/accounts", (403, {"errors": [{"title": "Insufficient permissions"}]}))
    actual = read_actual(reads)
    assert actual.accounts == (Account("201", "A", "active"),)
    assert actual.notes == (
        "this token may not list accounts; they were taken from the sites it sees",
    )


def test_a_wider_token_that_may_not_list_accounts_is_an_error(
    console: Any, reads: ReadClient
) -> None:
    script(console, "account")
    console.on("GET", "/accounts", (403, {"errors": [{"title": "Insufficient permissions"}]}))
    with pytest.raises(ForbiddenError, match="GET /accounts"):
        read_actual(reads)


@pytest.mark.parametrize("path", ["/user", *LISTINGS])
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((401, {"errors": [{"title": "Authentication Failed"}]}), DeniedError),
        ((200, b"<html>"), NotUnderstoodError),
        ((200, {"data": None}), NotUnderstoodError),
        ((503, b""), UnreachableError),
    ],
)
def test_one_failed_reading_fails_the_whole(
    console: Any, reads: ReadClient, path: str, reply: Any, error: type[ConsoleError]
) -> None:
    script(console)
    console.on("GET", path, reply)
    with pytest.raises(error, match=f"GET {path}") as failure:
        read_actual(reads)
    assert failure.value.remedy


@pytest.mark.parametrize("path", LISTINGS)
def test_a_cut_listing_fails_the_whole(console: Any, reads: ReadClient, path: str) -> None:
    script(console)
    whole = console.routes["GET", path][0]
    cut = {**whole, "pagination": {"totalItems": 9, "nextCursor": None}}
    console.on("GET", path, cut)
    with pytest.raises(IncompleteReadError, match=f"GET {path}"):
        read_actual(reads)


def test_the_other_readings_stop_at_their_next_page(console: Any, reads: ReadClient) -> None:
    script(console)
    failed = threading.Event()

    def fail(_request: Any) -> Any:
        failed.set()
        return (401, {"errors": [{"title": "Authentication Failed"}]})

    def endless(request: Any) -> Any:
        failed.wait(120)
        number = int(request.query.get("cursor", "1")) + 1
        return console.page([{"id": str(number)}], 10**6, str(number))

    console.on("GET", "/user", fail)
    console.on("GET", "/users", endless)
    with pytest.raises(DeniedError):
        read_actual(reads)
    assert console.count("GET", "/users") < 100
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]


def test_a_user_without_scope_roles_refuses_the_listing(console: Any, reads: ReadClient) -> None:
    script(console)
    console.on("GET", "/users", console.page([{"id": "11", "scope": "site"}]))
    with pytest.raises(NotUnderstoodError, match="scopeRoles"):
        read_actual(reads)


def test_one_user_is_read_afresh(console: Any, reads: ReadClient) -> None:
    script(console)
    actual = read_actual(reads)
    record = {"id": "12", "email": "Bo@acme.example", "scope": "site", "scopeRoles": [entry("101")]}
    console.on("GET", "/users/12", {"data": {**record, "pages": []}})
    principal = read_principal(reads, actual, USER, "12")
    assert principal is not None
    assert principal.grants[0].scope == actual.sites[0].scope


def test_a_user_that_is_gone_is_none(console: Any, reads: ReadClient) -> None:
    script(console)
    gone = (404, {"errors": [{"code": 4040010, "title": "Requested resource was not found"}]})
    console.on("GET", "/users/12", gone)
    assert read_principal(reads, read_actual(reads), USER, "12") is None


def test_a_gateways_404_does_not_mean_that_a_user_is_gone(console: Any, reads: ReadClient) -> None:
    script(console)
    console.on("GET", "/users/12", (404, b"<html>not found</html>"))
    with pytest.raises(NotUnderstoodError):
        read_principal(reads, read_actual(reads), USER, "12")


@pytest.mark.parametrize("data", [None, [], {}, {"id": "13", "scope": "site", "scopeRoles": []}])
def test_another_user_than_the_one_asked_for_is_not_understood(
    console: Any, reads: ReadClient, data: Any
) -> None:
    script(console)
    console.on("GET", "/users/12", {"data": data})
    with pytest.raises(NotUnderstoodError, match="something else"):
        read_principal(reads, read_actual(reads), USER, "12")


def test_a_service_user_is_read_afresh_through_the_list(console: Any, reads: ReadClient) -> None:
    script(console)
    actual = read_actual(reads)
    assert read_principal(reads, actual, SERVICE, "51") == actual.principals[0]
    assert console.requests[-1].query["ids"] == "51"
    assert read_principal(reads, actual, SERVICE, "52") is None


@pytest.mark.parametrize("identity", ["", "1/../2", "x", "9" * 21, "%2e%2e"])
def test_a_forged_id_is_never_asked_for(console: Any, reads: ReadClient, identity: str) -> None:
    script(console)
    actual = read_actual(reads)
    before = len(console.requests)
    for kind in PrincipalKind:
        with pytest.raises(NotUnderstoodError):
            read_principal(reads, actual, kind, identity)
    assert len(console.requests) == before


@pytest.mark.parametrize("scope_roles", [[entry("777")], [entry("101", "999")]])
def test_a_scope_or_role_that_is_new_since_the_start_is_an_incomplete_read(
    console: Any, reads: ReadClient, scope_roles: Any
) -> None:
    script(console)
    actual = read_actual(reads)
    record = {"id": "12", "scope": "site", "scopeRoles": scope_roles}
    console.on("GET", "/users/12", {"data": record})
    with pytest.raises(IncompleteReadError) as failure:
        read_principal(reads, actual, USER, "12")
    assert failure.value.remedy


def test_users_are_found_by_an_address_that_is_compared_again(
    console: Any, reads: ReadClient
) -> None:
    script(console)
    actual = read_actual(reads)
    found = find_users(reads, actual, "BO@Acme.example")
    assert [principal.id for principal in found] == ["12"]
    asked = [request.query["email"] for request in console.requests if "email" in request.query]
    assert asked == ["BO@Acme.example", "bo@acme.example"]
    assert find_users(reads, actual, "nobody@acme.example") == ()


def test_users_that_share_an_address_are_all_found(console: Any, reads: ReadClient) -> None:
    script(console)
    actual = read_actual(reads)
    twins: list[dict[str, Any]] = [
        {"id": number, "email": email, "scope": "site", "scopeRoles": []}
        for number, email in (("14", "Cy@acme.example"), ("13", "cy@acme.example"), ("15", None))
    ]
    console.on("GET", "/users", console.page(twins))
    found = find_users(reads, actual, "cy@acme.example")
    assert [principal.id for principal in found] == ["13", "14"]


@pytest.fixture
def simulator() -> Iterator[Running]:
    with running() as served:
        yield served


def test_the_simulated_console_is_read_whole(
    simulator: Running, address: Any, runtime: Any
) -> None:
    settings = address(simulator.url)
    settings = type(settings)(simulator.url, type(settings.token)(simulator.token))
    with ReadClient(settings, runtime) as client:
        actual = read_actual(client)
        assert not any(principal.is_partial for principal in actual.principals)
        for principal in actual.principals:
            assert read_principal(client, actual, principal.kind, principal.id) == principal
        users = [principal for principal in actual.principals if principal.kind is USER]
        for principal in users[:5]:
            assert find_users(client, actual, principal.name.text) == (principal,)
    assert {method for method, _ in simulator.requests} == {"GET"}
    assert simulator.changes == []
