"""A snapshot of a real console becomes a world to rehearse on.

A snapshot is what the product writes of a console: an envelope (`format`, `version`, `origin`,
`taken_at`, `identity`) and raw API records by listing (API reference, section 5). Consoles differ
in their fields, so whatever is missing or unknown is borne, and what the records point to but do
not hold is made up:

| missing                                  | made up                                             |
|------------------------------------------|-----------------------------------------------------|
| account of a site (a site-level token)   | an account of that id and name                      |
| place of a grant or of a role            | a deleted site or account of that id and name       |
| role of a grant                          | a role of that id and name, on the tenant           |
| what a role permits                      | its `pages`, where we know their words; of a        |
|                                          | predefined role what is known of it; else seeing    |
|                                          | everything and changing nothing                     |
| roles that a group owns                  | left out: nobody can hold them                      |
| a token that can apply                   | the reader's, if that is a service user with Admin  |
|                                          | on the tenant; else a service user `rehearsal`      |
"""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from reconciler.simulator.rbac import PERMISSIONS
from reconciler.simulator.records import (
    Account,
    Grant,
    Role,
    ServiceUser,
    Settings,
    Site,
    User,
)
from reconciler.simulator.vocabulary import PREDEFINED
from reconciler.simulator.world import World, check, parse

FORMAT = "sentinelone-reconciler/snapshot"
VERSION = 1
_APPLY = "rehearsal"
_KNOWN = {name: permissions for name, _, permissions in PREDEFINED}
_NAMES: Mapping[str, str] = {
    "licenses": "totalLicenses", "predefined": "predefinedRole", "updated_by": "updatedById",
}  # fmt: skip
"""Fields of our records whose name on the console is not simply their name in camel case."""


def load_any(path: Path) -> World:
    """Read a world file or a snapshot; raises ValueError with what is wrong, or OSError."""
    return parse_any(json.loads(path.read_text(encoding="utf-8")))


def parse_any(tree: Any) -> World:
    """Build a world from the JSON tree of a world file or of a snapshot; ValueError otherwise."""
    if not (isinstance(tree, dict) and "format" in tree):
        return parse(tree)
    if tree["format"] != FORMAT:
        raise ValueError(f"format: {tree['format']!r} is neither a world nor a snapshot")
    if tree.get("version") != VERSION:
        raise ValueError(f"snapshot: version {tree.get('version')!r} is unknown, {VERSION} is read")
    return _Reader(tree).world


