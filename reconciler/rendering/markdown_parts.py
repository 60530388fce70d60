"""The parts of a plan in Markdown, worst first: in full, and at a line a principal."""

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.rendering.as_text import place_text
from reconciler.rendering.attention import worst, worst_first
from reconciler.rendering.coming import alike, coming, new_coming, opens, risk_word, what, when
from reconciler.rendering.markdown import BREAK, Section, code, folded, row, sentence, table
from reconciler.rendering.wording import (
    access_roles,
    commit_text,
    danger,
    effects,
    headline,
    listed,
    plural,
    role_change,
    why,
)

Tree = dict[str, Any]

_COLUMNS = ("Who", "Change", "Why", "What it means")
_PLACES_SHOWN = 2
_GRANTS_SHOWN = 3
_END = "\n</details>"
_NEW = "#### Opens later, new with this change\n"
OPENS = "- **opens later**"
"""How every line begins that tells of a window to come."""


def sections(tree: Tree) -> list[Section]:
    """Return everything there is to say, in the order in which it should be read."""
    access = access_roles(tree)
    tiers = _tiers(tree)
    rows = [tuple(_rows(operations, access)) for operations in tiers]
    low = plural(len(rows[3]), "low-risk grant")
    parts = [
        Section(
            "#### Refused\n", tuple(map(_refusal, tree["refusals"])), "refusal", is_needed=True
        ),
        _changed_roles(tree),
        Section(table("High risk", _COLUMNS), rows[0], "change", is_needed=True),
        Section(table("Access taken or replaced", _COLUMNS), rows[1], "change", is_needed=True),
        Section(_NEW, tuple(map(_coming, new_coming(tree))), "new grant", is_needed=True),
        Section(table("Medium risk", _COLUMNS), rows[2], "medium-risk grant"),
        Section(
            f"{folded(low)}\n{row(*_COLUMNS)}\n{row(*('---' for _ in _COLUMNS))}",
            rows[3],
            "low-risk grant",
            _END,
        ),
        coming_section(tree),
        _unlisted(tree),
        _warnings(tree["warnings"]),
    ]
    return [part for part in parts if part.rows]


def brief_sections(tree: Tree) -> list[Section]:
    """Return the same with what may never be left out at a line a refusal and a principal."""
    refusals = tuple(
        f"- **{code(refusal['rule'])}** {code(refusal['message'])}" for refusal in tree["refusals"]
    )
    tiers = _tiers(tree)
    lines = tuple(_brief(operation) for operation in [*tiers[0], *tiers[1]])
    parts = [
        Section("#### Refused\n", refusals, "refusal", is_needed=True),
        _changed_roles(tree),
        Section("#### High risk and revokes, in brief\n", lines, "change", is_needed=True),
        Section(_NEW, tuple(_brief_coming(tree)), "new grant", is_needed=True),
    ]
    rest = [part for part in sections(tree) if not part.is_needed]
    return [part for part in parts if part.rows] + rest


def _tiers(tree: Tree) -> list[list[Tree]]:
    """Sort operations by what may be left out: high risk, revokes, medium, low."""
    tiers: list[list[Tree]] = [[], [], [], []]
    for operation in worst_first(tree["operations"]):
        takes = operation["kind"] == "delete" or any(
            change["action"] == "revoke" for change in operation["changes"]
        )
        rank = {"high": 0, "medium": 2, "low": 3}[worst(operation)]
        tiers[1 if takes and rank else rank].append(operation)
    return tiers


def _refusal(refusal: Tree) -> str:
    lines = [f"- **{code(refusal['rule'])}** {sentence(refusal['message'])}"]
    lines.append(f"  - fix: {sentence(refusal['remedy'])}")
    if refusal["places"]:
        lines.append(f"  - at {_places(refusal['places'])}")
    return "\n".join(lines)


def _changed_roles(tree: Tree) -> Section:
    ordered = sorted(tree["role_changes"], key=lambda change: not change["gives_access"])
    rows = tuple(f"- {role_change(each, code)} ({_places([each['place']])})" for each in ordered)
    head = "#### Roles that are not what they were\n"
    return Section(head, rows, "changed role", is_needed=True)


