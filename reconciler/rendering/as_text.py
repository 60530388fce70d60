"""A plan for people: worst first, one line a change, the sum at the end.

Draws from the machine form only, so the two cannot disagree, and a saved plan reads the same.
"""

from collections.abc import Iterator
from typing import Any

from reconciler.rendering.attention import worst_first
from reconciler.rendering.coming import NEW, calm, coming, risk_word, what, when
from reconciler.rendering.layout import ENDLESS, columns, cut, padded, wrapped
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone
from reconciler.rendering.summary import drift_summary, summary
from reconciler.rendering.wording import (
    access_roles,
    commit_text,
    danger,
    effects,
    headline,
    listed,
    observed_at,
    plural,
    role_change,
    unread,
    why,
)

_MARKS = {
    "invite": ("+", Tone.GAIN),
    "create": ("+", Tone.GAIN),
    "update": ("~", Tone.CHANGE),
    "delete": ("-", Tone.LOSS),
    "revoke token": ("-", Tone.LOSS),
    "rotate": ("~", Tone.CHANGE),
}
_SIGNS = {"grant": ("+ grant ", Tone.GAIN), "revoke": ("- revoke", Tone.LOSS)}
_UNLISTED_SHOWN = 10
_COMING_SHOWN = 20
_GRANTS_SHOWN = 3
_ALIGNED = 40
"""Columns up to which names are filled up; a longer one does not push all others aside."""
_SUBJECT = 12
"""Columns of a commit's subject below which it is left out."""

Tree = dict[str, Any]


class _Page:
    """How a text is laid out: its colours, and the columns it may take."""

    def __init__(self, *, color: bool, width: int | None) -> None:
        self.style = Style(color=color)
        self.width = ENDLESS if width is None else width

    def wrap(self, text: str, indent: str, lead: str = "", *tones: Tone) -> Iterator[str]:
        """Give the lines of a text behind a lead, which is painted."""
        first, *others = wrapped(text, self.width, f"{indent}  ", f"{indent}{lead}")
        yield indent + self.style.paint(lead, *tones) + first[len(indent) + len(lead) :]
        yield from others


def plan_text(tree: Tree, *, color: bool, width: int | None = None) -> str:
    """Return the plan as text with a final newline.

    `width` is the number of columns of the terminal. It shortens places and commits and wraps
    what is long; principals, roles, scopes, actions and refusals stay whole. None: any width.
    """
    page = _Page(color=color, width=width)
    head = [_title("Plan", tree), *_narrowed(tree["options"]), ""]
    # "No changes." must not stand alone where something changes later.
    quiet = [calm(tree)] if tree.get("coming") and not tree["operations"] else []
    total = summary(tree["summary"], len(tree["refusals"]))
    return "\n".join([*head, *_body(tree, page), *quiet, total]) + "\n"


def bound_text(tree: Tree) -> str:
    """Say in two lines that a reviewed plan still holds, and what it comes to."""
    total = summary(tree["summary"], len(tree["refusals"]))
    return f"{_title('The reviewed plan', tree)}, still holds.\n{total}\n"


def drift_text(tree: Tree, *, color: bool, width: int | None = None) -> str:
    """Return the same differences told as drift: what the console has against the policies."""
    page = _Page(color=color, width=width)
    total = drift_summary(tree["summary"], len(tree["refusals"]), len(tree["role_changes"]))
    head = [_title("Drift", tree), *_narrowed(tree["options"]), ""]
    lines = [*head, *_body(tree, page), total]
    return "\n".join(lines) + "\n"


def _title(word: str, tree: Tree) -> str:
    origin, by = short(tree["tenant"]["origin"]), short(tree["evidence"]["planned_by"])
    return f"{word} for {origin} {visible(observed_at(tree['evidence']))}, read as {by}"


def _narrowed(options: Tree) -> Iterator[str]:
    """Say what was left out on purpose, so that nobody takes a part for the whole."""
    if options["targets"]:
        yield f"Only for {', '.join(short(target) for target in options['targets'])}."
    if options["no_revokes"]:
        yield "Without revokes."
    if "undo_of" in options:
        yield f"Undo of the run {short(options['undo_of']['run'])}, by the journal's records."


