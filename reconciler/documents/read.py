"""Text -> Document. ruamel stops here.

The C parser gives a stream of events; the tree is put together here rather than by the library,
because only so every value keeps its place and its written form (`NO`, `012`, `1e3`, `2026-11-22`
are text), nothing recurses, and a file that nests too deep is left alone at the first event that
says so. The parser never holds more than that depth, so no input can exhaust its stack.
"""

import re
import unicodedata
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from reconciler.documents.nodes import Document, Node
from reconciler.documents.wording import shown
from reconciler.errors import Place, PolicyError, Problem

MAX_DEPTH = 32
"""Deepest nesting of lists and mappings."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?")
_WORDS = {"true": True, "false": False, "": None, "null": None, "Null": None, "NULL": None}
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_INNER = re.compile(r"""(?<=[^\s"'\[\]{},])(:(?=[^\s,\[\]{}])|\?)""")
"""A colon or question mark within a word; a question mark also at its end."""
_ENOUGH = 100
"""Problems after which the rest of a file is not read."""
_PRIVATE = range(0xE000, 0xF900)
_EMPTY = "Write `version: 1` and what is desired, or remove the file."


def read(text: str, path: str, file: str) -> Document:
    """Return the document that a text holds.

    Raises PolicyError with every problem that the syntax shows: one when the parser gives up,
    several for anchors, tags, repeated keys and the like.
    """
    stand_ins = StandIns(text, file)
    reader = _Reader(file, stand_ins)
    try:
        for event in YAML(typ="safe").parse(stand_ins.put_in(text)):
            reader.take(event)
    except MarkedYAMLError as error:
        line, column = _mark(error)
        reader.refuse(line, column, "yaml-syntax", _told(error), _remedy(text, line))
    except YAMLError as error:  # the C reader raises it without a mark
        reader.refuse(1, 1, "yaml-syntax", " ".join(str(error).split()), "Correct the file.")
    except _Stop:
        pass
    if reader.root is None and not reader.problems:
        reader.refuse(1, 1, "empty-file", f"the file holds {_what(text)}", _EMPTY)
    if reader.problems or reader.root is None:
        raise PolicyError(tuple(reader.problems))
    return Document(path, file, reader.root)


class _Stop(Exception):  # noqa: N818 - a signal, not an error
    """The rest of the file is not worth reading."""


class _Open:
    """A list or mapping that is being filled."""

    __slots__ = ("key", "key_column", "key_line", "seen", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key: str | None = None
        self.key_line = 0
        self.key_column = 0
        self.seen: dict[str, Place] = {}


class _Reader:
    """Puts the tree together and collects what is refused."""

    def __init__(self, file: str, stand_ins: "StandIns") -> None:
        self.file = file
        self._stand_ins = stand_ins
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._documents = 0
        self._told: set[str] = set()

    def take(self, event: Event) -> None:
        """Add one event of the parser; raises _Stop when the rest shall not be read."""
        if isinstance(event, NodeEvent):
            self._node(event)
        elif isinstance(event, CollectionEndEvent):
            self._open.pop()
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                told = "a second document begins here"
                self._refuse(event, "several-documents", told, "Put it into a file of its own.")
                raise _Stop

    def refuse(self, line: int, column: int, code: str, message: str, remedy: str) -> None:
        """Note a problem at a line and column, both from 1."""
        self.problems.append(Problem(Place(self.file, line, column), code, message, remedy))

    def _refuse(self, event: Event, code: str, message: str, remedy: str) -> None:
        mark = event.start_mark
        self.refuse(mark.line + 1, mark.column + 1, code, message, remedy)
        if len(self.problems) >= _ENOUGH:
            raise _Stop

    def _node(self, event: NodeEvent) -> None:
        if event.anchor is not None:
            sign, code = ("*", "alias") if isinstance(event, AliasEvent) else ("&", "anchor")
            name = shown(sign + self._stand_ins.take_out(event.anchor))
            if name not in self._told:  # once each: a bomb has a great many
                self._told.add(name)
                told = f"the {code} {name} is not allowed"
                self._refuse(event, code, told, "Write the value out in each place.")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, "tag", f"the tag {shown(tag)} is not allowed", "Remove the tag.")
        top = self._open[-1] if self._open else None
        if top is not None and top.key is None and isinstance(top.value, dict):
            self._key(event, top)
        elif isinstance(event, CollectionStartEvent):
            value: Any = {} if isinstance(event, MappingStartEvent) else []
            self._put(event, top, value)
            self._open.append(_Open(value))
            if len(self._open) > MAX_DEPTH:
                told = f"lists and mappings nest deeper than {MAX_DEPTH}"
                self._refuse(event, "too-deep", told, "Write it flatter.")
                raise _Stop
        else:
            self._put(event, top, self._scalar(event))

    def _put(self, event: NodeEvent, top: _Open | None, value: Any) -> None:
        mark = event.start_mark
        if top is None:
            if value is not None:
                self.root = Node(value, mark.line + 1, mark.column + 1)
        elif top.key is None:
            top.value.append(Node(value, mark.line + 1, mark.column + 1))
        else:
            place = (top.key_line, top.key_column)
            top.value[top.key] = Node(value, mark.line + 1, mark.column + 1, *place)
            top.key = None

    def _key(self, event: NodeEvent, top: _Open) -> None:
        if not isinstance(event, ScalarEvent):
            told = "a key must be text, not a list, a mapping or an alias"
            self._refuse(event, "key-not-text", told, "Write the key as text.")
            raise _Stop
        text = self._text(event)
        if not text and event.implicit[0]:
            told = "a key is missing before the `:`"
            self._refuse(event, "empty-key", told, "Write the key, or remove the entry.")
        if text == "<<" and event.implicit[0]:
            told = "the merge key `<<` is not allowed"
            self._refuse(event, "merge-key", told, "Write the entries out in each place.")
        mark = event.start_mark
        place = Place(self.file, mark.line + 1, mark.column + 1)
        first = top.seen.setdefault(unicodedata.normalize("NFC", text), place)
        if first is not place:
            told = f"the key {shown(text)} is repeated; it stands at {first} already"
            self._refuse(event, "repeated-key", told, "Join the two entries.")
        top.key, top.key_line, top.key_column = text, place.line, place.column

    def _scalar(self, event: NodeEvent) -> str | bool | int | float | None:
        if not isinstance(event, ScalarEvent):
            return None
        text = self._text(event)
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        number = _NUMBER.fullmatch(text)
        if number is None:
            return text
        return float(text) if number[2] else int(text)

    def _text(self, event: ScalarEvent) -> str:
        text = self._stand_ins.take_out(event.value)
        hidden = None if text.isprintable() else _HIDDEN.search(text)
        if hidden:
            told = f"the text holds the character U+{ord(hidden[0]):04X}"
            self._refuse(event, "control-character", told, "Remove it.")
        return text


class StandIns:
    """Two private-use characters that carry `:` and `?` inside words through the C parser.

    That parser is older than YAML 1.2 and takes `[group:soc]` or `[Acme/B?]` for a mistake. One
    character stands for one, so all columns stay, and every scalar is given its own back: where
    the exchange happens inside quotes or a comment it changes nothing.
    """

    def __init__(self, text: str, file: str) -> None:
        escapes = text.lower() if "\\" in text else ""
        free = (
            chr(code) for code in _PRIVATE if chr(code) not in text and f"{code:x}" not in escapes
        )
        self._colon, self._question = next(free, ""), next(free, "")
        if not self._question:
            told = "the file holds every private-use character there is"
            raise PolicyError((Problem(Place(file), "private-use", told, "Remove them."),))

    def put_in(self, text: str) -> str:
        """Return the text as the parser gets it."""
        return _INNER.sub(self._one, text)

    def take_out(self, text: str) -> str:
        """Return a scalar as the file has it."""
        return text.replace(self._colon, ":").replace(self._question, "?")

    def _one(self, found: re.Match[str]) -> str:
        return self._colon if found[0] == ":" else self._question


def _what(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    if not any(lines):
        return "nothing"
    return "only comments" if all(line[:1] in {"", "#"} for line in lines) else "an empty document"


def _mark(error: MarkedYAMLError) -> tuple[int, int]:
    mark = error.problem_mark or error.context_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _told(error: MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "this is not YAML: " + ", ".join(parts)


def _remedy(text: str, line: int) -> str:
    """Return what to do about a line that is not YAML; nobody sees that an indent is a tab."""
    shown = "".join(text.split("\n")[line - 1 : line])
    is_tab = "\t" in shown[: len(shown) - len(shown.lstrip())]
    return "Indent by spaces: a tab is not allowed there." if is_tab else "Correct the YAML here."
