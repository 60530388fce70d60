"""Everything a console tells: all listings, and what every role permits."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.console.client import ReadClient, Record
from reconciler.console.fields import checked_id
from reconciler.console.permissions import read_role_records
from reconciler.console.reader import read_records
from reconciler.console.records import Records


def read_whole(
    client: ReadClient, progress: Callable[[str], None]
) -> tuple[Records, tuple[str, ...]]:
    """Read the console with the pages of every role it shows; return the records and notes.

    Raises a ConsoleError as `read_records` and `read_role_records` do; roles whose pages are not
    shown are told in a note.
    """
    records = read_records(client, progress)
    ids = [checked_id(role.get("id"), "a role") for role in records.roles]
    full, notes = read_role_records(client, ids, progress)
    pages = {checked_id(role.get("id"), "a role"): role["pages"] for role in full}
    roles = tuple(_with_pages(role, pages) for role in records.roles)
    return replace(records, roles=roles), notes


def _with_pages(role: Record, pages: Mapping[str, Any]) -> Record:
    flat = {key: value for key, value in role.items() if key != "pages"}
    identity = checked_id(role.get("id"), "a role")
    return {**flat, "pages": pages[identity]} if identity in pages else flat