def _body(tree: Tree, page: _Page) -> Iterator[str]:
    yield from _refusals(tree["refusals"], page)
    yield from _role_changes(tree["role_changes"], page)
    access = access_roles(tree)
    for operation in worst_first(tree["operations"]):
        yield from _operation(operation, access, page)
        yield ""
    yield from _coming(tree, page)
    not_known = unread(tree, short)
    if not_known:
        yield from page.wrap(not_known, "")
        yield ""
    touched = {operation["principal"]["id"] for operation in tree["operations"]}
    yield from _unlisted(
        [one for one in tree["unlisted"] if one["principal"]["id"] not in touched], page
    )
    yield from _warnings(tree["warnings"], page)


def _refusals(refusals: list[Tree], page: _Page) -> Iterator[str]:
    if not refusals:
        return
    title = "Refused. Nothing will be written while this stands:"
    yield page.style.paint(title, Tone.LOSS, Tone.STRONG)
    for refusal in refusals:
        rule = visible(refusal["rule"])
        yield from page.wrap(visible(refusal["message"]), "  ", f"{rule}: ", Tone.STRONG)
        yield from page.wrap(visible(refusal["remedy"]), "    ", "fix: ")
        for place in refusal["places"]:
            yield page.style.paint(f"    at {place_text(place)}", Tone.QUIET)
    yield ""


def _role_changes(changes: list[Tree], page: _Page) -> Iterator[str]:
    if not changes:
        return
    title = "Roles are not what they were; this reaches everybody who holds them:"
    yield page.style.paint(title, Tone.LOSS, Tone.STRONG)
    for change in sorted(changes, key=lambda each: not each["gives_access"]):
        tones = (Tone.LOSS, Tone.STRONG) if change["gives_access"] else (Tone.CHANGE,)
        yield from page.wrap(role_change(change, short), "  ", "! ", *tones)
        yield page.style.paint(f"    at {place_text(change['place'])}", Tone.QUIET)
    yield ""


def _operation(operation: Tree, access: set[str], page: _Page) -> Iterator[str]:
    mark, tone = _MARKS[operation["kind"]]
    name = page.style.paint(short(operation["principal"]["name"]), Tone.STRONG)
    told = headline(operation, short, _said)
    yield f"{page.style.paint(mark, tone)} {name}{'  ' + told if told else ''}"
    roles = _aligned(change["role"]["name"] for change in operation["changes"])
    scopes = _aligned(change["scope"]["name"] for change in operation["changes"])
    for change in operation["changes"]:
        role = padded(short(change["role"]["name"]), roles)
        scope = padded(short(change["scope"]["name"]), scopes)
        yield from _change(change, f"{role} on {scope}", danger(change, access), page)
    for effect in effects(operation, short):
        yield from page.wrap(effect, "    ", "= ", Tone.QUIET)
    for note in operation["notes"]:
        yield from page.wrap(visible(note), "    ", "note: ")


def _coming(tree: Tree, page: _Page) -> Iterator[str]:
    """Tell everything new that opens later, and of the rest what comes first."""
    later = coming(tree)
    if not later:
        return
    yield "Opens later, by the clock:"
    new = sum(each["is_new"] for each in later)
    for each in later[: new + _COMING_SHOWN]:
        lead, tones = ("+ later ", (Tone.GAIN, Tone.STRONG)) if each["is_new"] else ("  later ", ())
        parts = [short(each["principal"]["name"]), what(each, short), when(each, short)]
        parts += [risk_word(each), NEW if each["is_new"] else ""]
        parts += [_said(each["note"])] if each["note"] else []
        parts += [_where(each["places"], place_text(each["places"][0]))] if each["places"] else []
        yield from page.wrap("  ".join(filter(None, parts)), "  ", lead, *tones)
    if len(later) > new + _COMING_SHOWN:
        yield f"    and {len(later) - new - _COMING_SHOWN} more; --format json lists them all"
    yield ""


