"""The journal's signature: read, checked, and written at the end of each apply that has a key."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.audit.chain import Chain
from reconciler.audit.journal import Journal
from reconciler.audit.signature import Checker, Data, Signer
from reconciler.cli.telling import tell
from reconciler.documents.private_file import Kind, read_private, write_private
from reconciler.errors import JournalError, SettingsError
from reconciler.settings import private_text

KEY_FILE = "RECONCILER_SIGNING_KEY_FILE"
CHECKED_HEAD = "RECONCILER_SIGN_EXISTING"
"""Holds the head up to which somebody has checked a journal that this key never signed."""

_KIND = Kind(
    "signature",
    "the signature of a journal",
    "signature.schema.json",
    4096,
    f"reconciler apply, with {KEY_FILE} set",
)
_MAX_KEY = 65_536


@contextlib.contextmanager
def signed(journal: Journal, path: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Sign the journal's head when the block ends, however it ends; without a key do nothing.

    Enter it when the journal is open, so that a key that is no use stops the run before it
    writes, and so does a journal that is not the one that was signed, or that this key never
    signed. Raises SettingsError for such a key, and when the signature cannot be saved,
    JournalError for such a journal.
    """
    name = environ.get(KEY_FILE)
    if not name:
        yield
        _tell_lapse(journal, _beside(path))
        return
    signer = Signer(private_text(Path(name), KEY_FILE), name)
    signature = _beside(path)
    _check_before(signer, journal, signature, environ)
    # Also now: if this run dies, the next one finds at most the records of one run unsigned.
    told = (
        signer.sign(journal.length, journal.head) if journal.length else signer.begin(journal.run)
    )
    _write(signature, told)
    try:
        yield
    finally:
        if journal.length:
            _write(signature, signer.sign(journal.length, journal.head))
        else:
            signature.unlink(missing_ok=True)


def checked(chain: Chain, journal: Path, public_key: Path) -> str:
    """Return who signed a journal and how far.

    Raises SettingsError when key or signature cannot be read, JournalError when the signature is
    not that of this key over the whole of this journal.
    """
    try:
        with public_key.open("rb") as file:
            pem = file.read(_MAX_KEY).decode("ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a PEM file"
        raise SettingsError(
            f"{public_key}: cannot be read: {reason}", "Name the public key in PEM."
        ) from None
    checker = Checker(pem, str(public_key))
    return checker.check(read_private(_beside(journal), _KIND), chain)


def _check_before(signer: Signer, journal: Journal, path: Path, environ: Mapping[str, str]) -> None:
    """Say what this run is about to sign that another one wrote.

    A run that died left it unsigned; or somebody without the key wrote it. Raises JournalError
    when what was signed is not there any more, or this key never signed the journal: whoever
    forged it as a whole would only have to remove its signature.
    """
    if path.exists():
        signature, checker = read_private(path, _KIND), signer.checker
        if signature["key"] == checker.key:
            if count := checker.unsigned(signature, journal.records):
                told = f"Signing {count} earlier records that no run signed; `audit show` tells"
                tell(f"{told} them.\n", err=True)
            return
    if journal.records:
        _check_consent(journal, path, environ)


def _check_consent(journal: Journal, path: Path, environ: Mapping[str, str]) -> None:
    head, count = journal.records[-1].hash, len(journal.records)
    if environ.get(CHECKED_HEAD, "").strip() != head:
        raise JournalError(
            f"The journal holds {count} records that this key never signed: {path} is missing, "
            "or was made with another key. Whoever rewrote the journal may have removed it.",
            "Compare with the heads that were published: `reconciler audit verify --head HASH`. "
            f"To sign what is there, run once with {CHECKED_HEAD} set to the head that "
            "`reconciler audit head` prints.",
        )
    tell(f"Signing {count} earlier records, as {CHECKED_HEAD} says.\n", err=True)


def _tell_lapse(journal: Journal, path: Path) -> None:
    """Say that a signed journal goes on without a signature; `verify` calls that a fault."""
    if journal.appended and path.exists():
        told = f"Not signed: {len(journal.appended)} records of this run, as {KEY_FILE} is not set"
        tell(f"{told}; the journal was signed before.\n", err=True)


def _write(path: Path, signature: Data) -> None:
    write_private(path, json.dumps(signature, sort_keys=True) + "\n", _KIND)


def _beside(journal: Path) -> Path:
    return journal.with_name(journal.name + ".sig")