def _rows(operations: Iterable[Tree], access: set[str]) -> Iterator[str]:
    for operation in operations:
        who = code(operation["principal"]["name"])
        told = [headline(operation, code, code), *effects(operation, code)]
        told += [sentence(note) for note in operation["notes"]]
        means = BREAK.join(part for part in told if part)
        for change in operation["changes"]:
            yield row(who, _change(change, access), _why(change), means)
            means = ""
        if not operation["changes"]:
            yield row(who, "**- token**", "", means)


def _change(change: Tree, access: set[str]) -> str:
    role, scope = code(change["role"]["name"]), code(change["scope"]["name"])
    risk = danger(change, access)
    sign = "+ grant" if change["action"] == "grant" else "- revoke"
    return f"**{sign}** {role} on {scope}{f' **{risk}**' if risk else ''}"


def _why(change: Tree) -> str:
    parts = why(change, code, code)
    if change["places"]:
        parts.append(_places(change["places"]))
    if change["commit"]:
        parts.append(f"commit {commit_text(change['commit'], code)}")
    return ", ".join(parts)


def _places(places: list[Tree]) -> str:
    return listed([place_text(place) for place in places], _PLACES_SHOWN, code)


def _brief(operation: Tree) -> str:
    changes = "; ".join(_change(change, set()) for change in operation["changes"])
    changes = changes or headline(operation, code, code)
    return f"- {code(operation['principal']['name'])}: {changes}"


def coming_section(tree: Tree) -> Section:
    """Return what opens later and is not new; all of it where nothing is planned to change."""
    later = [each for each in coming(tree) if not each["is_new"]]
    return Section(folded(opens(later)), tuple(map(_coming, later)), "later grant", _END)


def _coming(each: Tree) -> str:
    parts = [code(each["note"])] if each["note"] else []
    parts += [_places(each["places"])] if each["places"] else []
    why = f" ({', '.join(parts)})" if parts else ""
    return f"{_opens(each)}: {code(each['principal']['name'])}{why}"


def _brief_coming(tree: Tree) -> Iterator[str]:
    """Name everybody once for each thing that is granted later alike."""
    for each, names in alike(new_coming(tree)):
        yield f"{_opens(each)}: {', '.join(map(code, names))}"


def _opens(each: Tree) -> str:
    risk = risk_word(each)
    return f"{OPENS} {what(each, code)}{f' **{risk}**' if risk else ''} {when(each, code)}"


def _unlisted(tree: Tree) -> Section:
    touched = {operation["principal"]["id"] for operation in tree["operations"]}
    people = [one for one in tree["unlisted"] if one["principal"]["id"] not in touched]
    admins = sum(one["is_admin"] for one in people)
    rows = tuple(
        f"- {'**admin** ' if one['is_admin'] else ''}{code(one['principal']['name'])}: "
        f"{_held(one['holding'])}"
        for one in sorted(people, key=lambda one: not one["is_admin"])
    )
    among = f", {plural(admins, 'admin')} among them" if admins else ""
    head = f"{len(people)} unlisted{among}: on the console, in no policy; reported, not touched"
    return Section(f"{folded(head)}", rows, "unlisted principal", _END)


def _held(holding: Tree) -> str:
    grants = [
        f"{code(grant['role']['name'])} on {code(grant['scope']['name'])}"
        for grant in holding["grants"]
    ]
    return listed(grants, _GRANTS_SHOWN, str) or "nothing"


def _warnings(warnings: list[Tree]) -> Section:
    rows = tuple(_warning(warning) for warning in warnings)
    return Section(folded(plural(len(warnings), "warning")), rows, "warning", _END)


def _warning(warning: Tree) -> str:
    place = f"{_places([warning['place']])}: " if warning["place"] else ""
    remedy = f"\n  - {sentence(warning['remedy'])}" if warning["remedy"] else ""
    return f"- {place}{sentence(warning['message'])}{remedy}"
