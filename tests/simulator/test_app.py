"""Paths, methods, tokens and permissions, before any handler is asked."""

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


@pytest.mark.parametrize(
    "path", ["/nope", "/users/", "/users/1/2", "/rbac", "/Users", "", "/users/delete-users/x"]
)
def test_an_unknown_path_is_not_found(client: httpx.Client, refuses: Refuses, path: str) -> None:
    refuses(client.get(path), 404)


def test_a_path_outside_the_api_is_not_found(client: httpx.Client, console: Running) -> None:
    answer = client.get(console.url + "/web/api/v2.0/users")
    assert answer.json()["errors"][0]["code"] == 4040010


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/users/1"), ("DELETE", "/users"), ("DELETE", "/sites"), ("PUT", "/user"),
     ("DELETE", "/users/viewer-auth-check"), ("OPTIONS", "/users")],
)  # fmt: skip
def test_a_wrong_method_is_told_in_the_envelope(
    client: httpx.Client, refuses: Refuses, method: str, path: str
) -> None:
    refuses(client.request(method, path), 405)


@pytest.mark.parametrize("scheme", ["ApiToken", "apitoken", "APIToken", "APITOKEN"])
def test_the_scheme_word_is_read_in_any_case(
    console: Running, open_client: OpenClient, scheme: str
) -> None:
    assert open_client(f"{scheme} {console.token}").get("/user").status_code == 200


@pytest.mark.parametrize("form", ["", "{}", "Bearer {}", "Token {}", "ApiToken {}x", "ApiToken"])
def test_anything_but_a_known_api_token_is_not_authenticated(
    console: Running, open_client: OpenClient, refuses: Refuses, form: str
) -> None:
    refuses(open_client(form.format(console.token)).get("/users"), 401)


def test_an_expired_token_is_not_authenticated(
    console: Running, open_client: OpenClient, refuses: Refuses
) -> None:
    now = console.console.clock()
    late = console.token_for("reconciler", expires=now)
    good = console.token_for("reconciler", expires=now + timedelta(seconds=1))
    refuses(open_client(f"ApiToken {late}").get("/users"), 401)
    assert open_client(f"ApiToken {good}").get("/users").status_code == 200


def test_the_health_check_needs_no_token(open_client: OpenClient) -> None:
    assert open_client("").get("/system/status").json() == {"data": {"health": "ok"}}


def test_every_start_has_another_token(console: Running) -> None:
    again = console.console.mint_apply_token()
    assert len(again) > 40
    assert again != console.token


def test_a_token_for_nobody_is_an_error(console: Running) -> None:
    with pytest.raises(KeyError, match="nobody"):
        console.token_for("nobody@acme.example")


@pytest.mark.parametrize("name", ["reconciler-plan", "rosa.lindqvist@audit.example"])
def test_a_viewer_reads_everything_and_writes_nothing(
    acting_as: OpenClient, refuses: Refuses, ids: Names, name: str
) -> None:
    viewer = acting_as(name)
    for path in ("/users", "/service-users", "/rbac/roles", "/sites", "/accounts", "/activities"):
        assert viewer.get(path).status_code == 200
    one, service = ids("ana@acme.example"), ids("soar")
    body: dict[str, Any] = {"data": {"scope": "tenant"}}
    refuses(viewer.put(f"/users/{one}", json=body), 403)
    refuses(viewer.post("/users", json=body), 403)
    refuses(viewer.delete(f"/users/{one}"), 403)
    refuses(viewer.put(f"/service-users/{service}", json=body), 403)
    refuses(viewer.post("/service-users", json=body), 403)
    refuses(viewer.delete(f"/service-users/{service}"), 403)


def test_a_role_without_a_view_permission_cannot_read_that_list(
    acting_as: OpenClient, refuses: Refuses
) -> None:
    chief = acting_as("cleo@acme.example")
    assert chief.get("/users").status_code == 200
    refuses(chief.get("/rbac/roles"), 403)
    refuses(chief.get("/service-users"), 403)


def test_a_caller_without_any_grant_may_only_probe(
    acting_as: OpenClient, refuses: Refuses, world: World, ids: Names
) -> None:
    user_id = ids("ada@acme.example")
    world.users[user_id] = replace(world.users[user_id], grants=())
    empty = acting_as("ada@acme.example")
    refuses(empty.get("/users"), 403)
    refuses(empty.get("/users/tenant-admin-auth-check"), 403)
    assert empty.get("/users/viewer-auth-check").status_code == 200


def test_the_tenant_admin_check_refuses_an_account_admin(
    acting_as: OpenClient, refuses: Refuses
) -> None:
    refuses(acting_as("petra@acme.example").get("/users/tenant-admin-auth-check"), 403)


@pytest.mark.parametrize(
    "path", ["/users/1", "/service-users/1", "/rbac/role/1", "/sites/1", "/accounts/1"]
)
def test_an_unknown_id_is_not_found(client: httpx.Client, refuses: Refuses, path: str) -> None:
    refuses(client.get(path), 404)


def test_tenant_users_take_each_form_the_reference_leaves_open(
    client: httpx.Client, world: World, ids: Names, console: Running
) -> None:
    forms = {}
    for form in ("null", "absent", "tenancy", "empty"):
        console.console.world.settings = replace(world.settings, tenant_entry=form)
        user = client.get(f"/users/{ids('ada@acme.example')}").json()["data"]
        assert user["tenantRoles"] == ["Admin"]
        forms[form] = [entry.get("id", "no id") for entry in user["scopeRoles"]]
    tenancy = world.settings.tenancy_id
    assert forms == {"null": [None], "absent": ["no id"], "tenancy": [tenancy], "empty": []}


def test_a_deleted_caller_loses_the_token(
    acting_as: OpenClient, client: httpx.Client, refuses: Refuses, ids: Names
) -> None:
    petra = acting_as("petra@acme.example")
    assert petra.get("/users").status_code == 200
    client.delete(f"/users/{ids('petra@acme.example')}")
    refuses(petra.get("/users"), 401)


def test_an_aborted_request_leaves_the_console_serving(
    console: Running, client: httpx.Client
) -> None:
    with httpx.Client(trust_env=False) as other:

        def body() -> Any:
            yield b'{"data":'
            raise RuntimeError("gone")

        with pytest.raises(RuntimeError):
            other.post(f"{console.url}/web/api/v2.1/users", content=body())
    assert client.get("/user").status_code == 200
    assert console.changes == []
