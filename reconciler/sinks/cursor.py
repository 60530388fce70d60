"""How far a journal was delivered to a sink: a small file beside the journal, one for each sink."""

import hashlib
import json
from pathlib import Path

from reconciler.audit.chain import Chain, Record
from reconciler.documents.private_file import Kind, read_private, write_private
from reconciler.errors import SettingsError
from reconciler.sinks.address import SinkAddress

_KIND = Kind(
    "cursor",
    "the cursor of a delivery",
    "cursor.schema.json",
    65_536,
    "reconciler audit export --to URL",
)


def cursor_path(journal: Path, address: SinkAddress) -> Path:
    """Return where the cursor of this journal and this sink lies."""
    name = hashlib.sha256(f"{address.form} {address.url}".encode()).hexdigest()[:12]
    return journal.with_name(f"{journal.name}.sink-{name}")


def delivered(path: Path, chain: Chain) -> int:
    """Return the number of the last record that was delivered.

    0 for a first delivery, and where the journal is not the one that was delivered, or the
    cursor is not readable: what is delivered twice does no harm, what is skipped does.
    """
    try:
        tree = read_private(path, _KIND)
    except SettingsError:
        return 0
    record = chain.at(tree["head"])
    return record.sequence if record and record.sequence == tree["record"] else 0


def advance(path: Path, address: SinkAddress, record: Record) -> None:
    """Note that all up to a record was delivered; raises SettingsError when that is impossible."""
    tree = {
        "version": 1,
        "url": address.url,
        "format": address.form,
        "record": record.sequence,
        "head": record.hash,
    }
    write_private(path, json.dumps(tree, sort_keys=True) + "\n", _KIND)
