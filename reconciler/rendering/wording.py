"""What terminals and pull requests say alike about one operation, whoever quotes the values.

Every function takes `quote`, which makes a value from elsewhere harmless in the output at hand:
`safe.short` for text, `markdown.code` for Markdown. Nothing from the tree goes around it. `said`
does the same for what people wrote freely, and marks where that begins and ends.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from reconciler.domain.plan import Reason

Tree = dict[str, Any]
Quote = Callable[[str], str]

SCOPES_SHOWN = 3
PAGES_SHOWN = 3
TITLES_SHOWN = 4
HOLDERS_SHOWN = 10
UNREAD_SHOWN = 10

_REASONS = frozenset(reason.value for reason in Reason)
"""Our own words; an edited file may hold others."""

_ACCESS = ("user", "role")
"""Pages whose name says so are about access itself, and are told first."""


_HEADLINES = {
    "create": "create the service user",
    "delete": "delete the user: nothing is left",
    "revoke token": "revoke the API token that is left",
    "rotate": "renew the API token; the old one stops at once",
}


def headline(operation: Tree, quote: Quote, said: Quote) -> str:
    """Return what happens to the principal as a whole; empty when only its grants change."""
    if operation["kind"] == "invite":
        return f"invite {said(operation['full_name'])}"
    if operation["kind"] in _HEADLINES:
        return _HEADLINES[operation["kind"]]
    before, after = operation["before"], operation["after"]
    if not before or not after or before["level"] == after["level"]:
        return ""
    return f"level changes: {quote(before['level'])} -> {quote(after['level'])}"


def access_roles(tree: Tree) -> set[str]:
    """Return the ids of the roles in a plan whose holders can change who has access."""
    return {role["id"] for role in tree["roles"] if role["gives_access"]}


def danger(change: Tree, access: Collection[str]) -> str:
    """Return what should stop the reader at a change; empty for the ordinary."""
    words = [change["risk"].upper()] if change["risk"] in {"high", "medium"} else []
    if change["action"] == "grant" and change["role"]["id"] in access:
        words.append("gives access")
    return ", ".join(words)


def why(change: Tree, quote: Quote, said: Quote) -> list[str]:
    """Return why a change is there, in parts; empty when only the policies say so."""
    reason = change["reason"]
    parts = [] if reason == Reason.POLICY else [reason if reason in _REASONS else quote(reason)]
    window = change["window"]
    if window and window["until"]:
        parts.append(f"until {quote(window['until'])}")
    if change["note"]:
        parts.append(said(change["note"]))
    return parts


def observed_at(evidence: Tree) -> str:
    """Say of which instant a plan is, and how old what it rests on is when that is a snapshot."""
    told = f"at {evidence['instant']}"
    taken = evidence.get("snapshot")
    return f"{told}, from a snapshot taken at {taken}" if taken else told


def commit_text(commit: Tree, quote: Quote) -> str:
    """Return a commit as its short id and its subject."""
    return f"{quote(commit['id'][:7])} {quote(commit['subject'])}"


def effects(operation: Tree, quote: Quote) -> Iterator[str]:
    """Say what an operation means in reach and permissions, one line for each effect."""
    for effect in operation["effects"]:
        told = _effect(effect, operation, quote)
        if told:
            yield told


def unread(tree: Tree, quote: Quote) -> str:
    """Say of which roles of a plan it is not known what they permit; empty if of none."""
    names = [role["name"] for role in tree["roles"] if role["digest"] is None]
    if not names:
        return ""
    told = "What these roles permit is not known, nor what their holders gain or lose"
    return f"{told}: {listed(names, UNREAD_SHOWN, quote)}."


def role_change(change: Tree, quote: Quote) -> str:
    """Say that a role permits something else than when it was pinned, and who holds it."""
    gives = ", and now gives access" if change["gives_access"] else ""
    held = listed(change["holders"], HOLDERS_SHOWN, quote)
    holders = f"held by {len(change['holders'])}: {held}" if held else "held by nobody"
    name = f"{quote(change['name'])} ({quote('id:' + change['id'])})"
    return f"{name} permits something else than when it was pinned{gives}; {holders}"


def listed(values: list[str], shown: int, quote: Quote, more: str = "more") -> str:
    """Return the first values and how many there are beside them."""
    told = ", ".join(quote(value) for value in values[:shown])
    rest = len(values) - shown
    return f"{told} and {rest} {more}" if rest > 0 else told


def plural(count: int, noun: str) -> str:
    """Return `1 change`, `2 changes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _effect(effect: Tree, operation: Tree, quote: Quote) -> str:
    names = [scope["name"] for scope in effect["scopes"]]
    where = listed(names, SCOPES_SHOWN, quote)
    before, after = effect["before"], effect["after"]
    if before and after and before["id"] == after["id"]:
        return f"{quote(after['name'])} stays on {where}"
    if before and after:
        roles = f"{quote(before['name'])} -> {quote(after['name'])}"
        return f"{roles} on {where}: {_difference(effect, quote)}"
    role = after or before
    if role is None:
        return ""
    # What an ordinary role permits is no news; the difference between two roles is.
    is_ordinary = all(change["risk"] == "low" for change in operation["changes"])
    told = "" if is_ordinary else _gain_or_loss(effect, quote)
    if not _is_told(effect, operation):
        sense = "more" if after else "fewer"
        reach = f"reaches {_counted(effect['scopes'])} {sense} as {quote(role['name'])}: {where}"
        return f"{reach}; {told}" if told else reach
    return f"{quote(role['name'])} on {where}: {told}" if told else ""


def _difference(effect: Tree, quote: Quote) -> str:
    if not effect["is_known"]:
        return "what it permits more or less is not known"
    return _gain_or_loss(effect, quote) or "permits the same"


def _gain_or_loss(effect: Tree, quote: Quote) -> str:
    """Return what is gained and lost; of pages that were not read, `unread` tells once."""
    parts = (("permits more", effect["gained"]), ("permits less", effect["lost"]))
    return "; ".join(f"{word}: {_pages(pages, quote)}" for word, pages in parts if pages)


def _is_told(effect: Tree, operation: Tree) -> bool:
    """Tell whether the changes name every scope of an effect anyway."""
    changed = {(change["scope"]["level"], change["scope"]["id"]) for change in operation["changes"]}
    return {(scope["level"], scope["id"]) for scope in effect["scopes"]} <= changed


def _pages(pages: dict[str, list[str]], quote: Quote) -> str:
    """Return `Users: Create, Edit; Policy: Edit; and 5 more pages; views 3 pages`.

    What only shows something is counted; what changes something is named, access first.
    """
    doing = {page: [title for title in pages[page] if not _is_view(title)] for page in pages}
    names = sorted(filter(doing.get, pages), key=lambda page: (not _is_about_access(page), page))
    told = [f"{quote(page)}: {listed(doing[page], TITLES_SHOWN, quote)}" for page in names]
    rest = len(told) - PAGES_SHOWN
    parts = told[:PAGES_SHOWN] + ([f"and {plural(rest, 'more page')}"] if rest > 0 else [])
    seen = sum(any(map(_is_view, titles)) for titles in pages.values())
    return "; ".join(parts + ([f"views {plural(seen, 'page')}"] if seen else []))


def _is_view(title: str) -> bool:
    return title.casefold() == "view"


def _is_about_access(page: str) -> bool:
    return any(word in page.casefold() for word in _ACCESS)


def _counted(scopes: list[Tree]) -> str:
    """Return `the tenant, 2 accounts and 14 sites`."""
    levels = [scope["level"] for scope in scopes]
    parts = ["the tenant"] if "tenant" in levels else []
    parts += [plural(levels.count(each), each) for each in ("account", "site") if each in levels]
    return " and ".join([*([", ".join(parts[:-1])] if parts[:-1] else []), *parts[-1:]])
