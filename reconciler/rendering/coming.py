"""What opens later, told alike in every output: new ones first, with who, what, where and when.

The clock grants it without asking anybody again, so whoever reads a plan reads it here or never.
`quote` makes a value from elsewhere harmless, as in `rendering.wording`.
"""

from collections.abc import Iterable
from typing import Any

from reconciler.rendering.attention import RISKS
from reconciler.rendering.wording import Quote, plural

Tree = dict[str, Any]

NEW = "new with this change"


def coming(tree: Tree) -> list[Tree]:
    """Return what opens later, new ones first, then the earliest; a plan of old has none."""
    return sorted(tree.get("coming", ()), key=lambda each: not each["is_new"])


def new_coming(tree: Tree) -> list[Tree]:
    """Return what opens later and is new with the change that was planned."""
    return [each for each in coming(tree) if each["is_new"]]


def all_new(tree: Tree) -> Tree:
    """Return a plan in machine form with all that opens later taken for new."""
    later = [{**each, "is_new": True} for each in tree.get("coming", ())]
    return {**tree, "coming": later} if later else tree


def calm(tree: Tree, nothing: str = "Nothing to change") -> str:
    """Return what a plan without operations says: a coming window is never passed over."""
    later = coming(tree)
    return f"{nothing} now; {opens(later)}." if later else f"{nothing}."


def opens(later: Iterable[Tree]) -> str:
    """Return `1 grant opens later`, `2 grants open later, 1 of them new with this change`."""
    told = list(later)
    new = sum(each["is_new"] for each in told)
    counted = f"{plural(len(told), 'grant')} open{'s' if len(told) == 1 else ''} later"
    if not new:
        return counted
    return f"{counted}, {NEW if new == len(told) else f'{new} of them {NEW}'}"


def opens_sentence(tree: Tree) -> str:
    """Return what goes behind the sum of a plan when it brings something later; else nothing."""
    new = len(new_coming(tree))
    return f" {plural(new, 'new grant')} open{'s' if new == 1 else ''} later." if new else ""


def when(each: Tree, quote: Quote) -> str:
    """Return from when until when, in UTC."""
    start, end = each["window"]["from"], each["window"]["until"]
    lasts = "lasts on " if each.get("is_longer") else ""
    return f"{lasts}from {quote(start)} {f'until {quote(end)}' if end else 'without an end'}"


def what(each: Tree, quote: Quote) -> str:
    """Return role and scope; of a pattern it is said that it is one."""
    scope = each["scope"]
    like = "sites like " if scope["level"] == "site" and not scope["id"] else ""
    return f"{quote(each['role']['name'])} on {like}{quote(scope['name'])}"


def risk_word(each: Tree) -> str:
    """Return the risk where it is not low, to stop the reader at it."""
    return "" if each["risk"] == RISKS[-1] else each["risk"].upper()


def alike(later: Iterable[Tree]) -> list[tuple[Tree, list[str]]]:
    """Return what differs by nobody but whom it is for, each with the names of all of them."""
    found: dict[tuple[str, ...], tuple[Tree, list[str]]] = {}
    for each in later:
        scope, window = each["scope"], each["window"]
        key = (*map(str, (scope["level"], scope["id"], scope["name"], each["role"]["id"])),)
        key += (str(window["from"]), str(window["until"]))
        found.setdefault(key, (each, []))[1].append(each["principal"]["name"])
    return list(found.values())
