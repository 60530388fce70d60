"""A generated world: the same each time, of the size asked for, full of what clients trip on."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import httpx
import pytest

from reconciler.simulator.dice import Dice
from reconciler.simulator.generate import Size, generate
from reconciler.simulator.serve import running
from reconciler.simulator.world import World, check, dump

SIZE = Size(accounts=8, sites=60, roles=30, users=600, assignments=5, service_users=60)
LEAST = Size(1, 1, 6, 2, 1, 2)


@pytest.fixture(scope="module")
def company() -> World:
    return generate(1, SIZE)


def test_the_same_seed_gives_the_same_bytes_in_another_process(company: World) -> None:
    code = (
        "import sys; from reconciler.simulator.generate import *; "
        "from reconciler.simulator.world import dump; "
        f"sys.stdout.buffer.write(dump(generate(1, {SIZE!r})).encode())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout == dump(company).encode()


def test_another_seed_gives_another_company(company: World) -> None:
    assert dump(generate(2, SIZE)) != dump(company)


@pytest.mark.parametrize("size", [SIZE, LEAST, Size(), Size(3, 3, 40, 9, 30, 9)])
def test_it_has_the_size_that_was_asked_for(size: Size) -> None:
    world = generate(3, size)
    check(world)
    for item in fields(Size):
        if item.name != "assignments":
            assert len(getattr(world, item.name)) == getattr(size, item.name)
    below = [user for user in world.users.values() if user.scope != "tenant"]
    assert all(user.grants for user in world.users.values())
    most = max(size.accounts, size.sites)
    assert all(len(user.grants) <= min(2 * size.assignments - 1, most) for user in below)


def test_the_mean_of_grants_is_what_was_asked_for(company: World) -> None:
    counts = [len(user.grants) for user in company.users.values() if user.scope == "site"]
    assert 4.5 < sum(counts) / len(counts) < 5.5


def test_it_holds_what_a_client_may_stumble_over(company: World) -> None:
    users, sites = list(company.users.values()), list(company.sites.values())
    roles = list(company.roles.values())
    assert {user.scope for user in users} == {"tenant", "account", "site"}
    assert {user.source for user in users} == {"mgmt", "sso_saml", "active_directory", "global"}
    assert any(user.last_login is None for user in users)
    assert any(user.email != user.email.lower() for user in users)
    assert sum(user.is_system for user in users) == 1
    assert {site.state for site in sites} == {"active", "expired", "deleted"}
    assert "expired" in {account.state for account in company.accounts.values()}
    assert {role.scope for role in roles if not role.predefined} == {"tenant", "account", "site"}
    gone = {site.id for site in sites if site.state == "deleted"}
    assert any(grant.scope_id in gone for user in users for grant in user.grants)
    mixed = [user for user in users if len({grant.role_id for grant in user.grants}) > 1]
    assert len(mixed) > len(users) / 4
    levels = Counter(service.scope for service in company.service_users.values())
    assert levels.keys() == {"tenant", "account", "site"}


@pytest.mark.parametrize("size", [Size(), Size(10, 10, 6, 20, 1, 2), Size(1, 10, 6, 20, 1, 2)])
@pytest.mark.parametrize("seed", range(6))
def test_every_company_has_expired_and_trial_sites_and_global_users(size: Size, seed: int) -> None:
    world = generate(seed, size)
    assert any(site.state == "expired" for site in world.sites.values())
    assert any(site.site_type == "Trial" for site in world.sites.values())
    assert any(user.source == "global" for user in world.users.values())


def repeated(keys: Sequence[Any]) -> set[Any]:
    return {key for key, count in Counter(keys).items() if count > 1}


def test_names_come_again_where_a_console_lets_them(company: World) -> None:
    sites, roles = list(company.sites.values()), list(company.roles.values())
    assert len(repeated([site.name for site in sites])) > 3
    assert not repeated([(site.account_id, site.name) for site in sites])
    assert len(repeated([role.name for role in roles])) > 3
    assert not repeated([(role.scope_id, role.name) for role in roles])
    assert repeated([service.name for service in company.service_users.values()])
    assert not repeated([user.email.lower() for user in company.users.values()])


def test_a_grant_names_a_role_that_is_visible_there(company: World) -> None:
    for user in company.users.values():
        for grant in user.grants:
            role = company.roles[grant.role_id]
            site = company.sites.get(grant.scope_id)
            assert role.scope_id in {"", grant.scope_id, site.account_id if site else ""}


@pytest.mark.parametrize("name", [item.name for item in fields(Size)])
def test_a_size_that_cannot_be_is_refused_by_name(name: str) -> None:
    size = replace(LEAST, **{name: 0})
    with pytest.raises(ValueError, match=f"at least . {name.replace('_', ' ')}"):
        generate(1, size)


def test_it_is_served_and_listed_completely(company: World) -> None:
    with running(company) as served, httpx.Client(trust_env=False) as client:
        headers = {"Authorization": f"ApiToken {served.token}"}
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            url = f"{served.url}/web/api/v2.1/users?limit=250&cursor={cursor}"
            page = client.get(url, headers=headers).json()
            found += [user["id"] for user in page["data"]]
            cursor = page["pagination"]["nextCursor"]
    assert found == sorted(company.users, key=int)


def test_some_gives_different_items_in_order() -> None:
    dice = Dice(5)
    for count in range(9):
        chosen = dice.some(range(8), count) if count < 9 else []
        assert chosen == sorted(set(chosen))
        assert len(chosen) == count


@pytest.mark.parametrize("pick", [lambda dice: dice.weighted(())])
def test_chance_needs_something_to_choose_from(pick: Callable[[Dice], Any]) -> None:
    with pytest.raises(ValueError, match="no weights"):
        pick(Dice(1))
