"""Text -> what is written where: the pieces of a document as slices of its text, and the comments.

The events are those of the parser that `read` uses, so nothing here can be understood otherwise
than it will be when it counts. Values do not matter here, written forms do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from reconciler.documents.read import StandIns

_COMMENT = re.compile("#[^\n]*")


@dataclass(slots=True)
class Piece:
    """One scalar, list or mapping. Filled while it is read, and only looked at afterwards."""

    start: int
    """Index in the text of its first character; of an empty value, where it would stand."""
    end: int
    """Index behind its last character; of a block, where the next thing begins."""
    column: int
    """Of the start, from 0."""
    text: str = ""
    """Of a scalar, as written: quotes, line breaks and all."""
    flow: bool = False
    """True for `[…]` and `{…}`."""
    keys: "list[Piece] | None" = None
    """Of a mapping, one for each of `children`."""
    children: "list[Piece] | None" = None
    """Of a list or mapping; None makes it a scalar."""

    def entries(self) -> "Iterator[tuple[Piece | None, Piece]]":
        """Yield the entries of a list (with None) or mapping (with their keys)."""
        children = self.children or []
        return zip(self.keys or repeat(None, len(children)), children, strict=True)

    @property
    def first(self) -> int:
        """Return where the first word or bracket in it stands, whatever dashes stand before."""
        if not self.children or self.flow:
            return self.start
        return self.keys[0].start if self.keys else self.children[0].first

    @property
    def is_literal(self) -> bool:
        """True for a scalar that begins with `|` or `>`; nothing else can begin so."""
        return self.children is None and self.text[:1] in {"|", ">"}


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment outside of all scalars."""

    start: int
    end: int
    column: int
    text: str
    """From the `#` on, without blanks at its end."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document as it is written."""

    text: str
    root: Piece
    comments: tuple[Comment, ...]


def written(text: str, file: str) -> Written:
    """Return the pieces and the comments of a text that `read` has accepted."""
    reader = _Reader(text)
    for event in YAML(typ="safe").parse(StandIns(text, file).put_in(text)):
        reader.take(event)
    assert reader.root is not None  # noqa: S101 - `read` refuses empty documents
    return Written(text, reader.root, tuple(_comments(text, reader.tokens)))


def comment_texts(document: Written) -> list[str]:
    """Return the texts of all comments, sorted, those behind a `|` or `>` included."""
    pieces, found = [document.root], [comment.text for comment in document.comments]
    while pieces:
        piece = pieces.pop()
        pieces += [*(piece.keys or ()), *(piece.children or ())]
        if piece.is_literal:
            found += [told.rstrip() for told in _COMMENT.findall(piece.text.partition("\n")[0])]
    return sorted(found)


@dataclass(slots=True)
class _Reader:
    """Puts the pieces together."""

    text: str
    root: Piece | None = None
    tokens: list[tuple[int, int]] = field(default_factory=list)
    """Where scalars stand: no `#` in there begins a comment."""
    _open: list[Piece] = field(default_factory=list)

    def take(self, event: object) -> None:
        """Add one event of the parser."""
        if isinstance(event, CollectionEndEvent):
            piece = self._open.pop()
            piece.end = event.end_mark.index if piece.flow else event.start_mark.index
        elif isinstance(event, NodeEvent):
            start, end = event.start_mark.index, event.end_mark.index
            piece = Piece(start, end, event.start_mark.column)
            self._put(piece)
            if isinstance(event, ScalarEvent):
                piece.text = self.text[start:end]
                if piece.is_literal:
                    piece.text = _without_blank_end(piece.text)
                    piece.end = start + len(piece.text)
                self.tokens.append((start, piece.end))
            elif isinstance(event, CollectionStartEvent):
                piece.flow, piece.children = bool(event.flow_style), []
                piece.keys = [] if isinstance(event, MappingStartEvent) else None
                self._open.append(piece)

    def _put(self, piece: Piece) -> None:
        if not self._open:
            self.root = piece
            return
        top = self._open[-1]
        assert top.children is not None  # noqa: S101 - only collections are open
        is_key = top.keys is not None and len(top.keys) == len(top.children)
        (top.keys if is_key and top.keys is not None else top.children).append(piece)


def _comments(text: str, tokens: list[tuple[int, int]]) -> Iterator[Comment]:
    """Yield the comments between the scalars."""
    before = 0
    for start, end in [*tokens, (len(text), len(text))]:
        for found in _COMMENT.finditer(text, before, start):
            column = found.start() - (text.rfind("\n", 0, found.start()) + 1)
            yield Comment(found.start(), found.end(), column, found[0].rstrip())
        before = end


def _without_blank_end(text: str) -> str:
    """Drop empty lines at the end of a block scalar, unless `+` keeps them as part of the value."""
    head, _, body = text.partition("\n")
    if "+" in head.partition("#")[0]:
        return text
    lines = [head, *body.split("\n")]
    while not lines[-1].strip(" "):
        lines.pop()
    return "\n".join(lines)
