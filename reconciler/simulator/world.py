"""The world: everything the simulated console knows, as frozen records in mutable tables.

A world is a JSON file with one record a line.

Tests may change a world freely between requests: `world.users[id] = replace(user, ...)`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from reconciler.simulator.records import (
    Account,
    Grant,
    Group,
    Principal,
    Role,
    ServiceUser,
    Settings,
    Site,
    User,
)
from reconciler.simulator.tables import Table

DEFAULT_WORLD = Path(__file__).with_name("worlds") / "acme.json"
Record = TypeVar("Record", Account, Site, Group, Role, User, ServiceUser)


KINDS: Mapping[str, type[Any]] = {
    "accounts": Account,
    "sites": Site,
    "groups": Group,
    "roles": Role,
    "users": User,
    "service_users": ServiceUser,
}
"""The tables of a world and what they hold, in the order of a world file."""


@dataclass(slots=True)
class World:
    """All tables by id, in the order of creation. Activities are records as answered, appended."""

    settings: Settings = field(default_factory=Settings)
    accounts: dict[str, Account] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    service_users: dict[str, ServiceUser] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    _last_id: int = field(default=0, init=False, repr=False, compare=False)

    def __setattr__(self, name: str, value: Any) -> None:
        is_plain = name in KINDS and not isinstance(value, Table)
        object.__setattr__(self, name, Table(value) if is_plain else value)

    def table(self, name: str) -> Table[Any]:
        """Return a table by the name it has in a world file."""
        found: Table[Any] = getattr(self, name)
        return found

    def principal(self, principal_id: str) -> Principal | None:
        """Return the user or service user of that id."""
        return self.users.get(principal_id) or self.service_users.get(principal_id)

    def named(self, name: str) -> Principal | None:
        """Return the user of that address (any case) or the first service user of that name."""
        wanted = name.casefold()
        users = (user for user in self.users.values() if user.email.casefold() == wanted)
        services = (one for one in self.service_users.values() if one.name == name)
        return next(users, None) or next(services, None)

    def fresh_id(self) -> str:
        """Return an id above all that ever were: lists are ordered by id, a new one comes last."""
        self._last_id = self.highest_id() + 1
        return str(self._last_id)

    def highest_id(self) -> int:
        """Return the greatest number that ever was an id, of what is gone by now, too."""
        if not self._last_id:
            every = (int(activity["id"]) for activity in self.activities)
            self._last_id = max(every, default=10**18)
        return max(self._last_id, *(self.table(name).highest for name in KINDS))

    def pass_over(self, number: int) -> None:
        """Give no id up to that number: it was one before this world was read from a file."""
        self._last_id = max(self.highest_id(), number)


def load(path: Path = DEFAULT_WORLD) -> World:
    """Read a world file; raises ValueError (with what is wrong) or OSError."""
    return parse(json.loads(path.read_text(encoding="utf-8")))


def parse(tree: Any) -> World:
    """Build a world from its JSON tree and check that every reference leads somewhere.

    Raises ValueError naming the record at fault.
    """
    if not isinstance(tree, dict):
        raise ValueError("a world is a JSON object")  # noqa: TRY004  one error type for bad files
    unknown = sorted(set(tree) - {"settings", "activities", *KINDS})
    if unknown:
        raise ValueError(f"unknown table: {unknown[0]}")
    world = World(
        settings=build(Settings, tree.get("settings", {})),
        activities=list(tree.get("activities", [])),
        **{name: _table(kind, tree.get(name, [])) for name, kind in KINDS.items()},
    )
    check(world)
    return world


def export(world: World) -> dict[str, Any]:
    """Return the JSON tree of a world; `parse` reads it back."""
    tree: dict[str, Any] = {"settings": slim(world.settings)}
    for name in KINDS:
        tree[name] = [slim(record) for record in world.table(name).values()]
    return tree | {"activities": list(world.activities)}


def dump(world: World) -> str:
    """Write a world as a file: one record a line, so that a diff shows what changed."""
    tables = []
    for name, value in export(world).items():
        if isinstance(value, list):
            lines = ",\n".join("    " + json.dumps(record, ensure_ascii=False) for record in value)
            text = f"[\n{lines}\n  ]" if value else "[]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        tables.append(f'  "{name}": {text}')
    return "{\n" + ",\n".join(tables) + "\n}\n"


def slim(record: Any) -> dict[str, Any]:
    """Return the JSON form of a record, without what is at its default."""
    tree = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if value != item.default:
            tree[item.name] = [asdict(each) for each in value] if item.name == "grants" else value
    return tree


def build(kind: type[Any], item: Mapping[str, Any]) -> Any:
    """Build a record from its JSON form; ValueError for an unknown or missing field."""
    known = {each.name: each for each in fields(kind)}
    label = f"{kind.__name__} {item.get('id', '')}".strip()
    lacking = [name for name, each in known.items() if each.default is MISSING and name not in item]
    if lacking or set(item) - set(known):
        names = sorted(set(item) - set(known)) or lacking
        raise ValueError(f"{label}: unknown or missing field {names[0]}")
    values = dict(item)
    if "grants" in values:
        values["grants"] = tuple(build(Grant, grant) for grant in values["grants"])
    for name in ("permissions", "allowed_domains"):
        if name in values:
            values[name] = tuple(values[name])
    return kind(**values)


def _table(kind: type[Record], records: Iterable[Mapping[str, Any]]) -> dict[str, Record]:
    table: dict[str, Record] = {}
    for item in records:
        record = build(kind, item)
        if record.id in table:
            raise ValueError(f"{kind.__name__} {record.id} is there twice")
        table[record.id] = record
    return table


def check(world: World) -> None:
    """Raise ValueError, naming the record at fault, unless every reference leads somewhere."""
    for site in world.sites.values():
        if site.account_id not in world.accounts:
            raise ValueError(f"Site {site.id}: no account {site.account_id}")
    for group in world.groups.values():
        if group.site_id not in world.sites:
            raise ValueError(f"Group {group.id}: no site {group.site_id}")
    scopes: dict[str, Mapping[str, object]] = {
        "tenant": {"": None}, "account": world.accounts, "site": world.sites,
    }  # fmt: skip
    for role in world.roles.values():
        if role.scope_id not in (scopes | {"group": world.groups}).get(role.scope, {}):
            raise ValueError(f"Role {role.id}: no {role.scope} {role.scope_id}")
    principals: list[Principal] = [*world.users.values(), *world.service_users.values()]
    for one in principals:
        for grant in one.grants:
            if grant.scope_id not in scopes.get(one.scope, {}) or grant.role_id not in world.roles:
                raise ValueError(f"{type(one).__name__} {one.id}: dangling grant {grant}")
