"""P1 to P12 of the reliability reference, each as a question to the ground truth.

Every function returns the violations it found, as texts that begin with the invariant's name. Two
are laws of pure functions and stand in `tests/laws`: P5 (no order of inputs changes a byte) and P6
(a tighter guardrail never allows more).
"""

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reliability import ledger
from reliability.worlds import Case, holdings, untouchable

from reconciler.audit.chain import read_chain
from reconciler.simulator.calls import Change
from reconciler.simulator.envelopes import Request
from reconciler.simulator.records import Principal
from reconciler.simulator.world import World

OWN = "reconciler"
Truth = dict[str, Any]
_TOKEN = re.compile(r"api-token|revoke", re.IGNORECASE)
_EXITS = {None, 0, 1, 2, 3, 4}
_SAID = re.compile(
    r"^(conflict|failed|unknown) |^Changed by somebody else|^Not what was applied|^error: |^refused"
    r"|^\S+:\d+:\d+: [a-z-]+: ",  # a problem in a file of policies
    re.IGNORECASE,
)


def of_output(text: str, token: str, code: int | None) -> list[str]:
    """P10, and row R22: no token, no traceback, no bug report, only documented exit codes."""
    found = [f"P10 the token shows as {form}" for form in leaks(text.encode(), token)]
    if "Traceback" in text or "internal error" in text:
        found.append(f"R22 {text[-400:]}")
    if code not in _EXITS:
        found.append(f"R22 exit code {code}")
    return found


def leaks(content: bytes, token: str) -> list[str]:
    """Name the forms in which a token stands in some bytes: whole, encoded, or a part of it."""
    raw = token.encode()
    forms = {
        "itself": raw,
        "base64": _inner(base64.b64encode(b"x" + raw)),
        "base64 at 1": _inner(base64.b64encode(b"xx" + raw)),
        "base64 at 2": _inner(base64.b64encode(b"xxx" + raw)),
        "base64url": _inner(base64.urlsafe_b64encode(raw + b"x")),
        "url": quote(token, safe="").encode(),
        "hex": raw.hex().encode(),
        "hex in capitals": raw.hex().upper().encode(),
        "json": json.dumps(token)[1:-1].encode(),
    }
    forms |= {
        f"segment {n}": part.encode()
        for n, part in enumerate(token.split("."), start=1)
        if len(part) > 16 and part != token
    }
    return [form for form, value in forms.items() if value in content]


def _inner(encoded: bytes) -> bytes:
    """What is the same of an encoding whatever stands around it."""
    return encoded[4:-4]


def announced(asked: Request, journal: Path) -> list[str]:
    """P7, first half: at the moment a write arrives, its intent is in the journal."""
    target = _target(asked)
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    ended: set[str] = set()
    for line in reversed(lines):
        record = json.loads(line)
        principal = record["data"].get("principal") or {}
        names = {principal.get("id"), principal.get("name")}
        if target in names and record["kind"] in {"outcome", "resolved"}:
            ended |= {target}
        if target in names and record["kind"] == "intent":
            return [f"P7 {asked.method} {target} after its outcome"] if ended else []
    return [f"P7 {asked.method} {target} without an intent"]


def _target(asked: Request) -> str:
    """Return the id, or of an invitation the address, that a write is about."""
    if asked.method == "POST" and asked.path.endswith("/users"):
        return str(json.loads(asked.body)["data"]["email"])
    # In the path, or, when a token is revoked, in the body.
    ids = re.findall(r"[0-9]{15,}", asked.path) or re.findall(rb"[0-9]{15,}", asked.body)
    found = ids[-1] if ids else ""
    return found.decode() if isinstance(found, bytes) else found


