"""A served console over the sample world, clients that act as its people, and short names."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from conformance import documentation

from reconciler.simulator.serve import Running, running
from reconciler.simulator.world import World, load

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return load()


@pytest.fixture
def console(world: World) -> Iterator[Running]:
    with running(world, clock=lambda: NOW) as served:
        yield served


@pytest.fixture
def open_client(console: Running) -> Iterator[Callable[[str], httpx.Client]]:
    """Open a client that sends the given Authorization value."""
    opened: list[httpx.Client] = []

    def build(authorization: str) -> httpx.Client:
        headers = {"Authorization": authorization} if authorization else {}
        url = console.url + "/web/api/v2.1"
        opened.append(httpx.Client(base_url=url, headers=headers, trust_env=False))
        return opened[-1]

    yield build
    for each in opened:
        each.close()


@pytest.fixture
def acting_as(
    console: Running, open_client: Callable[[str], httpx.Client]
) -> Callable[[str], httpx.Client]:
    """Open a client with a token of that user (by e-mail) or service user (by name)."""
    return lambda name: open_client(f"ApiToken {console.token_for(name)}")


@pytest.fixture
def client(console: Running, open_client: Callable[[str], httpx.Client]) -> httpx.Client:
    """Open a client with the apply token."""
    return open_client(f"ApiToken {console.token}")


@pytest.fixture
def ids(world: World) -> Callable[[str], str]:
    """Find an id: `ana@acme.example`, `soar`, `role SOC`, `Acme EMEA`, `Acme EMEA/Berlin`."""
    names = {account.name: account.id for account in world.accounts.values()}
    for site in world.sites.values():
        names[f"{world.accounts[site.account_id].name}/{site.name}"] = site.id
    names |= {f"role {role.name}": role.id for role in world.roles.values()}
    names |= {user.email: user.id for user in world.users.values()}
    names |= {service.name: service.id for service in world.service_users.values()}
    return names.__getitem__


@pytest.fixture
def grant(ids: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """Write one entry of `scopeRoles` for a request, by names; extra fields as keywords."""

    def entry(role: str, scope: str = "", **extra: Any) -> dict[str, Any]:
        where = {"id": ids(scope)} if scope else {}
        return where | {"roleId": ids(f"role {role}")} | extra

    return entry


@pytest.fixture
def has_shape() -> Callable[[str, Any], None]:
    """Check an item of an answer against its schema, every documented field present."""

    def check(name: str, item: Any) -> None:
        documentation().validator(f"/components/schemas/{name}").validate(item)

    return check


@pytest.fixture
def refuses() -> Callable[..., None]:
    """Check that an answer is the error envelope of that status, with that detail."""

    def check(response: httpx.Response, status: int, detail: str | None = None) -> None:
        assert response.status_code == status, response.text
        (error,) = response.json()["errors"]
        assert error["code"] == status * 10000 + 10
        assert error["title"]
        assert response.json().keys() == {"errors"}
        if detail is not None:
            assert detail in error["detail"]

    return check
