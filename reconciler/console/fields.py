"""Single fields of a record: an id, a text, a flag, a level. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from reconciler.domain.access import Level
from reconciler.errors import NotUnderstoodError

Record = Mapping[str, Any]
"""A JSON object as the console sent it."""

_ID = re.compile(r"[0-9]{1,20}")


def checked_id(value: object, what: str) -> str:
    """Return an id as a decimal string of 1 to 20 digits; `what` names its owner in the error.

    Whole JSON numbers are accepted too, since all their digits are kept; fractions never (T23).
    Raises NotUnderstoodError.
    """
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise not_understood(f"{what} has no id of 1 to 20 digits")
    return text


def optional_id(value: object, what: str) -> str:
    """Return an id, or "" for one that is missing, null or empty."""
    return "" if value is None or value == "" else checked_id(value, what)


def text(record: Record, key: str) -> str:
    """Return a text, "" when missing or null.

    Lone surrogates, which no file can hold, become U+FFFD. Raises NotUnderstoodError for any
    other type.
    """
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise not_understood(f"`{key}` is not text")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def flag(record: Record, key: str) -> bool | None:
    """Return a boolean, None when missing or null; NotUnderstoodError for any other type."""
    value = record.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise not_understood(f"`{key}` is neither true nor false")


def level(record: Record, what: str) -> Level:
    """Return the level of a principal, letter case ignored (quirk 22).

    `scope` is the one field that is required everywhere; NotUnderstoodError when it is missing or
    another word.
    """
    try:
        return Level(text(record, "scope").casefold())
    except ValueError:
        raise not_understood(f"{what} has no scope of tenant, account or site") from None


def entries(record: Record, key: str, what: str) -> list[Record]:
    """Return a list of objects; NotUnderstoodError when missing, null or of another form."""
    value = record.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise not_understood(f"{what} has no `{key}` list")
    return value


def not_understood(message: str) -> NotUnderstoodError:
    """Return the error for a record that does not have the documented form."""
    return NotUnderstoodError(
        f"a record of the console was not understood: {message}",
        "This console's records differ from the documented form; nothing was concluded from them.",
    )
