"""R5: somebody else changes a planned principal just before each request of an apply, in turn.

The console knows no versions and replaces whole lists. One moment is left, between our last read
and our write; what is overwritten in it must be told, in every single run.
"""

import random
from pathlib import Path
from typing import Any

from reliability import invariants
from reliability.lab import Lab, Told
from reliability.table import Patience, Row, Sums
from reliability.worlds import random_case

from reconciler.simulator.calls import Change
from reconciler.simulator.records import Principal, User

TARGET = 400
KINDS = ("grant", "revoke", "delete", "rename", "role change")
_RIVAL = "root2@corp.example"


def race_positions(seed: int, patience: Patience, folder: Path, sums: Sums) -> list[Row]:
    """Sweep every position for each kind; `patience` counts the positions of one kind."""
    rows = [Row("R5", f"race positions: {kind}", seed, TARGET) for kind in KINDS]
    number = 0
    while any(patience.allows(row.runs) for row in rows) and number < patience.worlds:
        lab = Lab(random_case(seed + number), folder / str(number))
        number += 1
        for position, kind in enumerate(KINDS):
            row = rows[position]
            if patience.allows(row.runs):
                _sweep(lab, kind, row, patience, sums)
    return rows


def _sweep(lab: Lab, kind: str, row: Row, patience: Patience, sums: Sums) -> None:
    """Let somebody else act at every position in one world."""
    lab.start_over()
    saved = str(lab.folder / f"{kind.replace(' ', '-')}.saved")
    planned = lab.run("plan", "--out", saved)
    lab.run("apply", saved, "--concurrency", "1")
    requests, ours = lab.rehearsal.index, list(lab.changes)
    target = _target(lab, kind, ours)
    if planned.code != 0 or target is None:
        return
    asked = _deed(lab, kind, target)
    name = target.email if isinstance(target, User) else target.name
    row.tally["worlds:"] += 1
    for at in range(1, requests + 1):
        if not patience.allows(row.runs):
            break
        lab.start_over()
        lab.violations.clear()
        lab.rehearse({"kind": "change", "at": at, "requests": [asked]})
        told = lab.run("apply", saved, "--concurrency", "1")
        row.runs += 1
        what, silent = _judge(lab, told, name)
        row.tally[what] += 1
        found = invariants.verified(lab.journal)
        if kind not in {"delete", "rename"}:
            found += invariants.untouched(lab.case, lab.world, {})
        found += [] if told.code in {0, 1, 3, 4} else [f"R22 ends with {told.code}"]
        where = f"world {lab.case.seed}, {kind} of {name} before request {at}"
        row.found(where, silent, found, lab.violations, sums.add(lab, told.code))


def _target(lab: Lab, kind: str, ours: list[Change]) -> Principal | None:
    """Somebody whom our plan changes, in a way that this kind can get in the way of."""
    before = lab.case.world
    ids = [(change.before or {}).get("id", "") for change in ours if change.before]
    found = [one for one in map(before.principal, ids) if one is not None]
    users = [one for one in found if isinstance(one, User)]
    able = [one for one in found if kind != "revoke" or len(one.grants) > 1]
    if kind == "grant":
        able = [one for one in found if _more(lab, one)]
    choice = users if kind in {"delete", "rename"} else able
    return random.Random(lab.case.seed).choice(choice) if choice else None  # noqa: S311 - a seed, no secret


def _deed(lab: Lab, kind: str, target: Principal) -> dict[str, Any]:
    """What somebody else asks the console to do."""
    path = f"/{'users' if isinstance(target, User) else 'service-users'}/{target.id}"
    if kind == "delete":
        return {"as": _RIVAL, "method": "DELETE", "path": path}
    entries = [{"id": g.scope_id, "roleId": g.role_id} for g in target.grants]
    data: dict[str, Any] = {"scope": target.scope, "scopeRoles": entries}
    if kind == "rename":
        data["email"] = f"other.{target.email}" if isinstance(target, User) else ""
    elif kind == "grant":
        entries.append({"id": _more(lab, target)[0], "roleId": target.grants[0].role_id})
    elif kind == "revoke":
        entries.pop()
    else:
        roles = [r.id for r in lab.case.world.roles.values() if r.predefined]
        entries[0]["roleId"] = next(r for r in roles if r != target.grants[0].role_id)
    return {"as": _RIVAL, "method": "PUT", "path": path, "body": {"data": data}}


def _more(lab: Lab, target: Principal) -> list[str]:
    """Sites that somebody does not hold yet."""
    held = {grant.scope_id for grant in target.grants}
    sites = [s.id for s in lab.case.world.sites.values() if s.state == "active"]
    return [n for n in sites if n not in held] if target.scope == "site" and held else []


def _judge(lab: Lab, told: Told, name: str) -> tuple[str, list[str]]:
    """P12: say how the change by somebody else fell, and what is not told of it.

    Whoever changes somebody before we write to that one must be told of by name, whether we left
    them alone or, in the open moment, overwrote the change.
    """
    theirs = next((c for c in lab.changes if c.actor != invariants.OWN), None)
    if theirs is None:
        return "too late to act:", []  # we had deleted that one already
    record = theirs.before or theirs.after or {}
    before, after = (_ours(part, record["id"]) for part in _halves(lab, theirs))
    names = {name, str((theirs.after or {}).get("email") or name)}
    is_told = invariants.reported(told.text, told.code, names)
    if after:
        found = [] if is_told else ["P12 a change by somebody else was overwritten unsaid"]
        return "overwritten in the open moment, all told:", found
    if before:
        return "after our write, theirs stays:", []
    found = [] if is_told else [f"P12 nothing is said of {name}, who was left alone: {told.text}"]
    return "left alone, all told:", found


def _halves(lab: Lab, theirs: Change) -> tuple[list[Change], list[Change]]:
    return lab.changes[: theirs.sequence - 1], lab.changes[theirs.sequence :]


def _ours(changes: list[Change], identity: str) -> list[Change]:
    """Return our changes of one principal, but not the revoking of a token, a step before."""
    return [
        change
        for change in changes
        if (change.before or {}).get("id") == identity
        and change.actor == invariants.OWN
        and invariants.is_effect(change)
    ]