def _aligned(names: Iterator[str]) -> int:
    return min(max((columns(short(name)) for name in names), default=0), _ALIGNED)


def _change(change: Tree, what: str, risk: str, page: _Page) -> Iterator[str]:
    """Give the line of a change; its reasons get a line of their own where there is no room."""
    sign, tone = _SIGNS[change["action"]]
    head = f"    {page.style.paint(sign, tone)} {what}"
    used = columns(f"    {sign} {what}  ")
    if risk:
        head += f"  {page.style.paint(risk, Tone.STRONG, Tone.CHANGE)}"
        used += columns(f"{risk}  ")
    tail = _tail(change, page.width - used)
    if used + columns(tail) <= page.width:
        yield f"{head}  {page.style.paint(tail, Tone.QUIET)}".rstrip()
        return
    yield head.rstrip()
    indent = "        "
    for line in wrapped(_tail(change, page.width - len(indent)), page.width, indent):
        yield page.style.paint(line, Tone.QUIET)


def _tail(change: Tree, room: int) -> str:
    """Return why a change is there and where it comes from, the latter cut to the room there is.

    The subject of the commit goes first, then the commit, then the folder of the file.
    """
    reasons, places = why(change, short, _said), change["places"]
    place = [_where(places, place_text(places[0]))] if places else []
    folder, _, file = place_text(places[0]).rpartition("/") if places else ("", "", "")
    brief = [_where(places, f"…/{file}" if folder else file)] if places else []
    commit = [commit_text(change["commit"], short)] if change["commit"] else []
    number = [short(change["commit"]["id"][:7])] if change["commit"] else []
    told = "  ".join([*reasons, *place, *commit])
    if columns(told) <= room:
        return told
    if commit and columns("  ".join([*reasons, *place, *number])) + _SUBJECT <= room:
        return cut(told, room)
    choices = ([*place, *number], place, brief, ["…"])
    fitting = ("  ".join([*reasons, *choice]) for choice in choices)
    least = [*reasons, "…"] if place or commit else reasons
    return next((one for one in fitting if columns(one) <= room), "  ".join(least))


def _said(text: str) -> str:
    return f'"{short(text)}"'


def _where(places: list[Tree], first: str) -> str:
    rest = len(places) - 1
    return f"{first}  and {plural(rest, 'more place')}" if rest else first


def _unlisted(unlisted: list[Tree], page: _Page) -> Iterator[str]:
    if not unlisted:
        return
    yield "Unlisted: on the console, in no policy. Reported, not touched."
    ordered = sorted(unlisted, key=lambda one: not one["is_admin"])
    for one in ordered[:_UNLISTED_SHOWN]:
        lead, tones = ("! ", (Tone.LOSS, Tone.STRONG)) if one["is_admin"] else ("  ", ())
        held = f"{short(one['principal']['name'])}  {_held(one['holding'])}"
        yield from page.wrap(held, "  ", lead, *tones)
    if len(ordered) > _UNLISTED_SHOWN:
        yield f"    and {len(ordered) - _UNLISTED_SHOWN} more; --format json lists them all"
    yield ""


def _held(holding: Tree) -> str:
    grants = [
        f"{short(grant['role']['name'])} on {short(grant['scope']['name'])}"
        for grant in holding["grants"]
    ]
    return listed(grants, _GRANTS_SHOWN, str) or "nothing"


def _warnings(warnings: list[Tree], page: _Page) -> Iterator[str]:
    if not warnings:
        return
    yield "Worth knowing:"
    for warning in warnings:
        place = f"{place_text(warning['place'])}: " if warning["place"] else ""
        yield from page.wrap(visible(warning["message"]), "  ", place, Tone.QUIET)
        yield from page.wrap(visible(warning["remedy"]), "    ")
    yield ""


def place_text(place: Tree) -> str:
    """Write `file:line:column`, without the parts that are unknown."""
    file = short(place["file"])
    return f"{file}:{place['line']}:{place['column']}" if place["line"] else file
