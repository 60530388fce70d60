"""The differences of two snapshots for people: who holds what first, the rest below."""

import json
from collections.abc import Iterator
from typing import Any

from reconciler.rendering.difference import THINGS, is_same
from reconciler.rendering.inventory import counted
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_MARKS = {"added": ("+", Tone.GAIN), "removed": ("-", Tone.LOSS), "changed": ("~", Tone.CHANGE)}


def difference_text(tree: Tree, *, color: bool) -> str:
    """Return the differences as text with a final newline; the last line is their sum."""
    style = Style(color=color)
    lines = [*_head(tree), "", *_grants(tree["grants"], style)]
    for thing in THINGS:
        lines += _things(thing, tree[thing], style)
    return "\n".join([*lines, _sum(tree)]) + "\n"


def _head(tree: Tree) -> Iterator[str]:
    for word, side in (("From", tree["before"]), ("To  ", tree["after"])):
        yield (
            f"{word} {visible(side['taken_at'])}  {short(side['origin'])}, "
            f"read by {short(side['read_by'])}"
        )
    for note in tree["notes"]:
        yield f"note: {visible(note)}"


def _grants(grants: Tree, style: Style) -> Iterator[str]:
    if not grants["gained"] and not grants["lost"]:
        return
    yield style.paint("Grants", Tone.STRONG)
    for key, mark, tone in (("lost", "-", Tone.LOSS), ("gained", "+", Tone.GAIN)):
        for triple in grants[key]:
            held = f"{short(triple['role']['name'])} on {short(triple['scope']['name'])}"
            yield f"  {style.paint(mark, tone)} {short(triple['principal']['name'])}  {held}"
    yield ""


def _things(thing: str, found: Tree, style: Style) -> Iterator[str]:
    if not any(found.values()):
        return
    yield style.paint(thing.capitalize(), Tone.STRONG)
    for key, (mark, tone) in _MARKS.items():
        for each in found[key]:
            number = style.paint(f"id:{each['id']}", Tone.QUIET)
            yield f"  {style.paint(mark, tone)} {short(each['name'])}  {number}"
            yield from _changed(each, style)
    yield ""


def _changed(each: Tree, style: Style) -> Iterator[str]:
    for field in each.get("fields", ()):
        told = f"{_value(field, 'before')} -> {_value(field, 'after')}"
        yield f"      {short(field['field'])}: {told}"
    if each.get("now_gives_access"):
        yield style.paint("      ! now permits to change who has access", Tone.LOSS, Tone.STRONG)
    for key, mark, tone in (("lost", "-", Tone.LOSS), ("gained", "+", Tone.GAIN)):
        for page, titles in each.get(key, {}).items():
            told = ", ".join(map(short, titles))
            yield f"      {style.paint(mark, tone)} {short(page)}: {told}"


def _value(field: Tree, side: str) -> str:
    if side not in field:
        return "(absent)"
    return short(json.dumps(field[side], ensure_ascii=False, sort_keys=True))


def _sum(tree: Tree) -> str:
    if is_same(tree):
        return "No differences."
    counts = [
        f"{len(found)} {key}"
        for key, found in (("gained", tree["grants"]["gained"]), ("lost", tree["grants"]["lost"]))
    ]
    things = [
        counted(sum(map(len, tree[thing].values())), thing)
        for thing in THINGS
        if any(tree[thing].values())
    ]
    told = f"; {', '.join(things)} changed" if things else ""
    return f"Difference: {', '.join(counts)}{told}."
