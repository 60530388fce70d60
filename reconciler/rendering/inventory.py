"""Everything that is there, as flat lists: accounts, sites, roles, principals, grants."""

from collections import Counter
from datetime import datetime
from typing import Any

from reconciler.domain.access import Role
from reconciler.domain.instants import instant_text
from reconciler.domain.permissions import RolePermissions
from reconciler.domain.state import Actual, Principal
from reconciler.planning import permits
from reconciler.rendering.as_csv import csv_text

FORMAT = "sentinelone-reconciler/inventory"
VERSION = 1
KINDS = ("accounts", "sites", "roles", "principals", "grants")

Tree = dict[str, Any]


def inventory_tree(actual: Actual, instant: datetime) -> Tree:
    """Return everything as plain data; ages are whole days at `instant`, when it was read."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "origin": actual.origin,
        "read_at": instant_text(instant),
        "read_by": actual.identity.label,
        "level": actual.identity.level.value,
        "notes": list(actual.notes),
        "accounts": [
            {"id": each.id, "name": each.name, "state": each.state} for each in actual.accounts
        ],
        "sites": _sites(actual),
        "roles": _roles(actual),
        "principals": [_principal(each, instant) for each in actual.principals],
        "grants": _grants(actual),
    }


def inventory_csv(tree: Tree, kind: str) -> str:
    """Return one of the lists as CSV; unknown is empty, a flag `true` or `false`.

    Ids are written as policies write them; as bare numbers a spreadsheet would round them.
    """
    header = COLUMNS[kind]
    return csv_text(header, ([_written(row, column) for column in header] for row in tree[kind]))


def cell(value: str | int | None) -> str:
    """Write a value of a row as text; unknown is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


COLUMNS = {
    "accounts": ("name", "state", "id"),
    "sites": ("name", "state", "id", "account_id"),
    "roles": (*("name", "owner", "kind", "gives_access", "permissions", "holders", "id"),),
    "principals": (
        *("name", "kind", "full_name", "level", "grants", "source", "email_verified"),
        *("two_factor", "can_log_in", "last_login", "idle_days", "token_created"),
        *("token_age_days", "token_expires", "token_days_left", "is_system", "is_partial", "id"),
    ),
    "grants": (
        *("principal", "role", "scope", "level", "kind", "principal_id", "role_id", "scope_id"),
    ),
}
"""The columns of each list, in the order in which people read them."""


def counted(count: int, things: str) -> str:
    """Return `1 site`, `2 sites`."""
    return f"{count} {things.removesuffix('s') if count == 1 else things}"


def _written(row: Tree, column: str) -> str:
    text = cell(row[column])
    return f"id:{text}" if text and column.rpartition("_")[2] == "id" else text


def _sites(actual: Actual) -> list[Tree]:
    rows = [
        {
            "id": each.id,
            "name": each.scope.name,
            "account_id": each.account_id,
            "state": each.state,
        }
        for each in actual.sites
    ]
    return sorted(rows, key=lambda row: (row["name"], int(row["id"])))


def _roles(actual: Actual) -> list[Tree]:
    known = {each.role_id: each for each in actual.permissions}
    owners = {each.id: each.name for each in actual.accounts}
    owners |= {each.id: each.scope.name for each in actual.sites}
    holders = Counter(
        role_id
        for principal in actual.principals
        for role_id in {grant.role.id for grant in principal.grants}
    )
    rows = [
        {
            "id": role.id,
            "name": role.name,
            "owner": owners.get(role.owner_id, role.owner_level),
            "kind": "predefined" if role.predefined else "custom",
            "permissions": len(known[role.id].granted) if role.id in known else None,
            "gives_access": _gives_access(role, known.get(role.id)),
            "holders": holders[role.id],
        }
        for role in actual.roles
    ]
    return sorted(rows, key=lambda row: (row["name"], int(row["id"])))


def _gives_access(role: Role, known: RolePermissions | None) -> bool | None:
    """Tell whether a role permits to change who may do what; None when nobody can know."""
    if role.is_admin:
        return True
    return None if known is None else permits.gives_access(known)


def _principal(principal: Principal, instant: datetime) -> Tree:
    return {
        "id": principal.id,
        "kind": principal.kind.value,
        "name": principal.name.label,
        "full_name": principal.full_name,
        "level": principal.level.value,
        "grants": len(principal.grants),
        "source": principal.source,
        "email_verified": principal.email_verified,
        "two_factor": principal.two_factor,
        "can_log_in": principal.can_log_in,
        "last_login": principal.last_login,
        "idle_days": _days(principal.last_login, instant),
        "token_created": principal.token_created,
        "token_age_days": _days(principal.token_created, instant),
        "token_expires": principal.token_expires,
        "token_days_left": _days(principal.token_expires, instant, -1),
        "is_system": principal.is_system,
        "is_partial": principal.is_partial,
    }


def _grants(actual: Actual) -> list[Tree]:
    return [
        {
            "principal": principal.name.label,
            "kind": principal.kind.value,
            "principal_id": principal.id,
            "role": grant.role.name,
            "role_id": grant.role.id,
            "scope": grant.scope.name,
            "level": grant.scope.level.value,
            "scope_id": grant.scope.id,
        }
        for principal in actual.principals
        for grant in principal.grants
    ]


def _days(moment: str | None, instant: datetime, sign: int = 1) -> int | None:
    """Return the whole days since a moment, or until it; None when it is no instant."""
    try:
        past = instant - datetime.fromisoformat(moment or "")
    except (ValueError, TypeError):
        return None
    return int(sign * past.total_seconds() // 86_400)
