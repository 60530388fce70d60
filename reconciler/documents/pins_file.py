"""Pins as a file that people review: the same text for the same pins, put into place whole."""

import contextlib
import io
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from reconciler.documents.prescan import MAX_BYTES, too_large
from reconciler.errors import SettingsError

_HEAD = """\
# yaml-language-server: $schema=../schemas/pins.schema.json
#
# Which ids and permissions the names in these policies had when somebody last looked and agreed.
# Written by `reconciler pin`; review it like everything else. A changed id means that the name
# belongs to somebody or something else, a changed digest that the role permits something else.
"""


def pins_text(tree: Mapping[str, Any]) -> str:
    """Return the text of a pins file, from pins as plain data with sorted sections."""
    yaml = YAML()
    yaml.indent(mapping=2)
    yaml.width = 1 << 20
    stream = io.StringIO()
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            stream.write("\n")
        yaml.dump({key: _quoted(value)}, stream)
    return _HEAD + stream.getvalue()


def write_pins(path: Path, text: str) -> None:
    """Put a pins file into place, so that nobody ever sees half of it.

    Raises SettingsError when the path cannot be written, or the file could not be read again.
    """
    size = len(text.encode("utf-8"))
    if size > MAX_BYTES:
        raise SettingsError(
            f"The pins cannot be saved to {path}: {too_large(size)}.",
            "Split the policies into several folders, each with pins of its own.",
        )
    temporary = path.parent / f".pins-{secrets.token_hex(8)}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SettingsError(
            f"The pins cannot be saved to {path}: {error.strerror or error}.",
            "Name a policies folder that can be written.",
        ) from error
    finally:
        # Gone already when it was put into place; an interruption leaves nothing behind either.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _quoted(value: Any) -> Any:
    """Put every text but the plain words of the view into quotes: an id is text, no number."""
    if isinstance(value, dict):
        return {key: _quoted(inner) for key, inner in value.items()}
    is_plain = not isinstance(value, str) or value.isalpha()
    return value if is_plain else DoubleQuotedScalarString(value)
