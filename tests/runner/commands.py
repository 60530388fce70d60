"""What a step says to the runner: commands on its output, and the files it writes to.

Written from docs.github.com/actions (reference: workflow commands) and the observable behaviour of
actions/runner: leading blanks do not hide a command, a lone carriage return ends a line, the older
form `##[name]` counts anywhere in a line, both streams are read, unknown names are no commands.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LIMIT = 10
"""Annotations of each level that a step gets to show."""
LONGEST = 4096
"""Characters of an annotation."""
SUMMARY_LIMIT = 1024 * 1024
LEVELS = ("error", "warning", "notice")
OTHERS = {
    "debug", "add-mask", "group", "endgroup", "add-matcher", "remove-matcher", "stop-commands",
    "echo", "set-output", "save-state", "set-env", "add-path",
}  # fmt: skip
_NEW = re.compile(r"::(?P<name>[\w-]+)(?: (?P<properties>.*?))?::(?P<data>.*)", re.DOTALL)
_OLD = re.compile(r"##\[(?P<name>[\w-]+)(?: (?P<properties>[^\]]*))?\](?P<data>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Annotation:
    level: str
    message: str
    properties: dict[str, str] = field(default_factory=dict)
    """file, line, endLine, col, endColumn, title."""


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    properties: dict[str, str]
    data: str


@dataclass(slots=True)
class Said:
    """What came of the commands of one step."""

    annotations: list[Annotation] = field(default_factory=list)
    """Those that are shown."""
    dropped: list[Annotation] = field(default_factory=list)
    """Those beyond the limit."""
    masks: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    """Set by the deprecated command."""
    refused: list[Command] = field(default_factory=list)
    """Commands that are disabled; a step that gives one fails."""
    commands: list[Command] = field(default_factory=list)
    """All of them, whatever they do."""

    def annotate(self, level: str, message: str, **properties: str) -> None:
        found = Annotation(level, message[:LONGEST], properties)
        shown = sum(each.level == level for each in self.annotations)
        (self.annotations if shown < LIMIT else self.dropped).append(found)


def lines_of(text: str) -> list[str]:
    return re.split(r"\r\n|\n|\r", text)


def listen(*streams: str) -> Said:
    """Read the streams of a step, one after the other.

    A runner reads them at once and in no fixed order, so what is said on one stream does not
    protect the other.
    """
    said = Said()
    for stream in streams:
        for command in _commands(stream):
            _obey(said, command)
    return said


def _commands(stream: str) -> Iterator[Command]:
    token = ""
    for line in lines_of(stream):
        command = parse(line, token)
        if command is None:
            continue
        if token:
            token = "" if command.name == token else token
            continue
        yield command
        if command.name == "stop-commands":
            token = command.data


def parse(line: str, token: str = "") -> Command | None:
    """Return the command on a line, if it is one; while `token` stops them, only that is."""
    new = _NEW.fullmatch(line.lstrip())
    old = None if new else _OLD.search(line)
    found = new or old
    if found is None or found["name"] not in {*LEVELS, *OTHERS, token}:
        return None
    separator = "," if new else ";"
    pairs = (part.partition("=") for part in (found["properties"] or "").split(separator))
    properties = {key.strip(): _plain(value, new is not None) for key, _, value in pairs if value}
    return Command(found["name"], properties, _plain(found["data"], new is not None))


def _plain(text: str, is_new: bool) -> str:
    """Undo the escapes."""
    marks = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
    if not is_new:
        marks = [("%0D", "\r"), ("%0A", "\n"), ("%3B", ";"), ("%5D", "]"), ("%25", "%")]
    for mark, sign in marks:
        text = text.replace(mark, sign)
    return text


def _obey(said: Said, command: Command) -> None:
    said.commands.append(command)
    if command.name in LEVELS:
        said.annotate(command.name, command.data, **command.properties)
    elif command.name == "add-mask" and command.data.strip():
        said.masks += [command.data, *(line for line in lines_of(command.data) if line.strip())]
    elif command.name == "set-output":
        said.outputs[command.properties.get("name", "")] = command.data
    elif command.name in {"set-env", "add-path"}:
        said.refused.append(command)
        said.annotate("error", f"The `{command.name}` command is disabled.")


class FileError(Exception):
    """A file for the runner that it cannot read; the step fails."""


def pairs_of(text: str) -> dict[str, str]:
    """Parse GITHUB_OUTPUT or GITHUB_ENV: `name=value`, or `name<<WORD`, lines, `WORD`."""
    found: dict[str, str] = {}
    rows = iter(text.split("\n"))
    for row in rows:
        if not row:
            continue
        equals, heredoc = row.find("="), row.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = row[:equals], row[equals + 1 :]
        elif heredoc >= 0:
            name, word = row[:heredoc], row[heredoc + 2 :]
            if not word:
                raise FileError(f"Invalid format '{row}'. Name must not be empty")
            value = "\n".join(_until(rows, word))
        else:
            raise FileError(f"Invalid format '{row}'")
        if not name:
            raise FileError(f"Invalid format '{row}'. Name must not be empty")
        found[name] = value
    return found


def _until(rows: Iterator[str], word: str) -> Iterator[str]:
    for row in rows:
        if row == word:
            return
        yield row
    raise FileError(f"Invalid value. Matching delimiter not found '{word}'")


def masked(text: str, masks: Iterable[str]) -> str:
    """Return text as the log shows it."""
    for mask in sorted({mask for mask in masks if mask.strip()}, key=len, reverse=True):
        text = text.replace(mask, "***")
    return text
