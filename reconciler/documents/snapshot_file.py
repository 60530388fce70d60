"""A snapshot of a console as a file: written 0600 and whole, read strictly against its schema."""

from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.documents.private_file import Kind, read_private, write_private

_SNAPSHOT = Kind(
    word="snapshot",
    article="a snapshot",
    schema="snapshot.schema.json",
    limit=512 * 1024 * 1024,
    made_by="reconciler snapshot --out FILE",
)


def write_snapshot_file(path: Path, text: str) -> None:
    """Save a snapshot as `write_private` does; raises SettingsError when it cannot be written."""
    write_private(path, text, _SNAPSHOT)


def read_snapshot_file(path: Path) -> dict[str, Any]:
    """Return a snapshot as plain data.

    Raises SettingsError when it cannot be read, does not match the published schema, names no
    real instant, or holds one id twice in a listing.
    """
    tree = read_private(path, _SNAPSHOT)
    try:
        taken_at(tree)
    except ValueError as error:
        # The schema knows the form of an instant, but not that there is no 13th month.
        raise _SNAPSHOT.unreadable(path, f"`taken_at` is no date, {error}") from error
    for name, records in tree["records"].items():
        if len({record["id"] for record in records or ()}) != len(records or ()):
            raise _SNAPSHOT.unreadable(path, f"an id stands twice in `{name}`")
    return tree


def taken_at(tree: dict[str, Any]) -> datetime:
    """Return when a snapshot was taken, in UTC."""
    return datetime.fromisoformat(tree["taken_at"])
