"""Records of the journal for people: a line each, with its grounds and its changes below."""

from collections.abc import Iterator
from typing import Any

from reconciler.rendering.runs import commit_text, led_by
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_TONES = {"applied": Tone.GAIN, "conflict": Tone.CHANGE, "not attempted": Tone.QUIET}
_INDENT = " " * 9
_MARKS = {"grant": ("+ grant ", Tone.GAIN), "revoke": ("- revoke", Tone.LOSS)}


def record_text(record: Tree, *, color: bool) -> str:
    """Return one record as text with a final newline.

    `record` has `sequence`, `time`, `run`, `kind` and `data`; a foreign record's data is not
    trusted to have any form.
    """
    style = Style(color=color)
    head = f"{record['sequence']:>5}  {visible(record['time'])}  {visible(record['run'])}"
    lines = [f"{head}  {_told(record, style)}"]
    if record["kind"] in {"run-started", "refused"}:
        lines += _grounds(record["data"], style)
    lines += _changes(record["data"], style)
    return "\n".join(lines) + "\n"


def _told(record: Tree, style: Style) -> str:
    data, kind = record["data"], visible(record["kind"])
    told = _words(record["kind"], data, style)
    return f"{kind}: {told}" if told else kind


def _words(kind: str, data: Tree, style: Style) -> str:
    told = ""
    match kind:
        case "run-started":
            by, origin = _word(data, "actor"), _word(data, "origin")
            told = f"{_word(data, 'operations')} operations on {origin} by {by}"
        case "intent":
            first = ", the API token first" if data.get("revokes_token") is True else ""
            told = f"{_word(data, 'operation')} {_principal(data)}{first}"
            told += f": {_word(data, 'note')}" if data.get("note") else ""
        case "outcome" | "resolved" | "token-revocation":
            result = _word(data, "result")
            painted = style.paint(result, _TONES.get(result, Tone.LOSS))
            told = f"{_principal(data)} {painted}: {_word(data, 'detail')}"
            if data.get("remains"):
                told += f"; an API token may remain: {_word(data, 'remains')}"
        case "run-finished":
            results = data.get("results")
            counts = results.items() if isinstance(results, dict) else ()
            told = ", ".join(f"{short(str(count))} {short(str(word))}" for word, count in counts)
            told = told or "nothing"
        case "refused":
            rules = data.get("rules")
            told = ", ".join(short(str(rule)) for rule in rules) if isinstance(rules, list) else ""
            told += f"; asked for by {_word(data, 'actor')}"
        case "recovered":
            told = f"{_word(data, 'bytes')} torn bytes set aside"
        case "lock-taken-over":
            told = f"{_word(data, 'lock')} from {_word(data, 'takeover')}"
    return told


def _grounds(data: Tree, style: Style) -> Iterator[str]:
    yield _quiet(led_by(data), style)
    overrides = data.get("overrides")
    for override in overrides if isinstance(overrides, list) else ():
        yield style.paint(f"{_INDENT}override in force: {short(str(override))}", Tone.CHANGE)


def _changes(data: Tree, style: Style) -> Iterator[str]:
    changes = data.get("changes")
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict):
            sign, tone = _MARKS.get(str(change.get("action")), ("?", Tone.CHANGE))
            where = f"{_word(change, 'role')} on {_word(change, 'scope')}"
            where += f" until {_word(change, 'until')}" if change.get("until") else ""
            why = style.paint(_word(change, "reason"), Tone.QUIET)
            yield f"{_INDENT}{style.paint(sign, tone)} {where}  {why}"
            if evidence := ", ".join(_evidence(change)):
                yield _quiet(f"         {evidence}", style)


def _evidence(change: Tree) -> Iterator[str]:
    """Return the reason that the policy gives, where it stands, and which commit brought it."""
    if change.get("note"):
        yield f"reason: {_word(change, 'note')}"
    places = change.get("places")
    yield from (short(str(place)) for place in (places if isinstance(places, list) else ()))
    if change.get("commit"):
        yield f"commit {commit_text(change['commit'])}"


def _quiet(text: str, style: Style) -> str:
    return style.paint(_INDENT + text, Tone.QUIET)


def _principal(data: Tree) -> str:
    principal = data.get("principal")
    return _word(principal, "name") if isinstance(principal, dict) else "?"


def _word(data: Tree, key: str) -> str:
    return short(str(data.get(key, "?")))
