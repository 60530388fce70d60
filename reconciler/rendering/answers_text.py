"""What `explain` and `who-can` answer, for people at a terminal."""

from collections.abc import Iterator
from typing import Any

from reconciler.planning.answers import State
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_STANDINGS = {
    "managed": "",
    "former": "former: must hold nothing",
    "unlisted": "unlisted: in no policy",
}
_ID_SHOWN = 10


def explain_text(tree: Tree, *, color: bool) -> str:
    """Return why one principal has or lacks access."""
    return "\n".join(_explained(tree, Style(color=color))) + "\n"


def who_can_text(tree: Tree, *, color: bool) -> str:
    """Return who has a role or a permission on a scope."""
    style = Style(color=color)
    question, answers = tree["question"], tree["answers"]
    wanted, permission = visible(question["wanted"]), question["permission"]
    if permission:
        title = f"{permission['page']}: {permission['title']}"
        wanted = f'the permission "{short(title)}" ({short(permission["identifier"])})'
    have, lack = tree["summary"]["have"], tree["summary"]["lack"]
    counted = {0: "Nobody has", 1: "1 principal has"}
    count = counted.get(have, f"{have} principals have")
    also = f"; {lack} should by the policies, but the console does not have it" if lack else ""
    lines = [f"{count} {wanted} on {short(question['on']['name'])}{also}."]
    for answer in sorted(answers, key=lambda each: not each["has_access"]):
        lines += ["", *_who(answer, style), *_accesses(answer, question, style)]
    return "\n".join([*lines, *_footer(tree, style)]) + "\n"


def _explained(tree: Tree, style: Style) -> Iterator[str]:
    (answer,) = tree["answers"]
    question = tree["question"]
    yield from _who(answer, style)
    yield from _accesses(answer, question, style)
    if not answer["has_access"]:
        on = f" on {short(question['on']['name'])}" if question["on"] else ""
        yield f"  holds nothing{on} now"
    yield from _footer(tree, style)


def _who(answer: Tree, style: Style) -> Iterator[str]:
    told = [_STANDINGS.get(answer["standing"], answer["standing"])]
    if answer["place"]:
        told.append(_place_text(answer["place"]))
    if answer["is_on_console"] is False:
        told.append("not on the console")
    tail = "  ".join(filter(None, told))
    yield f"{style.paint(short(answer['principal']['name']), Tone.STRONG)}  {tail}".rstrip()
    yield from _commit_text(answer["commit"], style)


def _accesses(answer: Tree, question: Tree, style: Style) -> Iterator[str]:
    for access in answer["accesses"]:
        tone = Tone.GAIN if _has(access) else Tone.QUIET
        triple = f"{short(access['role']['name'])} on {short(access['scope']['name'])}"
        told = [_state(access), *_reach(access, question), *_console(access)]
        yield f"  {style.paint(triple, tone)}  {', '.join(told)}"
        for source in access["sources"]:
            yield from _source_text(source, style)
    for note in answer["notes"]:
        yield f"  note: {visible(note)}"


def _has(access: Tree) -> bool:
    held: bool | None = access["is_held"]
    return access["state"] == State.IN_FORCE if held is None else held


def _state(access: Tree) -> str:
    state: str = access["state"]
    if state == State.IN_FORCE and access["is_held"] is False:
        state = "asked for now"
    if access["window"] and access["window"]["until"]:
        return f"{state} until {access['window']['until']}"
    return state


def _reach(access: Tree, question: Tree) -> Iterator[str]:
    on = question["on"]
    if on and access["scope"]["level"] != on["level"]:
        yield f"inherited from the {access['scope']['level']}"


def _console(access: Tree) -> Iterator[str]:
    is_asked = access["state"] == State.IN_FORCE
    if access["is_held"] is None:
        return
    if access["is_held"] == is_asked:
        yield "the console agrees"
    else:
        yield "the console has it" if access["is_held"] else "but the console does not have it"


def _source_text(source: Tree, style: Style) -> Iterator[str]:
    through = [_place_text(source["place"])]
    if source["group"]:
        through.append(f"through group {short(source['group'])}")
    if source["pattern"]:
        through.append(f"by pattern {short(source['pattern'])}")
    window = source["window"]
    if window:
        bounds = [f"{key} {window[key]}" for key in ("from", "until") if window[key]]
        through.append(" ".join(bounds))
    if source["reason"]:
        through.append(f'"{short(source["reason"])}"')
    yield "    " + style.paint("  ".join(through), Tone.QUIET)
    yield from _commit_text(source["commit"], style)


def _commit_text(commit: Tree | None, style: Style) -> Iterator[str]:
    if commit:
        told = f"{commit['id'][:_ID_SHOWN]} {short(commit['author'])}: {short(commit['subject'])}"
        yield "      " + style.paint(told, Tone.QUIET)


def _footer(tree: Tree, style: Style) -> Iterator[str]:
    notes = [f"note: {visible(note)}" for note in tree["notes"]]
    for problem in tree["warnings"]:
        place = f"{_place_text(problem['place'])}: " if problem["place"] else ""
        notes.append(f"{style.paint(place, Tone.QUIET)}{visible(problem['message'])}")
    yield from ("", *notes) if notes else ()


def _place_text(place: Tree) -> str:
    file = short(place["file"])
    return f"{file}:{place['line']}:{place['column']}" if place["line"] else file
