"""The inventory as tables on a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.rendering.inventory import COLUMNS, KINDS, cell, counted
from reconciler.rendering.layout import columns, cut, padded
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_WIDEST = 48
"""Columns of a terminal that one column of the table takes at most."""

_SHOWN = {
    **COLUMNS,
    "principals": (
        *("name", "level", "grants", "source", "email_verified", "two_factor", "idle_days"),
        *("token_age_days", "token_days_left", "remarks"),
    ),
}
"""The columns that fit a terminal; JSON and CSV have them all."""

_HEADS = {
    "email_verified": "e-mail",
    "two_factor": "2FA",
    "idle_days": "idle days",
    "token_age_days": "token days",
    "token_days_left": "left",
    "gives_access": "gives access",
}
_WORDS = {"true": "yes", "false": "no", "": "-"}


def inventory_text(tree: Tree, kind: str | None, *, color: bool) -> str:
    """Return one list as a table; without a kind, how much there is, and the principals."""
    style = Style(color=color)
    title = (
        f"{short(tree['origin'])} at {visible(tree['read_at'])}, "
        f"read as {short(tree['read_by'])} at {visible(tree['level'])} level"
    )
    lines = [title, *(f"note: {visible(note)}" for note in tree["notes"]), ""]
    if kind is None:
        lines += [", ".join(counted(len(tree[each]), each) for each in KINDS), ""]
    kind = kind or "principals"
    return "\n".join([*lines, *_table(tree[kind], _SHOWN[kind], style)]) + "\n"


def _table(rows: Sequence[Tree], shown: Sequence[str], style: Style) -> Iterator[str]:
    heads = [_HEADS.get(column, column.replace("_", " ")) for column in shown]
    cells = [[_shown(row, column) for column in shown] for row in rows]
    widths = [max(map(columns, column)) for column in zip(heads, *cells, strict=True)]
    yield style.paint(_line(heads, widths), Tone.STRONG)
    for row in cells:
        yield _line(row, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(padded, cells, widths)).rstrip()


def _shown(row: Tree, column: str) -> str:
    if column == "remarks":
        return _remarks(row)
    text = cell(row[column])
    return cut(short(_WORDS.get(text, text)), _WIDEST)


def _remarks(row: Tree) -> str:
    """Say in words what makes a principal special."""
    is_locked_out = row["kind"] == "user" and not row["can_log_in"]
    told = {
        "system": row["is_system"],
        "partly unseen": row["is_partial"],
        "cannot log in": is_locked_out,
        "never logged in": row["kind"] == "user" and row["last_login"] is None,
        "holds nothing": row["grants"] == 0,
        "token expired": (row["token_days_left"] or 0) < 0,
    }
    return ", ".join(word for word, holds in told.items() if holds)
