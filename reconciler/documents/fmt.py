"""Policy text -> the same policy in the one layout that all policies have.

The style is that of the policies this product ships: two blanks a level, dashes indented, `version`
first, one blank line where there were several, one blank before a comment behind something. What is
written stays as it is written: quotes, lists in brackets as long as they fit on a line, the order
of everything else. The result is read again and compared before anybody may keep it.

The library's own round trip is not used: it loses comments within brackets, turns `~` and `TRUE`
into something else, and breaks long lines with blanks at their ends.
"""

import json

from reconciler.documents.layout import lay_out
from reconciler.documents.nodes import plain
from reconciler.documents.prescan import text_of
from reconciler.documents.read import read
from reconciler.documents.written import Written, comment_texts, written
from reconciler.errors import Place, PolicyError, Problem

_PLAINER = "Write it plainer: keys on one line, no text in blocks (`|`, `>`)."


def format_text(text: str, file: str) -> str:
    """Return a text of `text_of` in canonical layout; one that has it is returned unchanged.

    Raises PolicyError when `read` refuses the text, when it holds no mapping, or when its layout
    cannot be changed without changing a value or a comment, or without making it too large.
    """
    value = _value(text, file)
    document = written(text.replace("\r\n", "\n"), file)
    # Indented it may be too large to be read again, and must not be written then.
    result = text_of(lay_out(document).encode(), file)
    if not _is_same(result, file, value, document):
        told = "the file cannot be laid out without changing what it says"
        raise PolicyError((Problem(Place(file), "cannot-format", told, _PLAINER),))
    return result


def _is_same(result: str, file: str, value: str, document: Written) -> bool:
    """Tell whether a layout says what the text says, to the product and to people."""
    try:
        is_same = _value(result, file) == value
    except PolicyError:
        return False
    return is_same and comment_texts(written(result, file)) == comment_texts(document)


def _value(text: str, file: str) -> str:
    """Return what a text says in one form: JSON tells 1, 1.0, true and "1" apart."""
    document = read(text, file, file)
    if not isinstance(document.root.value, dict):
        told = "the file holds no mapping"
        remedy = "Write a mapping that begins with `version: 1`."
        place = document.place(document.root)
        raise PolicyError((Problem(place, "not-a-mapping", told, remedy),))
    return json.dumps(plain(document.root), sort_keys=True)
