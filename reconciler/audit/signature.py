"""Ed25519 signatures of a journal's head; the chain ties every earlier record to it (T68).

The private key lives where `apply` runs and nowhere else. Whoever can rewrite the journal, but
has not the key, can forge no head. Needs the extra `sign`; nothing else does.
"""

import base64
import hashlib
import importlib
from collections.abc import Sequence
from typing import Any

from reconciler.audit.chain import Chain, Record, hash_of
from reconciler.domain.digest import canonical
from reconciler.errors import JournalError, SettingsError

Data = dict[str, Any]

_PURPOSE = b"sentinelone-reconciler journal head 1\n"
"""Keeps a signature from meaning anything else, and anything else from meaning this."""


class Signer:
    """A private key; signs heads."""

    def __init__(self, pem: str, source: str) -> None:
        """Read an unencrypted Ed25519 key in PEM; SettingsError names `source` when it is none."""
        load = _crypto("serialization").load_pem_private_key
        self._key = _loaded(lambda: load(pem.encode(), password=None), source, "private")

    @property
    def checker(self) -> "Checker":
        """The public half."""
        forms = _crypto("serialization")
        pem = self._key.public_key().public_bytes(
            forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
        )
        return Checker(pem.decode("ascii"), "the public half of the key")

    def begin(self, run: str) -> Data:
        """Return the word of a run that it begins a journal, should it die before it signs."""
        return self.sign(0, hash_of(run.encode()))

    def sign(self, record: int, head: str) -> Data:
        """Return the signature of a head, in the form of schemas/signature.schema.json."""
        signature = self._key.sign(_message(record, head))
        return {
            "version": 1,
            "record": record,
            "head": head,
            "key": _key_id(self._key.public_key()),
            "signature": base64.b64encode(signature).decode("ascii"),
        }


class Checker:
    """A public key; checks signatures of heads."""

    def __init__(self, pem: str, source: str) -> None:
        """Read an Ed25519 public key in PEM; SettingsError names `source` when it is none."""
        load = _crypto("serialization").load_pem_public_key
        self._key = _loaded(lambda: load(pem.encode()), source, "public")
        self.key = _key_id(self._key)
        """Short name of the key."""

    def check(self, signature: Data, chain: Chain) -> str:
        """Return who signed and how far; `signature` fits the published schema.

        Raises JournalError when the key is another, the signature is not of this head, the head
        is not in the chain, or records follow that nobody signed.
        """
        if signature["key"] != self.key:
            raise _forged(f"was made with another key, {signature['key']}, not {self.key}")
        record = signature["record"]
        if more := self.unsigned(signature, chain.records):
            raise _forged(
                f"ends at record {record}, and {more} more follow: a run died before it signed, "
                "or somebody without the key wrote them"
            )
        return f"Signed up to record {record} with key {self.key}."

    def unsigned(self, signature: Data, records: Sequence[Record]) -> int:
        """Return how many records follow the one that was signed; raises JournalError as above."""
        record, head = int(signature["record"]), str(signature["head"])
        try:
            self._key.verify(base64.b64decode(signature["signature"]), _message(record, head))
        except importlib.import_module("cryptography.exceptions").InvalidSignature:
            raise _forged("is not that of this key: it was changed") from None
        if record == 0:
            if any(hash_of(one.run.encode()) != head for one in records):
                raise _forged("is of the run that began it, and other runs follow")
        elif record > len(records) or records[record - 1].hash != head:
            raise _forged(
                f"is of a record {record} that this journal does not hold: the journal was cut "
                "back, replaced, or forged as a whole"
            )
        return len(records) - record


def _crypto(module: str) -> Any:
    try:
        return importlib.import_module(f"cryptography.hazmat.primitives.{module}")
    except ImportError:
        raise SettingsError(
            "signatures need the library `cryptography`, which is not installed",
            "Install the extra, in the folder of the source: pip install '.[sign]'",
        ) from None


def _loaded(load: Any, source: str, word: str) -> Any:
    """Return an Ed25519 key; keys of other kinds can sign too, but not like this."""
    unsupported = importlib.import_module("cryptography.exceptions").UnsupportedAlgorithm
    try:
        key = load()
    except (ValueError, TypeError, unsupported):
        key = None
    ed25519 = _crypto("asymmetric.ed25519")
    if not isinstance(key, getattr(ed25519, f"Ed25519{word.title()}Key")):
        raise SettingsError(
            f"{source} holds no {word} Ed25519 key in PEM",
            "Make a pair with: openssl genpkey -algorithm ed25519 -out KEY; "
            "openssl pkey -in KEY -pubout -out PUBLIC",
        )
    return key


def _message(record: int, head: str) -> bytes:
    return _PURPOSE + canonical({"record": record, "head": head})


def _key_id(public_key: Any) -> str:
    return hashlib.sha256(public_key.public_bytes_raw()).hexdigest()[:32]


def _forged(what: str) -> JournalError:
    return JournalError(
        f"The journal's signature {what}.",
        "Keep the files as evidence, and compare with the heads that were published.",
    )
