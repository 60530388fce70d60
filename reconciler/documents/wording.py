"""Words that several checks share. Pure."""

import difflib
import json
from collections.abc import Collection
from typing import Any

_MAX_SHOWN = 80
_MAX_COMPARED = 1_000
"""More words than this are not searched: a file with thousands of mistakes would take hours."""


def did_you_mean(word: str, known: Collection[str], otherwise: str) -> str:
    """Return a remedy that offers the nearest of the known words, or the other one."""
    compared = sorted(known) if len(known) <= _MAX_COMPARED else []
    near = difflib.get_close_matches(word[:_MAX_SHOWN], compared, n=1)
    return f"Did you mean `{near[0]}`?" if near else otherwise


def shown(value: Any) -> str:
    """Return a value in backticks: cut when it is long, invisible characters spelt out."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text[:_MAX_SHOWN])
    return f"`{text}`" if len(text) <= _MAX_SHOWN else f"`{text[:_MAX_SHOWN]}...`"


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1]
