"""The machine form as text."""

import json
from typing import Any


def to_json(tree: Any) -> str:
    """Return indented JSON with a final newline; ASCII only, so no byte can be misread.

    Keys keep the order of the published schema. Lone surrogates survive as escapes (T14).
    A second `#` in a row is escaped too: only values hold one, and GitHub's runner takes `##[`
    anywhere in a line for a command (T06).
    """
    return json.dumps(tree, indent=2, ensure_ascii=True).replace("##", "#\\u0023") + "\n"
