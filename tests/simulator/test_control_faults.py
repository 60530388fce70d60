"""Faults, rate limits and clock through the simulator's own door."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.simulator.catalogue import KINDS
from reconciler.simulator.serve import Running

Refuses = Callable[..., None]
Names = Callable[[str], str]


@pytest.fixture
def door(console: Running) -> Iterator[httpx.Client]:
    headers = {"X-Simulator-Control": "yes"}
    with httpx.Client(
        base_url=console.url + "/_simulator", headers=headers, trust_env=False
    ) as each:
        yield each


def test_the_help_page_tells_everything(door: httpx.Client) -> None:
    told = door.get("/").json()
    assert told["kinds"].keys() == KINDS.keys()
    assert told["kinds"]["latency"]["value"] == "seconds"
    text = "\n".join(told["about"])
    for path in ("faults", "scenario", "rate-limits", "clock", "changes", "log", "reset", "world"):
        assert f" /_simulator/{path} " in text
    assert any("503@7" in line for line in told["faults"])
    fault = told["schema"]["properties"]["faults"]["items"]["properties"]
    assert {"kind", "value", "method", "path", "at", "chance", "count", "when"} <= fault.keys()
    assert {"as", "body"} <= fault["requests"]["items"]["properties"].keys()
    assert "beside this module" not in str(told)
    assert "control API too" in told["kinds"]["refuse"]["text"]
    assert "--state" in text
    for word in ("DNS", "TLS", "refused connection"):
        assert word in "\n".join(told["faults"])


def test_faults_that_were_read_can_be_set(door: httpx.Client) -> None:
    acts = [{"as": "soar", "method": "PUT", "path": "/users/7", "body": {"data": {}}}]
    faults: list[Any] = [
        {"kind": "429", "value": "9", "method": "GET", "path": "/users", "at": "7-9"},
        {"kind": "change", "requests": acts, "when": "after", "count": 2, "chance": 0.5},
        "503@3",
    ]
    first = door.put("/faults", json={"faults": faults}).json()
    again = {"faults": [each["fault"] for each in first["faults"]], "seed": first["seed"]}
    assert door.put("/faults", json=again).json() == first
    assert first["faults"][0]["fault"].items() >= faults[0].items()


@pytest.mark.parametrize("path", ["/faults", "/scenario"])
def test_a_key_that_stands_twice_is_refused(
    door: httpx.Client, refuses: Refuses, path: str
) -> None:
    body = '{"faults": [{"kind": "503", "at": 1, "at": 2}]}'
    refuses(door.put(path, content=body), 400, "faults[0].at: stands twice")
    deep = '{"faults": [' + "[" * 900 + "]" * 900 + "]}"
    refuses(door.put(path, content=deep), 400)


def test_faults_are_set_counted_and_dropped(door: httpx.Client, client: httpx.Client) -> None:
    assert door.get("/faults").json() == {"faults": [], "seed": 0, "requests": 0}
    body = {"seed": 3, "faults": ["503@2", {"kind": "nan", "method": "GET", "at": "3-"}]}
    assert door.put("/faults", json=body).json()["requests"] == 0
    assert [client.get("/users").status_code for _ in range(3)] == [200, 503, 200]
    told = door.get("/faults").json()
    assert (told["seed"], told["requests"]) == (3, 3)
    one, two = told["faults"]
    assert (one["matched"], one["hits"], one["missed"]) == (3, 1, 0)
    assert (two["fault"]["kind"], two["hits"]) == ("nan", 1)
    assert door.delete("/faults").json()["faults"] == []
    assert [client.get("/users").status_code for _ in range(3)] == [200] * 3


def test_setting_faults_leaves_the_rate_limits(door: httpx.Client) -> None:
    door.put("/rate-limits", json={})
    door.put("/faults", json={"faults": ["503@2"]})
    door.delete("/faults")
    assert door.get("/rate-limits").json()["rate_limits"]["limits"]["/users"] == [40, 80]
    door.put("/scenario", json={"faults": ["503@2"]})
    assert door.get("/rate-limits").json() == {"rate_limits": None}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/faults", {"faults": ["503"]}, "faults[0]: '503' is no fault"),
        ("/faults", {"faults": {}}, "faults: {} is not of type 'array'"),
        ("/faults", {"clock": "2026-01-01"}, "clock: Unknown field"),
        ("/faults", {"faults": ["change=zed GET /user@1"]}, "nobody is called 'zed'"),
        ("/scenario", {"sced": 5}, "Additional properties"),
        ("/rate-limits", {"retry_after": "x"}, "rate_limits.retry_after: 'x'"),
        ("/rate-limits", {"limits": {"/users": [1]}}, "rate_limits.limits./users"),
        ("/clock", {"stop": True}, "stop: Unknown field"),
        ("/clock", {"freeze": "noon"}, "'noon' is no instant"),
        ("/clock", {"freeze": 5}, "freeze: Not an instant"),
        ("/clock", {"advance": "1h"}, "advance: Not a number"),
        ("/clock", {"advance": True}, "advance: Not a number"),
        ("/clock", {"advance": 1e300}, "advance: "),
        ("/clock", {"advance": 1e12}, "advance: "),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_changes(
    door: httpx.Client, refuses: Refuses, path: str, body: Any, detail: str
) -> None:
    before = [door.get(each).json() for each in ("/faults", "/rate-limits", "/clock")]
    refuses(door.put(path, json=body), 400, detail)
    assert [door.get(each).json() for each in ("/faults", "/rate-limits", "/clock")] == before


def test_rate_limits_are_switched_on_and_off(door: httpx.Client, client: httpx.Client) -> None:
    told = door.put("/rate-limits", json={"retry_after": "seconds", "limits": {"/user": [1, 2]}})
    assert told.json() == {
        "rate_limits": {"limits": {"/user": [1, 2]}, "retry_after": "seconds"}
    }  # fmt: skip
    assert [client.get("/user").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/user").headers["retry-after"] == "1"
    door.put("/rate-limits", json={"limits": {"/user": [1, 2]}})
    assert [client.get("/user").status_code for _ in range(3)] == [200, 200, 429]
    assert door.delete("/rate-limits").json() == {"rate_limits": None}
    assert {client.get("/user").status_code for _ in range(5)} == {200}


def test_rate_limits_leave_the_count_of_requests(door: httpx.Client, client: httpx.Client) -> None:
    door.put("/faults", json={"faults": ["503@2"]})
    client.get("/user")
    door.put("/rate-limits", json={})
    assert client.get("/user").status_code == 503


def test_the_clock_is_frozen_advanced_and_let_go(door: httpx.Client) -> None:
    start = "2026-11-23T09:00:00.000000Z"
    assert door.get("/clock").json() == {"now": start, "frozen": False}
    later = {"now": "2026-11-23T09:01:30.500000Z", "frozen": False}
    assert door.put("/clock", json={"advance": 90.5}).json() == later
    told = door.put("/clock", json={"freeze": "2030-01-01T00:00:00Z", "advance": 60}).json()
    assert told == {"now": "2030-01-01T00:01:00.000000Z", "frozen": True}
    assert door.put("/clock", json={"freeze": False}).json() == told | {"frozen": False}
    assert door.put("/clock", json={"freeze": True}).json() == told
    assert door.put("/clock", json={"advance": -60}).json()["now"] == "2030-01-01T00:00:00.000000Z"
    door.post("/reset")
    assert door.get("/clock").json() == {"now": start, "frozen": False}


def test_a_token_expires_by_the_clock_of_the_rehearsal(
    console: Running, door: httpx.Client, client: httpx.Client
) -> None:
    body = {
        "name": "short-lived", "scope": "tenant", "expirationDate": "2026-11-24T00:00:00Z",
        "scopeRoles": [],
    }  # fmt: skip
    made = client.post("/service-users", json={"data": body}).json()["data"]
    headers = {"Authorization": f"ApiToken {made['apiToken']['value']}"}
    url = console.url + "/web/api/v2.1/users/viewer-auth-check"
    with httpx.Client(trust_env=False, headers=headers) as other:
        assert other.get(url).status_code == 200
        door.put("/clock", json={"advance": 86400})
        assert other.get(url).status_code == 401


def test_a_scenario_may_stop_the_clock(door: httpx.Client) -> None:
    door.put("/scenario", json={"clock": "2027-01-01T00:00:00Z"})
    assert door.get("/clock").json() == {"now": "2027-01-01T00:00:00.000000Z", "frozen": True}


def test_the_log_tells_what_became_of_each_request(
    door: httpx.Client, client: httpx.Client, ids: Names
) -> None:
    door.put("/faults", json={"faults": ["reset-after@1"]})
    path = f"/users/{ids('ana@acme.example')}"
    with pytest.raises(httpx.ReadError):
        client.delete(path)
    assert door.get("/log").json()["entries"] == [
        {
            "index": 1, "at": "2026-11-23T09:00:00.000000Z", "method": "DELETE",
            "path": f"/web/api/v2.1{path}", "status": 0, "principal": "reconciler",
            "faults": ["reset-after"],
        }
    ]  # fmt: skip
    assert door.get("/changes").json()["changes"][0]["method"] == "DELETE"


def test_a_reset_empties_the_diaries_and_restores_the_world(
    door: httpx.Client, client: httpx.Client, ids: Names
) -> None:
    whole = door.get("/world").json()
    door.put("/faults", json={"faults": ["503@2"]})
    client.delete(f"/users/{ids('ana@acme.example')}")
    assert door.post("/reset").json() == {"success": True}
    assert door.get("/world").json() == whole
    assert door.get("/changes").json() == {"changes": []}
    assert door.get("/log").json() == {"entries": []}
    assert [client.get("/user").status_code for _ in range(3)] == [200, 503, 200]
