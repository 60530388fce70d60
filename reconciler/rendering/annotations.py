"""Annotations for GitHub: workflow commands that put a word beside a line of a policy file.

These lines are meant to be obeyed, so every value in them is made visible first and escaped as
the runner takes it apart; no value can end its property or begin a command of its own (T06).
GitHub shows ten annotations of each level and step; the tenth says what was left out.
"""

from collections.abc import Iterable
from typing import Any

from reconciler.rendering.attention import attention
from reconciler.rendering.coming import new_coming, what, when
from reconciler.rendering.safe import short, visible
from reconciler.rendering.wording import access_roles, danger, plural, why

Tree = dict[str, Any]
_Found = tuple[str, Tree | None, str, str]
"""Level, place, title, message."""

SHOWN = 10
"""Annotations of one level that GitHub shows."""

_TOLD = 5
"""Changes told of one line of a file."""


def plan_annotations(tree: Tree) -> str:
    """Return a plan as workflow commands: refusals as errors, then changes on their lines.

    Changes of one line share an annotation: a warning from medium risk on and for revokes, else
    a notice. Changes that stand in no file are not told here. Empty when there is nothing.
    """
    found = [*_refusals(tree["refusals"]), *_role_changes(tree["role_changes"])]
    found += [*_changes(tree), *_coming(tree)]
    return _commands([*found, *_problems(tree["warnings"], "warning")])


def problem_annotations(problems: Iterable[Tree], warnings: Iterable[Tree] = ()) -> str:
    """Return problems of policy files, in their machine form, as workflow commands."""
    return _commands([*_problems(problems, "error"), *_problems(warnings, "warning")])


def _refusals(refusals: Iterable[Tree]) -> Iterable[_Found]:
    for refusal in refusals:
        place = refusal["places"][0] if refusal["places"] else None
        message = f"{visible(refusal['message'])}\nfix: {visible(refusal['remedy'])}"
        yield "error", place, f"refused: {short(refusal['rule'])}", message


def _role_changes(changes: Iterable[Tree]) -> Iterable[_Found]:
    for change in sorted(changes, key=lambda each: not each["gives_access"]):
        gives = " and gives access" if change["gives_access"] else ""
        held = f"Held by {plural(len(change['holders']), 'principal')}."
        message = f"{short(change['name'])} is not what it was when pinned{gives}. {held}"
        yield "warning", change["place"], "role changed", message


def _changes(tree: Tree) -> Iterable[_Found]:
    access = access_roles(tree)
    lines: dict[tuple[str, int], list[tuple[Tree, Tree]]] = {}
    for operation in tree["operations"]:
        for change in operation["changes"]:
            for place in change["places"][:1]:
                lines.setdefault((place["file"], place["line"]), []).append((operation, change))
    ordered = [sorted(found, key=_rank) for found in lines.values()]
    for found in sorted(ordered, key=lambda found: _rank(found[0])):
        yield _line(found, access)


def _coming(tree: Tree) -> Iterable[_Found]:
    """Tell what is new and opens later on its lines; never milder than a warning."""
    lines: dict[tuple[str, int], list[Tree]] = {}
    for each in new_coming(tree):
        for place in each["places"][:1]:
            lines.setdefault((place["file"], place["line"]), []).append(each)
    for found in lines.values():
        told = [
            f"opens later: {what(each, short)}: {short(each['principal']['name'])}, "
            f"{when(each, short)}"
            for each in found[:_TOLD]
        ]
        rest = len(found) - _TOLD
        told += [f"and {rest} more by this line"] if rest > 0 else []
        title = f"plan: {plural(len(found), 'grant')} for later"
        yield "warning", found[0]["places"][0], title, "\n".join(told)


def _rank(found: tuple[Tree, Tree]) -> tuple[int, int, bool]:
    """Return the sort key of an operation's change: worst first, and of equals the revokes."""
    _, change = found
    return *attention(change), change["action"] == "grant"


def _line(found: list[tuple[Tree, Tree]], access: set[str]) -> _Found:
    """Return the annotation for the changes that one line of a file brings, worst first."""
    worst = found[0][1]
    is_mild = worst["risk"] == "low" and all(change["action"] == "grant" for _, change in found)
    told = [_told(operation, change, access) for operation, change in found[:_TOLD]]
    rest = len(found) - _TOLD
    if rest > 0:
        told.append(f"and {plural(rest, 'more change')} by this line")
    title = f"plan: {plural(len(found), 'change')}"
    return "notice" if is_mild else "warning", worst["places"][0], title, "\n".join(told)


def _told(operation: Tree, change: Tree, access: set[str]) -> str:
    sign = "+ grant" if change["action"] == "grant" else "- revoke"
    what = f"{short(change['role']['name'])} on {short(change['scope']['name'])}"
    risk = danger(change, access)
    reasons = ", ".join(filter(None, [risk, *why(change, short, short)]))
    told = f"{sign} {what}: {short(operation['principal']['name'])}"
    return f"{told} ({reasons})" if reasons else told


def _problems(problems: Iterable[Tree], level: str) -> Iterable[_Found]:
    for problem in problems:
        remedy = f"\n{visible(problem['remedy'])}" if problem["remedy"] else ""
        yield level, problem["place"], short(problem["code"]), visible(problem["message"]) + remedy


def _commands(found: list[_Found]) -> str:
    lines = []
    for level in ("error", "warning", "notice"):
        of_level = [one for one in found if one[0] == level]
        shown = of_level if len(of_level) <= SHOWN else of_level[: SHOWN - 1]
        lines += [_command(*one) for one in shown]
        rest = of_level[len(shown) :]
        if rest:
            message = f"{plural(len(rest), f'more {level}')} like these; the log names them all."
            lines.append(_command(level, None, "left out", message))
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, place: Tree | None, title: str, message: str) -> str:
    properties = {"title": title}
    if place is not None:
        where = {"file": visible(place["file"])}
        if place["line"]:
            where |= {"line": str(place["line"]), "col": str(place["column"])}
        properties = where | properties
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
