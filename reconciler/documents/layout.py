"""A document as written -> its canonical layout. Says nothing about whether that is allowed.

A comment behind something stays behind it; one on a line of its own stays where it is between the
entries, at the depth that its column showed. A comment that would have no place (behind a dash,
between a key and its value) goes above the entry.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

from reconciler.documents.written import Piece, Written

WIDTH = 100
"""Columns into which a list in brackets must fit; a longer one gets a line for each item."""

_STEP = 2
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BEHIND = re.compile(r"[ \t,]*#")
_VERSION = {"version", "'version'", '"version"'}


def lay_out(document: Written) -> str:
    """Return the text of a document, whose root is a mapping, in canonical layout."""
    root = document.root
    writer = _Writer(document, [comment.start for comment in document.comments])
    writer.comments(root.first, 0)
    begins = [len(writer.lines)]
    for key, child in root.entries():
        writer.entry(key, child, 0, root)
        begins.append(len(writer.lines))
    writer.comments(len(document.text) + 1, 0)
    lines = writer.lines
    head, tail = lines[: begins[0]], lines[begins[-1] :]
    chunks = [lines[begin:end] for begin, end in pairwise(begins)]
    body = [line for chunk in _version_first(root, chunks) for line in chunk]
    return "\n".join([*head, *(body or ["{}"]), *tail]) + "\n"


def _version_first(root: Piece, chunks: list[list[str]]) -> list[list[str]]:
    """Move the lines of `version` to the front; what stands above the first entry stays above."""
    keys = [key.text for key in root.keys or ()]
    at = next((index for index, key in enumerate(keys) if key in _VERSION), 0)
    if not at:
        return chunks
    version, first = chunks.pop(at), chunks[0]
    blank = first[:1] if first[0] == "" else []
    chunks[0] = first[len(blank) :]
    return [[*blank, *version[version[0] == "" :]], *chunks]


@dataclass(slots=True)
class _Writer:
    """Writes the lines, from the first piece to the last."""

    document: Written
    _comments: list[int]
    """Where the comments begin."""
    lines: list[str] = field(default_factory=list)
    _seen: int = 0
    """Index in the text up to which everything is written."""
    _told: int = 0
    """Number of comments written."""
    _dashes: str = ""
    """What begins the next line, blanks included; empty unless it is dashes."""
    _opens: bool = True
    """True where a blank line would be the first thing in a file, list or mapping."""
    _takes: bool = False
    """True when a comment may be put behind the last line."""

    def entry(self, key: Piece | None, child: Piece, indent: int, parent: Piece) -> None:
        """Write an entry of a mapping, or of a list (no key), with the comments above it."""
        head = "- " if key is None else f"{key.text}: "
        room = WIDTH - len(self._dashes or " " * indent) - len(head)
        flat = self._flat(child, room)
        start = child.first if key is None else key.start
        self.comments(start if key and flat is None else child.first, indent)
        self._blank_line(start)
        if flat is None:
            self._open(key, child, indent)
            self._block(child, indent + _STEP, parent)
            return
        lines = _scalar(child, flat, indent, parent.column)
        self._line(indent, (head + lines[0]).rstrip(" ") if not lines[0] else head + lines[0])
        self.lines += lines[1:]
        self._seen, self._takes = child.end, not child.is_literal

    def comments(self, upto: int, indent: int, least: int = 0) -> None:
        """Write the comments before an index in the text.

        Stops at the first one that has a line of its own and begins left of the column `least`.
        """
        while self._told < bisect_left(self._comments, upto):
            comment = self.document.comments[self._told]
            is_behind = "\n" not in self.document.text[self._seen : comment.start]
            if is_behind and self._takes:
                self.lines[-1] += f" {comment.text}"
            elif comment.column < least and not is_behind:
                return
            else:
                self._blank_line(comment.start)
                dashes = len(self._dashes) - len(self._dashes.lstrip(" "))
                self.lines.append(" " * (dashes if self._dashes else indent) + comment.text)
                self._opens = False
            self._seen, self._takes = max(self._seen, comment.end), False
            self._told += 1

    def _open(self, key: Piece | None, child: Piece, indent: int) -> None:
        """Begin the entry of a list or mapping that gets lines of its own."""
        if key is None:
            self._dashes = (self._dashes or " " * indent) + "- "
            if child.flow:  # what stands behind its bracket is not about the item before
                self._seen, self._takes = child.start, False
            return
        self._line(indent, f"{key.text}:")
        self._seen, self._takes, self._opens = key.end, True, True

    def _block(self, piece: Piece, indent: int, parent: Piece) -> None:
        for key, child in piece.entries():
            self.entry(key, child, indent, piece)
        # What stands as far to the right as the entries belongs to them, also behind the last.
        least = 0 if piece.flow else max(piece.column, parent.column + 1)
        self.comments(piece.end, indent, least)
        if piece.flow:
            self._seen = piece.end
            behind = _BEHIND.match(self.document.text, piece.end)
            self.comments(behind.end() if behind else 0, indent)

    def _line(self, indent: int, content: str) -> None:
        self.lines.append((self._dashes or " " * indent) + content)
        self._dashes, self._opens = "", False

    def _blank_line(self, start: int) -> None:
        """Keep one of the blank lines before an index, except where they open something."""
        is_kept = not self._opens and not self._dashes
        if is_kept and _BLANK_LINE.search(self.document.text, self._seen, start):
            self.lines.append("")

    def _flat(self, piece: Piece, room: int) -> str | None:
        """Return what fits behind a key or dash, or None for what gets lines of its own."""
        if piece.children is None:
            return piece.text
        if piece.children and (not piece.flow or self._has_comment(piece)):
            return None
        flat = _in_brackets(piece)
        return None if piece.children and (len(flat) > room or "\n" in flat) else flat

    def _has_comment(self, piece: Piece) -> bool:
        starts = self._comments
        return bisect_left(starts, piece.start) < bisect_left(starts, piece.end)


def _in_brackets(piece: Piece) -> str:
    """Return a value on one line, if its scalars are."""
    if piece.children is None:
        return piece.text
    if piece.keys is None:
        return "[" + ", ".join(map(_in_brackets, piece.children)) + "]"
    pairs = (f"{key.text}: {_in_brackets(child)}" for key, child in piece.entries() if key)
    return "{" + ", ".join(pairs) + "}"


def _scalar(piece: Piece, text: str, indent: int, column: int) -> list[str]:
    """Return the lines of a value: the first without, the others with their indentation."""
    first, *rest = text.split("\n")
    if not rest:
        return [first]
    if piece.is_literal:
        return _literal(first, rest, indent, column)
    margin = " " * (indent + _STEP)
    lines = [_stripped(line, text) for line in (first, *rest)]
    return [lines[0], *(margin + line if line else "" for line in lines[1:])]


def _stripped(line: str, text: str) -> str:
    """Drop the blanks that folding drops; an escaped one in double quotes counts."""
    left = line.lstrip(" \t")
    right = left.rstrip(" \t")
    return left if text.startswith('"') and right.endswith("\\") else right


def _literal(head: str, body: list[str], indent: int, column: int) -> list[str]:
    """Move a text in a block (`|`, `>`), whose inner indentation counts, as one."""
    sign, mark, comment = head.partition("#")
    head = sign.rstrip() + (f" #{comment.rstrip()}" if mark else "")
    digit = next((int(char) for char in sign if char.isdigit()), 0)
    widths = [len(line) - len(line.lstrip(" ")) for line in body if line.strip(" ")]
    old = column + digit if digit else (widths or [0])[0]
    margin = " " * (indent + (digit or _STEP))
    if not body[-1]:
        body = body[:-1]  # the line break at the end, which `+` keeps
    return [head, *(margin + line[old:] if len(line) > old else "" for line in body)]