def floors(case: Case, world: World) -> list[str]:
    """P4: at every moment two admins are left, and the protected one has what it had."""
    before, now = holdings(case.world), holdings(world)
    found = []
    if now.get(case.protected) != before[case.protected]:
        found.append(f"P4 {case.protected} was changed")
    if _admins(world) < min(2, _admins(case.world)):
        found.append(f"P4 {_admins(world)} admins are left")
    return found


def _admins(world: World) -> int:
    admin = next(r.id for r in world.roles.values() if r.predefined and r.name == "Admin")
    return sum(
        user.scope == "tenant" and any(g.role_id == admin for g in user.grants)
        for user in world.users.values()
    )


def converged(world: World, wanted: Truth) -> list[str]:
    """P1: the console holds exactly what an undisturbed run makes of it."""
    now = holdings(world)
    return [
        f"P1 {name}: {now.get(name)} instead of {wanted.get(name)}"
        for name in sorted(now.keys() | wanted.keys())
        if now.get(name) != wanted.get(name)
    ]


def untouched(case: Case, world: World, expected: Truth) -> list[str]:
    """P3: whoever is not to be changed is the same to the byte; all other tables too."""
    before = holdings(case.world)
    found = [
        f"P3 the table {name} changed"
        for name in ("accounts", "sites", "roles", "groups")
        if dict(world.table(name)) != dict(case.world.table(name))
    ]
    every: dict[str, Principal] = {**case.world.users, **case.world.service_users}
    for identity, principal in every.items():
        now = world.principal(identity)
        name = getattr(principal, "email", "") or f"service:{identity}"
        if now is None:
            found += [] if name not in expected else [f"P3 {name} is gone"]
        elif untouchable(now) != untouchable(principal):
            found.append(f"P3 {name}: a field beside the grants changed")
        elif expected.get(name) == before[name] and now.grants != principal.grants:
            found.append(f"P3 {name} was not to be changed")
    return found


def within_the_plan(changes: Iterable[Change], before: Truth, wanted: Truth) -> list[str]:
    """P9: every change of ours is one that an undisturbed run makes: none rests on a bad read."""
    found = []
    for change in changes:
        record = change.after or change.before or {}
        name = record.get("email") or f"service:{record.get('id')}"
        held = change.after and (
            change.after["scope"],
            frozenset((g["scope_id"], g["role_id"]) for g in change.after["grants"]),
        )
        # Whose access ends loses the API token first, in a step of its own.
        is_token = not is_effect(change) and _TOKEN.search(change.path)
        if (
            change.actor == OWN
            and not is_token
            and (held != wanted.get(name) or before.get(name) == held)
        ):
            found.append(f"P9 {change.method} {name} is no part of the plan")
    return found


def is_effect(change: Change) -> bool:
    """Tell whether a change changed what somebody holds, or that they are there."""
    if change.before is None or change.after is None:
        return True
    return any(change.before[name] != change.after[name] for name in ("scope", "grants"))


def verified(journal: Path) -> list[str]:
    """The chain holds, and nothing at its end is torn."""
    content = journal.read_bytes() if journal.exists() else b""
    chain = read_chain(content)
    found = []
    if chain.fault:
        found.append(f"journal broken at record {chain.fault.record}: it {chain.fault.what}")
    if chain.torn:
        found.append("journal torn after a run that ended by itself")
    return found


def reported(told: str, code: int | None, names: Iterable[str]) -> bool:
    """P12: tell whether a line says of somebody by name that something became of them.

    That a run failed is not enough, nor that the name stands somewhere, as it does in the plan.
    """
    lines = [line for line in told.splitlines() if _SAID.search(line)]
    return code not in {0, None} and any(name in line for line in lines for name in names)


def unspoken(records: list[dict[str, Any]], told: str) -> list[str]:
    """T57: the run after a death names everybody whose intent the dead run left open."""
    return [
        f"T57 {name}: the next run does not say that it may have been changed"
        for name in ledger.open_intents(records)
        if not re.search(rf"^  {re.escape(name)}, intended at ", told, re.MULTILINE)
    ]
