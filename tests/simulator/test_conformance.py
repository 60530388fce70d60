"""The check that every exchange passes, checked itself: it sees what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from conformance import Witness, documentation, likeness

from reconciler.simulator.envelopes import Request, Response
from reconciler.simulator.records import Settings
from reconciler.simulator.routes import ROUTES

PREFIX = "/web/api/v2.1"


def told(answer: Any, path: str, status: int = 200, method: str = "GET", **more: Any) -> list[str]:
    body = json.dumps(answer).encode()
    request = Request(method, PREFIX + path, **more)
    return list(documentation().problems(Settings(), request, Response(status, body)))


def test_the_documentation_has_the_operations_of_the_console_and_no_others() -> None:
    documented = {
        (method.upper(), path)
        for path, item in documentation().tree["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


@pytest.fixture
def user(client: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/users?limit=1").json()
    return answer


@pytest.mark.parametrize(
    "change",
    [
        {"id": 7}, {"id": "7"}, {"scope": "galaxy"}, {"colour": "red"}, {"dateJoined": "today"},
        {"isSystem": None}, {"scopeRoles": [{}]}, {"twoFaStatus": "yes"}, {"scopeRoles": {}},
    ],
)  # fmt: skip
def test_a_wrong_field_is_seen(user: dict[str, Any], change: dict[str, Any]) -> None:
    assert told(user, "/users") == []
    wrong = {"data": [user["data"][0] | change], "pagination": user["pagination"]}
    assert told(wrong, "/users") != []


def test_every_field_of_a_listed_user_is_demanded(user: dict[str, Any]) -> None:
    for name in user["data"][0]:
        less = {key: value for key, value in user["data"][0].items() if key != name}
        assert told({"data": [less], "pagination": user["pagination"]}, "/users"), name


def test_an_item_in_the_middle_of_a_list_is_looked_at(client: httpx.Client) -> None:
    for path in ("/users", "/sites"):
        answer = client.get(path).json()
        assert told(answer, path) == []
        items = answer["data"]["sites"] if path == "/sites" else answer["data"]
        items[5]["id"] = None
        assert told(answer, path) != []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"errors": [{"code": 4040010, "title": "x", "detail": None}]}, 400),
        ({"errors": [{"code": 4000010, "title": "x"}]}, 400),
        ({"errors": []}, 400),
        ({"errors": [{"code": 5000010, "title": "x", "detail": None}]}, 500),
        ({"errors": [{"code": 5010010, "title": "x", "detail": None}]}, 501),
    ],
)
def test_a_wrong_envelope_is_seen(answer: Any, status: int) -> None:
    assert told(answer, "/users", status) != []


@pytest.mark.parametrize("query", ["colour=1", "limit=0", "limit=x", "countOnly=maybe", "sortBy=x"])
def test_an_accepted_request_that_is_not_documented_is_seen(
    user: dict[str, Any], query: str
) -> None:
    assert told(user, "/users", query="limit=5&countOnly=TRUE&sortBy=email&ids=1,2") == []
    assert told(user, "/users", query=query) != []


def test_an_accepted_body_that_is_not_documented_is_seen() -> None:
    done = {"data": {"success": True}}
    path = "/sites/1820000000000000202/reactivate"
    for content, is_right in (({"data": {}}, True), ({"data": {"colour": 1}}, False), ({}, False)):
        body = json.dumps(content).encode()
        assert (told(done, path, method="PUT", body=body) == []) is is_right


def test_an_undocumented_operation_that_is_answered_is_seen() -> None:
    assert told({"data": []}, "/agents") != []
    assert told({"data": {"success": True}}, "/users", method="DELETE") != []


def test_lenient_switches_excuse_the_request_and_not_the_answer(user: dict[str, Any]) -> None:
    lenient = replace(Settings(), misspelt_filter="ignored")
    request = Request("GET", f"{PREFIX}/users", "colour=1")
    for answer, is_right in ((user, True), ({"data": 5}, False)):
        response = Response(200, json.dumps(answer).encode())
        problems = list(documentation().problems(lenient, request, response))
        assert (problems == []) is is_right


def test_the_witness_has_seen_what_this_test_asked(client: httpx.Client, witness: Witness) -> None:
    client.get("/user")
    bad = Response(200, b'{"data": 5}')
    witness(console=_Told(), request=Request("GET", f"{PREFIX}/user"), response=bad)
    (problem,) = witness.judge()
    assert problem.startswith("GET /web/api/v2.1/user -> 200: $.data")
    assert witness.judge() == []


class _Told:
    """A console as far as a witness looks at it."""

    class world:  # noqa: N801  named as in the console
        settings = Settings()


def test_likeness_hides_ids_times_and_texts_and_nothing_else() -> None:
    def like(**fields: Any) -> str:
        return likeness(fields)

    assert like(id="1" * 18, email="a") == like(id="2" * 19, email='b"\\')
    assert like(at="2026-11-23T09:00:00.000000Z") == like(at="2025-01-01T00:00:00.123456Z")
    assert like(roles=["SOC"]) == like(roles=["IT"])
    different: list[Callable[[], str]] = [
        lambda: like(id="12"), lambda: like(id=1), lambda: like(id=None), lambda: like(scope="a"),
        lambda: like(scope="b"), lambda: like(email=None), lambda: like(roles=[]),
    ]  # fmt: skip
    assert len({make() for make in different}) == len(different)
