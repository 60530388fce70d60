"""Canonical bytes and their digest (RFC 8785 and SHA-256)."""

import hashlib
from typing import Any

import rfc8785


def canonical(value: Any) -> bytes:
    """Return the canonical JSON of a tree of strings, booleans, small integers, lists, mappings."""
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """Return `sha256:` and the hex digest of the canonical JSON of `value`."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def short_digest(digest: str) -> str:
    """Return the beginning of a digest, enough for people to tell one from another."""
    return digest[: len("sha256:") + 12]
