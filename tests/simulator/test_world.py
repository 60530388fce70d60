"""World files: read, checked and written one record a line."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator.world import DEFAULT_WORLD, dump, export, load, parse


def test_the_sample_world_is_written_the_way_dump_writes_it() -> None:
    assert DEFAULT_WORLD.read_text(encoding="utf-8") == dump(load())


def test_export_and_parse_are_inverse() -> None:
    world = load()
    assert parse(json.loads(json.dumps(export(world)))) == world


def test_an_empty_object_is_an_empty_world(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text("{}", encoding="utf-8")
    world = load(path)
    assert world.users == {}
    assert world.fresh_id() == str(10**18 + 1)
    assert '"users": []' in dump(world)


def test_the_sample_world_has_what_the_stories_need() -> None:
    world = load()
    assert len(world.accounts) >= 2
    assert sum(site.state == "active" for site in world.sites.values()) >= 12
    assert {site.state for site in world.sites.values()} == {"active", "expired", "deleted"}
    assert sum(role.predefined for role in world.roles.values()) == 6
    assert {role.scope for role in world.roles.values() if not role.predefined} == {
        "tenant", "account",
    }  # fmt: skip
    assert len(world.users) >= 40
    assert len(world.service_users) >= 10
    assert sum(user.is_system for user in world.users.values()) == 1


ACCOUNT = {"id": "1", "name": "A"}
SITE = {"id": "2", "name": "S", "account_id": "1"}
USER = {"id": "3", "email": "a@b.example", "full_name": "A", "scope": "site"}


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([], "a world is a JSON object"),
        ({"accounts": [ACCOUNT, ACCOUNT]}, "Account 1 is there twice"),
        ({"accounts": [ACCOUNT | {"colour": 1}]}, "unknown or missing field colour"),
        ({"sites": [SITE]}, "Site 2: no account 1"),
        ({"roles": [{"id": "4", "name": "R", "scope": "site", "scope_id": "9"}]}, "no site 9"),
        ({"settings": {"speed": 1}}, "Settings: unknown or missing field speed"),
        (
            {"users": [USER | {"grants": [{"scope_id": "2", "role_id": "4"}]}]},
            "User 3: dangling grant",
        ),
    ],
)
def test_a_world_that_does_not_hold_together_is_refused(tree: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(tree)
