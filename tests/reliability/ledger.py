"""R13: the console's ground truth against the journal, change by change."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.simulator.calls import Change

OWN = "reconciler"
Held = tuple[str, frozenset[tuple[str, str]]] | None
"""Level and pairs of scope id and role id; None when nobody is there."""
Deed = tuple[str, Held]
"""Whom a change was about, by id or, for an invitation, by address; and what they held after it."""
_WRITTEN = ("written", "the console shows something else")


@dataclass
class Found:
    """What a comparison found."""

    changes: int = 0
    told: int = 0
    doubtful: int = 0
    difference: list[str] = field(default_factory=list)


def compared(
    changes: Iterable[Change], *journals: list[dict[str, Any]], may_repeat: bool = False
) -> Found:
    """Compare what we changed with what the records say we changed, deed by deed.

    A deed happened at least as often as it is told as applied, and at most as often as that
    together with what is told as unknown, or as written and overwritten. With `may_repeat` a deed
    may be told by several who did the same at once; then only what is not told at all is wrong.
    """
    truth = Counter(_done(change) for change in changes if _is_ours(change))
    surely: Counter[Deed] = Counter()
    most: Counter[Deed] = Counter()
    for records in journals:
        least, perhaps, _ = _endings(records)
        surely += least
        most += least + perhaps
    found = Found(sum(truth.values()))
    for deed in truth.keys() | surely.keys():
        happened, least_often, most_often = truth[deed], surely[deed], most[deed]
        found.told += min(happened, least_often)
        found.doubtful += max(0, min(happened, most_often) - least_often)
        if happened > most_often:
            found.difference.append(
                f"P7 {_text(deed)} happened {happened - most_often} times untold"
            )
        if least_often > happened and not may_repeat:
            found.difference.append(
                f"P7 {_text(deed)} is told {least_often - happened} times too often"
            )
    return found


def without_end(records: list[dict[str, Any]]) -> list[str]:
    """P7: every intent ends in an outcome or a resolution."""
    return [f"P7 {name}: its intent has no end" for name in open_intents(records)]


def applied(records: list[dict[str, Any]]) -> int:
    """Count what is told as applied."""
    return sum(_endings(records)[0].values())


def open_intents(records: list[dict[str, Any]]) -> list[str]:
    """Name everybody whose last intent nothing answers."""
    return list(_endings(records)[2].values())


def _is_ours(change: Change) -> bool:
    if change.actor != OWN:
        return False
    if change.before is None or change.after is None:
        return True
    return any(change.before[name] != change.after[name] for name in ("scope", "grants"))


def _done(change: Change) -> Deed:
    record = change.before or change.after or {}
    after = change.after
    held: Held = None
    if after is not None:
        held = (after["scope"], frozenset((g["scope_id"], g["role_id"]) for g in after["grants"]))
    return (record["id"] if change.before else record["email"]), held


def _intended(data: dict[str, Any]) -> Held:
    after = data["after"]
    if after is None:
        return None
    return after["level"], frozenset((g["scope_id"], g["role_id"]) for g in after["grants"])


def _endings(records: list[dict[str, Any]]) -> tuple[Counter[Deed], Counter[Deed], dict[str, str]]:
    """Return (surely, perhaps) how often each deed was done, and whose intents are still open."""
    surely: Counter[Deed] = Counter()
    perhaps: Counter[Deed] = Counter()
    state: dict[str, tuple[str, Deed]] = {}
    labels: dict[str, str] = {}

    def close(name: str) -> None:
        ending, deed = state.get(name, ("not", ("", None)))
        surely[deed] += ending == "applied"
        perhaps[deed] += ending in {"perhaps", "open"}

    for record in records:
        principal = record["data"].get("principal")
        if not principal:
            continue
        # An invitation has no id before; whoever is there may be renamed by somebody else.
        name = principal["id"] or principal["name"]
        if record["kind"] == "intent":
            close(name)
            state[name] = "open", (name, _intended(record["data"]))
            labels[name] = principal["name"]
        elif record["kind"] in {"outcome", "resolved"} and name in state:
            before, deed = state[name]
            state[name] = _meaning(record["data"], before), deed
    for name in state:
        close(name)
    still = {name: labels[name] for name, (ending, _) in state.items() if ending == "open"}
    return surely, perhaps, still


def _meaning(data: dict[str, Any], before: str) -> str:
    result, detail = data["result"], data["detail"]
    if result in {"applied", "not applied"}:
        return "applied" if result == "applied" else "not"
    is_doubtful = result in {"unknown", "changed since"} or detail.startswith(_WRITTEN)
    return "perhaps" if is_doubtful or before == "applied" else "not"


def _text(deed: Deed) -> str:
    name, held = deed
    return f"{name} -> {'gone' if held is None else f'{held[0]} {sorted(held[1])}'}"
