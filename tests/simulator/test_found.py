"""What schemathesis found (tests/weekly), each kept as an ordinary test."""

from collections.abc import Callable

import httpx
import pytest

Refuses = Callable[..., None]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("TRACE", "/users/1", "GET, PUT, DELETE"),
        ("TRACE", "/users/viewer-auth-check", "GET"),
        ("PATCH", "/users", "GET, POST"),
        ("TRACE", "/users/revoke-api-token", "POST"),
    ],
)
def test_a_wrong_method_is_told_which_ones_there_are(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("query", ["tenant=null", "accountIds=x", "siteIds=", "tenancyIds=1"])
def test_the_parameters_of_the_own_user_are_checked(
    client: httpx.Client, refuses: Refuses, query: str
) -> None:
    refuses(client.get(f"/user?{query}"), 400, query.partition("=")[0])