class _Reader:
    """Reads one snapshot."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.world = World()
        listings = _object(tree, "records")
        if not listings:
            raise ValueError("snapshot: there are no records")
        for raw in _listing(listings, "accounts"):
            self._keep(Account, raw)
        for raw in _listing(listings, "sites"):
            account_id = self._account(_text(raw, "accountId"), _text(raw, "accountName"))
            self._keep(Site, raw, account_id=account_id)
        for raw in _listing(listings, "roles"):
            self._read_role(raw)
        for raw in _listing(listings, "users"):
            email = _text(raw, "email") or f"user-{raw['id']}@unknown.invalid"
            self._principal(User, raw, email=email, full_name=_text(raw, "fullName"))
        for raw in _listing(listings, "service_users"):
            more = {"uuid": str(uuid5(NAMESPACE_URL, raw["id"])), "name": _text(raw, "name")}
            makers = {
                field: _text(_object(raw, key), "id")
                for field, key in (("created_by", "createdBy"), ("updated_by", "updatedBy"))
            }
            self._principal(ServiceUser, raw, **more, **makers)
        self.world.settings = self._settings(tree, listings)
        check(self.world)

    def _keep(self, kind: type[Any], raw: Mapping[str, Any], **more: Any) -> None:
        values = _common(kind, raw) | {"name": _text(raw, "name") or f"unnamed {raw['id']}"}
        record = kind(**{**values, "id": raw["id"], **more})
        self.world.table("accounts" if kind is Account else "sites")[record.id] = record

    def _read_role(self, raw: Mapping[str, Any]) -> None:
        level = {"global": "tenant", "": "tenant"}.get(word := _text(raw, "scope").lower(), word)
        if level == "group":
            return
        scope_id = _text(raw, "scopeId")
        if level == "account":
            scope_id = self._account(scope_id, _text(raw, "accountName"))
        elif level == "site":
            scope_id = self._site(scope_id, _text(raw, "siteName"), _text(raw, "accountName"))
        else:
            level, scope_id = "tenant", ""
        values = _common(Role, raw) | {"name": _text(raw, "name"), "scope": level}
        role = Role(**{**values, "id": raw["id"], "scope_id": scope_id})
        self.world.roles[role.id] = replace(role, permissions=_permissions(raw, role))

    def _principal(self, kind: type[Any], raw: Mapping[str, Any], **more: Any) -> None:
        token = _object(raw, "apiToken")
        tokens = {
            field: token[key]
            for field, key in (("token_created_at", "createdAt"), ("token_expires_at", "expiresAt"))
            if isinstance(token.get(key), str)
        }
        level = _text(raw, "scope")
        if level not in {"tenant", "account", "site"}:
            raise ValueError(f"snapshot: {kind.__name__} {raw['id']}: scope {level!r} is unknown")
        record = kind(
            **{**_common(kind, raw), **tokens, **more, "id": raw["id"], "scope": level,
               "grants": self._grants(level, raw)}
        )  # fmt: skip
        self.world.table("users" if kind is User else "service_users")[record.id] = record

    def _grants(self, level: str, raw: Mapping[str, Any]) -> tuple[Grant, ...]:
        entries = [each for each in raw.get("scopeRoles") or [] if isinstance(each, dict)]
        if level == "tenant":
            # Its form is not known for sure (API reference, section 6 item 9).
            names = [each for each in raw.get("tenantRoles") or [] if isinstance(each, str)]
            entries = entries[:1] or [{"roleId": name, "roleName": name} for name in names[:1]]
        grants: dict[str, Grant] = {}
        for entry in entries:
            name, account = _text(entry, "name"), _text(entry, "accountName")
            scope_id = "" if level == "tenant" else _text(entry, "id")
            if level == "account" and scope_id:
                self._account(scope_id, name or account)
            elif level == "site" and scope_id:
                self._site(scope_id, name, account)
            if scope_id or level == "tenant":
                grants.setdefault(scope_id, Grant(scope_id, self._role(entry)))
        return tuple(grants.values())

    def _account(self, account_id: str, name: str) -> str:
        """Return the account's id; makes it up if it is not there."""
        named = (each.id for each in self.world.accounts.values() if each.name == name)
        account_id = account_id or next(named, "") or self.world.fresh_id()
        if account_id not in self.world.accounts:
            account = Account(account_id, name or f"unseen {account_id}")
            self.world.accounts[account_id] = account
        return account_id

    def _site(self, site_id: str, name: str, account: str) -> str:
        """Return the site's id; makes it up, as a deleted one, if it is not there."""
        site_id = site_id or self.world.fresh_id()
        if site_id not in self.world.sites:
            owner = self._account("", account or "unseen")
            site = Site(site_id, name or f"unseen {site_id}", owner, "deleted")
            self.world.sites[site_id] = site
        return site_id

    def _role(self, entry: Mapping[str, Any]) -> str:
        """Return the id of an entry's role; makes the role up if it is not there."""
        role_id, name = _text(entry, "roleId"), _text(entry, "roleName")
        if role_id in self.world.roles:
            return role_id
        named = (each.id for each in self.world.roles.values() if each.name == name)
        found = next(named, "") if not role_id.isdecimal() else ""
        if found:
            return found
        new_id = role_id if role_id.isdecimal() else self.world.fresh_id()
        role = Role(new_id, name or f"unseen {new_id}")
        self.world.roles[new_id] = replace(role, permissions=_permissions({}, role))
        return new_id

    def _settings(self, tree: Mapping[str, Any], listings: Mapping[str, Any]) -> Settings:
        host = urlsplit(str(tree.get("origin", ""))).hostname or Settings().host
        settings = Settings(apply_service_user=self._applier(tree), host=host)
        every = [*_listing(listings, "users"), *_listing(listings, "service_users")]
        forms = [raw.get("scopeRoles") or [] for raw in every if raw.get("scope") == "tenant"]
        entry = next((form[0] for form in forms if form), None)
        if forms and entry is None:
            return replace(settings, tenant_entry="empty")
        if isinstance(entry, dict) and entry.get("id"):
            return replace(settings, tenant_entry="tenancy", tenancy_id=str(entry["id"]))
        form = "null" if entry is None or "id" in entry else "absent"
        return replace(settings, tenant_entry=form)

    def _applier(self, tree: Mapping[str, Any]) -> str:
        """Return the name of a service user that may apply; makes it up if there is none."""
        roles = self.world.roles.values()
        admins = [role.id for role in roles if role.scope == "tenant" and "*" in role.permissions]
        reader = self.world.service_users.get(_text(_object(tree, "identity"), "id"))
        if reader and reader.scope == "tenant" and reader.grants[:1]:
            is_first = self.world.named(reader.name) is reader
            if is_first and reader.grants[0].role_id in admins:
                return reader.name
        if not admins:
            admin = Role(self.world.fresh_id(), "Admin", predefined=True, permissions=("*",))
            self.world.roles[admin.id] = admin
            admins.append(admin.id)
        name = _APPLY
        while self.world.named(name):
            name += "-"
        new_id = self.world.fresh_id()
        text = "Added by the simulator: its token may apply"
        service = ServiceUser(new_id, name, "tenant", (Grant("", admins[0]),), text)
        self.world.service_users[new_id] = replace(service, uuid=str(uuid5(NAMESPACE_URL, new_id)))
        return name


