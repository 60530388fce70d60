"""Ids that go into an address, checked before they do."""

import re
from typing import Any

from reconciler.forge.base import ForgeError

_NUMBER = re.compile(r"[1-9][0-9]{0,19}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REMEDY = "It comes from the job's environment or from a comment; give it as the host says it."


def whole_number(text: str) -> str:
    """Return an id of digits as it is; raises ForgeError for anything else."""
    if not _NUMBER.fullmatch(text):
        raise ForgeError(
            f"{text[:60]!a} is no number of a request, issue, comment, run or project", _REMEDY
        )
    return text


def is_countable(text: str) -> bool:
    """Tell whether a host could have counted that far: digits, at most 63 bits.

    Not every host has a good answer for a number that its own tables could not hold.
    """
    return _NUMBER.fullmatch(text) is not None and int(text) < 2**63


def whole_sha(text: str) -> str:
    """Return a commit's whole name as it is; raises ForgeError for anything else."""
    if not _SHA.fullmatch(text):
        raise ForgeError(f"{text[:80]!a} is not the whole name of a commit", _REMEDY)
    return text


def unlabelled(host: str, url: str, label: str, remedy: str) -> ForgeError:
    """Return the error for an issue that was opened without its label, and closed for that."""
    return ForgeError(
        f"{host} opened issue {url} without the label {label!a}; closed again", remedy
    )


def the_only(found: list[Any], commit: str) -> Any | None:
    """Return the one request that was found, None for none; raises ForgeError for several."""
    if len(found) > 1:
        raise ForgeError(
            f"several requests were merged as {commit}",
            "Which of them was reviewed cannot be told; apply by hand with a saved plan.",
        )
    return found[0] if found else None
