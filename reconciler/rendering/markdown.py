"""Markdown that no value can change: every value stands in a code span, and nowhere else.

Inside a code span nothing is a link, an image, HTML, a mention, a reference or a heading, and
nothing is taken for an address (T11). It ends only where a run of backticks is as long as the
one it began with, so that run is made longer than any inside.
"""

import re
from dataclasses import dataclass

from reconciler.rendering.safe import short, visible

BREAK = "<br>"
"""A new line inside a table cell."""

_LINKABLE = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~/-]*)?")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document: rows under a head. Rows are left out from the end, never broken."""

    head: str
    rows: tuple[str, ...]
    noun: str
    """What one row is, in the singular."""
    tail: str = ""
    is_needed: bool = False
    """True where no row may be left out."""

    def told(self, count: int) -> str:
        """Return the section with its first `count` rows, as a block."""
        return "\n".join([self.head, *self.rows[:count], *([self.tail] if self.tail else [])])


def code(value: str) -> str:
    """Return a value as a code span, cut if very long."""
    return _span(short(value))


def sentence(value: str) -> str:
    """Return what was said at length, refusals above all, as a code span: never cut."""
    return _span(visible(value))


def row(*cells: str) -> str:
    """Return cells as one row of a table; a bar in a value cannot end its cell."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def table(title: str, columns: tuple[str, ...]) -> str:
    """Return the head of a table under a title of ours."""
    return "\n".join([f"#### {title}", "", row(*columns), row(*("---" for _ in columns))])


def folded(title: str) -> str:
    """Return the head of a part that opens on a click; its tail is `</details>`."""
    return f"<details><summary>{title}</summary>\n"


def address(place: str) -> str:
    """Return where something is to be found: a link if it is a plain https address.

    For what the command was told, never for values from files or from the console.
    """
    return f"<{place}>" if _LINKABLE.fullmatch(place) and len(place) <= _LINK else code(place)


_LINK = 500
"""Characters of the longest link; anything longer is a value like others."""

_RUN = 16
"""Backticks in a row from which on they are escaped; GitHub's parser knows no run above 80."""


def _span(shown: str) -> str:
    if not shown.strip(" "):
        return "`(empty)`"
    if "`" * _RUN in shown:
        shown = shown.replace("`", "\\x60")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    # Blanks on both sides are taken off by the reader's parser, once.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