def _listing(listings: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the records of one listing; ValueError for anything without a decimal id."""
    found = listings.get(name) or []
    if not isinstance(found, list):
        raise ValueError(f"snapshot: {name} is no list")  # noqa: TRY004  one type for bad files
    for raw in found:
        if not (isinstance(raw, dict) and _text(raw, "id").isdecimal()):
            raise ValueError(f"snapshot: a record in {name} has no id")
    return [{**raw, "id": _text(raw, "id")} for raw in found]


def _common(kind: type[Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a record has under our field's name in camel case, if they fit."""
    values: dict[str, Any] = {}
    for item in fields(kind):
        first, *rest = item.name.split("_")
        name = _NAMES.get(item.name, first + "".join(word.capitalize() for word in rest))
        value = raw.get(name)
        wanted = {bool: bool, int: int}.get(type(item.default), str)
        if type(value) is wanted and item.name not in {"permissions", "grants", "policy"}:
            values[item.name] = value
    return values


def _permissions(raw: Mapping[str, Any], role: Role) -> tuple[str, ...]:
    pages = [page for page in raw.get("pages") or [] if isinstance(page, dict)]
    every = [entry for page in pages for entry in page.get("permissions") or []]
    every = [entry for entry in every if isinstance(entry, dict)]
    granted = tuple(_text(each, "identifier") for each in every if each.get("value") is True)
    if every and len(granted) == len(every):
        return ("*",)
    if pages and (not every or any(_text(each, "identifier") in PERMISSIONS for each in every)):
        return granted
    # Without pages, or with pages in words that this console does not speak.
    known = _KNOWN.get(role.name) if role.predefined or not raw else None
    return known or ("*.view",)


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _text(raw: Mapping[str, Any], key: str) -> str:
    """Return a text or number as text; empty when there is neither."""
    value = raw.get(key)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if isinstance(value, str) else str(value) if is_number else ""
