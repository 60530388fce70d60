"""The journal as every `audit` command takes it: sound, or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.audit.chain import Chain, read_chain
from reconciler.errors import JournalError

INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])


def sound(journal: Path) -> Chain:
    """Read a journal; JournalError when it cannot be read or is not sound."""
    try:
        content = journal.read_bytes()
    except OSError as error:
        raise JournalError(
            f"The journal {journal} cannot be read: {error.strerror or error}.",
            "Name it with --journal; `apply` writes one.",
        ) from error
    chain = read_chain(content)
    if chain.fault:
        raise JournalError(
            f"The journal {journal} is broken at record {chain.fault.record}: "
            f"it {chain.fault.what}.",
            "Keep the file as evidence. The "
            f"{len(chain.records)} records before fit each other, up to the head {chain.head}; "
            "whether the last of them is what was written only a head that was published tells.",
        )
    return chain


def utc(instant: datetime | None) -> datetime | None:
    """Read an instant of the command line, which has no zone, as UTC."""
    return instant.replace(tzinfo=UTC) if instant else None
