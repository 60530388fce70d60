"""API tokens: details, generation, revocation and expiry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconciler.simulator.serve import Running
from reconciler.simulator.world import World

OpenClient = Callable[[str], httpx.Client]
Names = Callable[[str], str]
Refuses = Callable[..., None]

ADA, NOOR = "ada@acme.example", "noor@acme.example"
MAKE = "/users/generate-api-token"


def test_details_are_dates_and_never_the_value(client: httpx.Client, ids: Names) -> None:
    answer = client.get(f"/users/{ids(ADA)}/api-token-details").json()
    assert answer == {
        "data": {
            "createdAt": "2026-11-03T08:30:00.000000Z",
            "expiresAt": "2026-12-03T08:30:00.000000Z",
        }
    }
    none = client.get(f"/users/{ids(NOOR)}/api-token-details").json()["data"]
    assert none == {"createdAt": None, "expiresAt": None}


def test_details_of_an_unknown_user_are_not_found(
    client: httpx.Client, refuses: Refuses, acting_as: OpenClient, ids: Names
) -> None:
    refuses(client.get("/users/1/api-token-details"), 404)
    petra = acting_as("petra@acme.example")
    refuses(petra.get(f"/users/{ids(ADA)}/api-token-details"), 404)


def test_details_of_a_token_do_not_tell_whose_it_is(
    client: httpx.Client, console: Running, refuses: Refuses
) -> None:
    value = console.token_for(ADA, expires=console.console.clock() + timedelta(days=2))
    answer = client.post("/users/api-token-details", json={"data": {"apiToken": value}}).json()
    assert answer["data"] == {
        "createdAt": "2026-11-03T08:30:00.000000Z",
        "expiresAt": "2026-11-25T09:00:00.000000Z",
    }
    endless = console.token_for(ADA)
    answer = client.post("/users/api-token-details", json={"data": {"apiToken": endless}}).json()
    assert answer["data"]["expiresAt"] == "2026-12-03T08:30:00.000000Z"
    unknown = client.post("/users/api-token-details", json={"data": {"apiToken": "x"}})
    refuses(unknown, 404)
    refuses(client.post("/users/api-token-details", json={"data": {"token": value}}), 400, "token:")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"data": {}}', b'{"data": {"forceLegacy": true}}']
)
def test_a_user_makes_a_token_of_30_days_for_himself(
    acting_as: OpenClient, open_client: OpenClient, content: bytes
) -> None:
    value = acting_as(NOOR).post(MAKE, content=content).json()["data"]["token"]
    user = open_client(f"ApiToken {value}").get("/user").json()["data"]
    assert user["email"] == NOOR
    assert user["apiToken"]["expiresAt"] == "2026-12-23T09:00:00.000000Z"


def test_a_second_token_is_a_conflict_and_on_older_consoles_a_replacement(
    acting_as: OpenClient, open_client: OpenClient, world: World, refuses: Refuses
) -> None:
    refuses(acting_as(ADA).post(MAKE), 409, "already generated")
    world.settings = replace(world.settings, newer=False)
    first = acting_as(ADA)
    value = first.post(MAKE).json()["data"]["token"]
    refuses(first.get("/user"), 401)
    assert open_client(f"ApiToken {value}").get("/user").status_code == 200
    refuses(open_client(f"ApiToken {value}").post(MAKE, json={"data": {"forceLegacy": True}}), 400)


def test_who_may_not_make_tokens_is_refused(acting_as: OpenClient, refuses: Refuses) -> None:
    refuses(acting_as("bo@acme.example").post(MAKE), 403)  # canGenerateApiToken is off
    refuses(acting_as("reconciler").post(MAKE), 403)  # no console user
    refuses(acting_as(NOOR).post(MAKE, json={"data": {"colour": 1}}), 400, "colour:")


def test_a_new_token_of_a_service_user_ends_the_old_one(
    acting_as: OpenClient, client: httpx.Client, open_client: OpenClient, refuses: Refuses,
    ids: Names,
) -> None:  # fmt: skip
    old = acting_as("ticketing")
    url = f"/service-users/{ids('ticketing')}/generate-api-token"
    data = client.post(url, json={"data": {"expirationDate": "2027-01-01T00:00:00Z"}}).json()[
        "data"
    ]
    assert data["expiresAt"] == "2027-01-01T00:00:00.000000Z"
    refuses(old.get("/user"), 401)
    assert open_client(f"ApiToken {data['token']}").get("/user").status_code == 200
    shown = client.get(f"/service-users/{ids('ticketing')}").json()["data"]["apiToken"]
    assert shown["expiresAt"] == data["expiresAt"]
    told = client.get("/activities").json()["data"]
    assert [each["activityType"] for each in told] == [112]
    past = client.post(url, json={"data": {"expirationDate": "2020-01-01T00:00:00Z"}})
    refuses(past, 400, "expirationDate: Must be in the future")
    refuses(client.post("/service-users/1/generate-api-token", json={"data": {}}), 404)


def test_a_caller_who_renews_his_own_token_is_locked_out_at_once(
    client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    url = f"/service-users/{ids('reconciler')}/generate-api-token"
    answer = client.post(url, json={"data": {"expirationDate": "2027-01-01T00:00:00Z"}})
    assert answer.status_code == 200
    refuses(client.get("/user"), 401)


def test_a_revoked_token_is_worth_nothing(
    acting_as: OpenClient, client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    ada = acting_as(ADA)
    answer = client.post("/users/revoke-api-token", json={"data": {"id": ids(ADA)}})
    assert answer.json() == {"data": {"success": True}}
    refuses(ada.get("/user"), 401)
    assert client.get(f"/users/{ids(ADA)}").json()["data"]["apiToken"] is None
    assert client.get("/activities").json()["data"][0]["activityType"] == 113


def test_revoking_needs_the_right_or_the_own_token(
    acting_as: OpenClient, refuses: Refuses, ids: Names
) -> None:
    def revoke(who: httpx.Client, whom: str) -> httpx.Response:
        return who.post("/users/revoke-api-token", json={"data": {"id": whom}})

    ana = acting_as("ana@acme.example")
    refuses(revoke(ana, ids("bo@acme.example")), 403)
    refuses(revoke(ana, ids(ADA)), 404)
    refuses(revoke(ana, "me"), 400, "id: Not a valid Identifier")
    assert revoke(ana, ids("ana@acme.example")).status_code == 200
    refuses(ana.get("/user"), 401)


def test_a_role_change_may_end_tokens(
    client: httpx.Client, acting_as: OpenClient, world: World, refuses: Refuses, grant: Any,
    ids: Names,
) -> None:  # fmt: skip
    def put(role: str) -> None:
        entry = grant(role, "Acme EMEA/Berlin")
        body = {"data": {"scope": "site", "scopeRoles": [entry]}}
        assert client.put(f"/users/{ids('ana@acme.example')}", json=body).status_code == 200

    ana = acting_as("ana@acme.example")
    put("SOC")
    assert ana.get("/user").status_code == 200
    world.settings = replace(world.settings, role_change="ends-tokens")
    put("SOC")
    assert ana.get("/user").status_code == 200  # nothing changed
    put("IT")
    refuses(ana.get("/user"), 401)


def test_the_remote_shell_check_asks_for_that_permission(
    client: httpx.Client, acting_as: OpenClient, refuses: Refuses
) -> None:
    assert client.get("/users/rs-auth-check").json() == {"data": {"success": True}}
    refuses(acting_as("reconciler-plan").get("/users/rs-auth-check"), 403)
