"""The journal as every `audit` command takes it: sound, or not at all."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.audit.chain import Chain, read_chain
from reconciler.errors import JournalError


def instant(text: str) -> datetime:
    """Read an option, a date (in UTC) or a time with its offset; raises BadParameter."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    is_date = len(text) == len("2026-11-23")
    if read is None or not (read.tzinfo or is_date):
        told = f"{text!a} is no instant: write 2026-11-23, or 2026-11-23T09:00:00Z (any offset)."
        raise click.BadParameter(told)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def sound(journal: Path) -> Chain:
    """Read a journal; JournalError when it cannot be read or is not sound."""
    try:
        if not stat.S_ISREG(journal.stat().st_mode):
            # Reading a pipe would never end.
            raise _unreadable(journal, "it is not a regular file")
        content = journal.read_bytes()
    except OSError as error:
        raise _unreadable(journal, error.strerror or str(error)) from error
    chain = read_chain(content)
    if chain.fault:
        raise JournalError(
            f"The journal {journal} is broken at record {chain.fault.record}: "
            f"it {chain.fault.what}.",
            chain.fault.remedy or f"Keep the file as evidence. {_before(chain)}",
        )
    return chain


def _before(chain: Chain) -> str:
    """Say what of a broken chain may still be true."""
    count = len(chain.records)
    if not count:
        return "Nothing of it can be believed; perhaps it is no journal at all."
    fit = "The 1 record before fits" if count == 1 else f"The {count} records before fit each other"
    return (
        f"{fit}, up to the head {chain.head}; whether the last of them is what was written only a "
        "head that was published tells."
    )


def _unreadable(journal: Path, why: str) -> JournalError:
    return JournalError(
        f"The journal {journal} cannot be read: {why}.",
        "Name it with --journal; `apply` writes one.",
    )
