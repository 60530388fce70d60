"""The journal against the console's activity log, told for people."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.rendering.safe import short
from reconciler.rendering.style import Style, Tone

Tree = dict[str, Any]

_MOST = 200
"""Lines of one kind; the rest is a number."""

_UNSEEN = "On record as applied, and not visible to this token:"


def compared_text(
    compared: Tree,
    own_names: Sequence[str],
    notes: Sequence[str],
    *,
    color: bool,
    narrow: str = "",
) -> str:
    """Return the findings, what is sound, and what cannot be told.

    `compared` is `audit.reconcile.Compared` as a tree; `own_names` are the full names that count
    as ours; `narrow` is where the token stands that does not see the whole log, else empty.
    """
    style = Style(color=color)
    missing = _UNSEEN if narrow else "On record as applied, but not in the log:"
    lines = [
        *_narrow(narrow),
        *_section("Ghost writes, under our name and in no intent:", _ghosts(compared), style),
        *_section(missing, _missing(compared), style),
        *_section("Changed by others:", _others(compared), style),
        _sum(compared, narrow),
        "What this cannot tell:",
        *(f"  {note}" for note in (*_limits(compared, own_names), *notes)),
    ]
    return "\n".join(lines) + "\n"


def _narrow(narrow: str) -> Iterator[str]:
    if narrow:
        yield (
            f"This token stands at {short(narrow)} and cannot see the whole log: what it does not "
            "see is no finding. Use a token that stands at the tenant to judge all of it."
        )


def _section(title: str, rows: list[str], style: Style) -> Iterator[str]:
    if rows:
        yield style.paint(title, Tone.LOSS, Tone.STRONG)
        yield from (f"  {row}" for row in rows[:_MOST])
    if len(rows) > _MOST:
        yield f"  and {len(rows) - _MOST} more"


def _ghosts(compared: Tree) -> list[str]:
    return [_activity(each) for each in compared["ghosts"]]


def _others(compared: Tree) -> list[str]:
    return [
        f"{_activity(each)}, by {short(each['actor'] or 'nobody named')}"
        for each in compared["others"]
    ]


def _activity(each: Tree) -> str:
    who = each["target_name"] or each["target"] or "?"
    return f"{short(each['time'])}  {short(who)}: {short(each['text'])} (type {each['type']})"


def _missing(compared: Tree) -> list[str]:
    return [
        f"record {each['sequence']}: {short(each['operation'])} {short(each['name'])}"
        for each in compared["missing"]
    ]


def _sum(compared: Tree, narrow: str) -> str:
    missing = "not visible" if narrow else "without activity"
    return (
        f"Reconciled: activities explained by intents: {compared['explained']}; "
        f"ghost writes: {len(compared['ghosts'])}; "
        f"{missing}: {len(compared['missing'])}; by others: {len(compared['others'])}."
    )


def _limits(compared: Tree, own_names: Sequence[str]) -> Iterator[str]:
    names = ", ".join(short(name) for name in own_names)
    yield f"The log names who acted by full name only; as ours counts whoever is called: {names}."
    yield (
        "Within 5 minutes of a write of ours, another one on the same principal passes for it, "
        "unless it names another role or scope."
    )
    yield "The log shows what this token's scope reaches, and no further back than it is kept."
    if compared["elsewhere"]:
        yield f"About principals that the journal does not name: {compared['elsewhere']} by others."
    if compared["recent"]:
        yield f"Written so lately that the log may not show it yet: {compared['recent']}."
    if compared["untold"]:
        yield f"Written before the log begins: {compared['untold']}."
