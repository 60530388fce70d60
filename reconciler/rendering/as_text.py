"""A plan for people: worst first, one line a change, the sum at the end.

Draws from the machine form only, so the two cannot disagree, and a saved plan reads the same.
"""

from collections.abc import Iterator
from typing import Any

from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone
from reconciler.rendering.summary import drift_summary, summary

_MARKS = {"invite": ("+", Tone.GAIN), "update": ("~", Tone.CHANGE), "delete": ("-", Tone.LOSS)}
_RISKS = ("high", "medium", "low")
_UNLISTED_SHOWN = 10
_GRANTS_SHOWN = 3

Tree = dict[str, Any]


def plan_text(tree: Tree, *, color: bool) -> str:
    """Return the plan as text with a final newline."""
    style = Style(color=color)
    head = [_title("Plan", tree), *_narrowed(tree["options"]), ""]
    lines = [*head, *_body(tree, style), summary(tree["summary"], len(tree["refusals"]))]
    return "\n".join(lines) + "\n"


def bound_text(tree: Tree) -> str:
    """Say in two lines that a reviewed plan still holds, and what it comes to."""
    total = summary(tree["summary"], len(tree["refusals"]))
    return f"{_title('The reviewed plan', tree)}, still holds.\n{total}\n"


def drift_text(tree: Tree, *, color: bool) -> str:
    """Return the same differences told as drift: what the console has against the policies."""
    style = Style(color=color)
    total = drift_summary(tree["summary"], len(tree["refusals"]))
    lines = [_title("Drift", tree), "", *_body(tree, style), total]
    return "\n".join(lines) + "\n"


def _title(word: str, tree: Tree) -> str:
    origin, by = short(tree["tenant"]["origin"]), short(tree["evidence"]["planned_by"])
    return f"{word} for {origin} at {visible(tree['evidence']['instant'])}, read as {by}"


def _narrowed(options: Tree) -> Iterator[str]:
    """Say what was left out on purpose, so that nobody takes a part for the whole."""
    if options["targets"]:
        yield f"Only for {', '.join(short(target) for target in options['targets'])}."
    if options["no_revokes"]:
        yield "Without revokes."


def _body(tree: Tree, style: Style) -> Iterator[str]:
    yield from _refusals(tree["refusals"], style)
    for operation in sorted(tree["operations"], key=_attention):
        yield from _operation(operation, style)
        yield ""
    touched = {operation["principal"]["id"] for operation in tree["operations"]}
    yield from _unlisted(
        [one for one in tree["unlisted"] if one["principal"]["id"] not in touched], style
    )
    yield from _warnings(tree["warnings"], style)


def _attention(operation: Tree) -> int:
    """Rank by the worst change; the stable sort keeps the order of execution within a rank."""
    return min(_RISKS.index(change["risk"]) for change in operation["changes"])


def _refusals(refusals: list[Tree], style: Style) -> Iterator[str]:
    if not refusals:
        return
    yield style.paint("Refused. Nothing will be written while this stands:", Tone.LOSS, Tone.STRONG)
    for refusal in refusals:
        rule = style.paint(visible(refusal["rule"]), Tone.STRONG)
        yield f"  {rule}: {visible(refusal['message'])}"
        yield f"    fix: {visible(refusal['remedy'])}"
        for place in refusal["places"]:
            yield style.paint(f"    at {place_text(place)}", Tone.QUIET)
    yield ""


def _operation(operation: Tree, style: Style) -> Iterator[str]:
    mark, tone = _MARKS[operation["kind"]]
    name = short(operation["principal"]["name"])
    yield f"{style.paint(mark, tone)} {style.paint(name, Tone.STRONG)}{_headline(operation)}"
    roles = max(len(short(change["role"]["name"])) for change in operation["changes"])
    scopes = max(len(short(change["scope"]["name"])) for change in operation["changes"])
    for change in operation["changes"]:
        yield _change(change, roles, scopes, style).rstrip()
    for note in operation["notes"]:
        yield f"    note: {visible(note)}"


def _headline(operation: Tree) -> str:
    full_name = short(operation["full_name"])
    if operation["kind"] == "invite":
        return f'  invite "{full_name}"'
    if operation["kind"] == "delete":
        return "  delete the user: nothing is left"
    before, after = operation["before"], operation["after"]
    if not before or not after or before["level"] == after["level"]:
        return ""
    return f"  level changes: {before['level']} -> {after['level']}"


def _change(change: Tree, roles: int, scopes: int, style: Style) -> str:
    is_grant = change["action"] == "grant"
    sign = style.paint("+ grant ", Tone.GAIN) if is_grant else style.paint("- revoke", Tone.LOSS)
    role = short(change["role"]["name"]).ljust(roles)
    scope = short(change["scope"]["name"]).ljust(scopes)
    tail = [*_why(change), *(place_text(place) for place in change["places"][:1])]
    more = len(change["places"]) - 1
    if more > 0:
        tail.append(f"and {more} more place{'s' if more > 1 else ''}")
    risk = f"{change['risk'].upper()} " if change["risk"] != "low" else ""
    painted = style.paint(risk, Tone.STRONG, Tone.CHANGE)
    return f"    {sign} {role} on {scope}  {painted}{style.paint('  '.join(tail), Tone.QUIET)}"


def _why(change: Tree) -> Iterator[str]:
    if change["reason"] != "policy":
        yield change["reason"]
    window = change["window"]
    if window and window["until"]:
        yield f"until {visible(window['until'])}"
    if change["note"]:
        yield f'"{short(change["note"])}"'


def _unlisted(unlisted: list[Tree], style: Style) -> Iterator[str]:
    if not unlisted:
        return
    yield "Unlisted: on the console, in no policy. Reported, not touched."
    ordered = sorted(unlisted, key=lambda one: not one["is_admin"])
    for one in ordered[:_UNLISTED_SHOWN]:
        mark = style.paint("!", Tone.LOSS, Tone.STRONG) if one["is_admin"] else " "
        yield f"  {mark} {short(one['principal']['name'])}  {_held(one['holding'])}"
    if len(ordered) > _UNLISTED_SHOWN:
        yield f"    and {len(ordered) - _UNLISTED_SHOWN} more; --format json lists them all"
    yield ""


def _held(holding: Tree) -> str:
    grants = [
        f"{short(grant['role']['name'])} on {short(grant['scope']['name'])}"
        for grant in holding["grants"]
    ]
    rest = len(grants) - _GRANTS_SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return (", ".join(grants[:_GRANTS_SHOWN]) or "nothing") + more


def _warnings(warnings: list[Tree], style: Style) -> Iterator[str]:
    if not warnings:
        return
    yield "Worth knowing:"
    for warning in warnings:
        place = f"{place_text(warning['place'])}: " if warning["place"] else ""
        yield f"  {style.paint(place, Tone.QUIET)}{visible(warning['message'])}"
        yield f"    {visible(warning['remedy'])}"
    yield ""


def place_text(place: Tree) -> str:
    """Write `file:line:column`, without the parts that are unknown."""
    file = short(place["file"])
    return f"{file}:{place['line']}:{place['column']}" if place["line"] else file
