"""Random companies and random wishes for them: the same seed gives the same."""

import json
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.simulator.generate import Size, generate
from reconciler.simulator.records import Grant, Principal, User
from reconciler.simulator.world import World

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GUARDRAILS = """\
version: 1
nothing_left: delete
max_revokes: 1000
max_revoke_fraction: 1.0
min_admins: 2
protected: [{protected}]
"""
_LAST_LOGIN = "2026-11-20T08:00:00.000000Z"


@dataclass(frozen=True)
class Case:
    """A company and what its policies say."""

    seed: int
    world: World
    files: dict[str, str]
    protected: str
    """Label of the principal that nothing may be taken from."""


def random_case(seed: int, people: int = 5) -> Case:
    """Make a small company, and policies that change some of it in every way there is."""
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    size = Size(2, 2 + chance.randrange(3), 8, 4 + chance.randrange(people), 2, 3)
    world = generate(seed, size)
    _with_admins(world)
    policy = _Wishes(world, chance)
    protected = "root1@corp.example"
    files = {
        "access.yaml": policy.text(),
        "guardrails.yaml": GUARDRAILS.format(protected=protected),
    }
    return Case(seed, world, files, protected)


def _with_admins(world: World) -> None:
    """Three people who keep the console manageable, whatever the dice say of the others."""
    admin = next(r.id for r in world.roles.values() if r.predefined and r.name == "Admin")
    for number in (1, 2, 3):
        new_id = world.fresh_id()
        world.users[new_id] = User(
            id=new_id,
            email=f"root{number}@corp.example",
            full_name=f"Root {number}",
            scope="tenant",
            grants=(Grant("", admin),),
            first_login=_LAST_LOGIN,
            last_login=_LAST_LOGIN,
        )


class _Wishes:
    """A policy over one world, by ids, so that no name is ambiguous."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.sites = [site.id for site in world.sites.values() if site.state == "active"]
        self.accounts = [one.id for one in world.accounts.values() if one.state == "active"]
        self.roles = [role.id for role in world.roles.values() if role.predefined]
        self.users: list[str] = []
        self.former: list[str] = []
        self.assignments: list[dict[str, object]] = []

    def text(self) -> str:
        """Return the policy file."""
        for user in self.world.users.values():
            if self._is_ours(user):
                self._wish(user.email)
        for service in self.world.service_users.values():
            if not service.name.startswith("reconciler"):
                self._wish(f"service:id:{service.id}", may_leave=False)
        for number in range(1 + self.chance.randrange(2)):
            address = f"new{number}@corp.example"
            self.users.append(address)
            self._assign(address)
        parts = ["version: 1", "users:"]
        parts += [f"  {address}: {{name: New Person}}" for address in self.users]
        parts += ["assignments:"] + [f"  - {json.dumps(one)}" for one in self.assignments]
        if self.former:
            parts.append(f"former: {json.dumps(self.former)}")
        return "\n".join(parts) + "\n"

    def _is_ours(self, user: User) -> bool:
        is_root = user.full_name.startswith("Root ")
        return user.source == "mgmt" and not user.is_system and not is_root

    def _wish(self, label: str, *, may_leave: bool = True) -> None:
        draw = self.chance.random()
        if draw < 0.15:
            return  # unlisted: stays as it is
        if draw < 0.3 and may_leave:
            self.former.append(label)
            return
        self._assign(label)

    def _assign(self, label: str) -> None:
        role = f"id:{self.chance.choice(self.roles)}"
        entry: dict[str, object] = {"members": [label], "role": role}
        level = self.chance.choices(("sites", "account", "tenant"), (8, 2, 1))[0]
        if level == "sites":
            count = 1 + self.chance.randrange(min(3, len(self.sites)))
            entry["sites"] = [f"id:{n}" for n in sorted(self.chance.sample(self.sites, count))]
        elif level == "account":
            entry["account"] = f"id:{self.chance.choice(self.accounts)}"
        else:
            entry["tenant"] = True
        self.assignments.append(entry)


def holdings(world: World) -> dict[str, tuple[str, frozenset[tuple[str, str]]]]:
    """Who holds what, by address or service id: the state that two runs are compared by."""
    found: dict[str, tuple[str, frozenset[tuple[str, str]]]] = {}
    every: list[Principal] = [*world.users.values(), *world.service_users.values()]
    for one in every:
        name = one.email if isinstance(one, User) else f"service:{one.id}"
        found[name] = (one.scope, frozenset((g.scope_id, g.role_id) for g in one.grants))
    return found


def untouchable(principal: Principal) -> Principal:
    """A principal without what the product may change: the rest must stay byte-identical."""
    bare = replace(principal, scope="", grants=())
    if isinstance(bare, User):
        return bare
    return replace(bare, updated_at="", updated_by="", last_activation=None)
