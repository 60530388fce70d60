"""A snapshot: the records of one reading, with what roles permit and without secrets.

Written as `schemas/snapshot.schema.json` says. The same console gives the same bytes, whatever
the order it answered in (T65).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.console.fields import Record, checked_id, level
from reconciler.console.pages import read_role_permissions
from reconciler.console.records import Records, build_actual
from reconciler.console.redact import redacted
from reconciler.domain.access import Level
from reconciler.domain.instants import instant_text
from reconciler.domain.state import Actual, Identity

FORMAT = "sentinelone-reconciler/snapshot"
VERSION = 1

Tree = dict[str, Any]


def snapshot_tree(records: Records, taken_at: datetime) -> Tree:
    """Return the snapshot as plain data; `taken_at` is in UTC.

    Raises what `build_actual` does: what could not be read back is not written.
    """
    actual_of_records(records)
    own = records.identity
    tree: Tree = redacted(
        {
            "format": FORMAT,
            "version": VERSION,
            "origin": records.origin,
            "taken_at": instant_text(taken_at),
            "identity": {
                "id": own.id,
                "email": own.email,
                "full_name": own.full_name,
                "level": own.level.value,
                "scope_ids": list(own.scope_ids),
            },
            "records": {
                "accounts": None if records.accounts is None else _sorted(records.accounts),
                "sites": _sorted(records.sites),
                "users": _sorted(map(_with_level, records.users)),
                "service_users": _sorted(map(_with_level, records.service_users)),
                "roles": _sorted(records.roles),
            },
        }
    )
    return tree


def actual_of(tree: Tree) -> Actual:
    """Return the actual state a snapshot tells, with what its roles permit.

    `tree` fits the schema. The same errors as from the console it was taken of: see
    `build_actual`.
    """
    return actual_of_records(records_of(tree))


def actual_of_records(records: Records) -> Actual:
    """Return the actual state with what the roles permit that carry their pages."""
    told = filter(None, map(read_role_permissions, records.roles))
    permissions = tuple(sorted(told, key=lambda one: int(one.role_id)))
    return replace(build_actual(records), permissions=permissions)


def records_of(tree: Tree) -> Records:
    """Return the records of a snapshot that fits the schema."""
    own, listed = tree["identity"], tree["records"]
    return Records(
        origin=tree["origin"],
        identity=Identity(
            id=own["id"],
            email=own["email"],
            full_name=own["full_name"],
            level=Level(own["level"]),
            scope_ids=tuple(own["scope_ids"]),
        ),
        accounts=None if listed["accounts"] is None else tuple(listed["accounts"]),
        sites=tuple(listed["sites"]),
        users=tuple(listed["users"]),
        service_users=tuple(listed["service_users"]),
        roles=tuple(listed["roles"]),
    )


def _sorted(records: Iterable[Record]) -> list[Record]:
    whole = ({**record, "id": checked_id(record.get("id"), "a record")} for record in records)
    return sorted(whole, key=lambda record: (int(record["id"]), record["id"]))


def _with_level(record: Record) -> Record:
    """Write the level as the published words have it; letter case is open (quirk 22)."""
    return {**record, "scope": level(record, "a principal").value}
