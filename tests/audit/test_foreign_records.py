"""A chain that holds proves nothing about the form of its records: every reader takes any (T68)."""

import contextlib
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from builders import BERLIN, SOC, grant, user, world

from reconciler.audit.chain import Record
from reconciler.audit.export import FORMS, exported
from reconciler.audit.history import applied_policies, judged_ends, past_revokes
from reconciler.audit.query import Query
from reconciler.audit.reconcile import Activity, Asked, Log, nameless, reconcile
from reconciler.audit.reviews import began, begun, reviewed_run, settled
from reconciler.audit.runs import runs_of
from reconciler.audit.undone import undo_of, undone
from reconciler.audit.unfinished import resolve, unfinished
from reconciler.audit.writes import actors
from reconciler.domain.names import PrincipalName
from reconciler.errors import ReconcilerError
from reconciler.rendering.records import record_text
from reconciler.rendering.runs import runs_text

HOME = "https://acme.sentinelone.net"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANA = {"kind": "user", "name": "ana@acme.example", "id": "10"}
CHANGE = {
    "action": "grant",
    "role": "SOC",
    "role_id": "3",
    "scope": "Acme/Lyon",
    "scope_id": "102",
    "scope_level": "site",
    "reason": "policy",
    "risk": "low",
    "places": ["access.yaml:3:5"],
    "note": "why",
    "commit": "c0ffee",
}
HELD = {"level": "site", "grants": [{"scope_id": "101", "role_id": "3"}]}
END = {"principal": ANA, "scope_level": "site", "scope_id": "1", "role_id": "3", "until": ""}
REVIEW = {
    "trigger": "push",
    "commit": "c0ffee",
    "request": "7",
    "merged_by": "m",
    "approvals": [{"by": "a", "commit": "c0ffee"}],
}
STORY: list[tuple[str, Any]] = [
    (
        "run-started",
        {
            "origin": HOME,
            "actor": "service:reconciler",
            "operations": 1,
            "policy_digest": "sha256:1",
            "ends": [END],
            "taken": 1,
            "account_ids": ["100"],
            "review": REVIEW,
            "overrides": ["rolling is lifted"],
            "decided": "2026-11-23T09:00:00Z",
            "unsettled": [{"name": "ana@acme.example", "since": "2026-11-23T08:00:00Z"}],
        },
    ),
    (
        "intent",
        {
            "operation": "update",
            "principal": ANA,
            "before": HELD,
            "after": HELD,
            "precondition": "sha256:2",
            "changes": [CHANGE],
            "taken": 1,
            "revokes_token": True,
            "note": "why",
        },
    ),
    ("token-revocation", {"principal": ANA, "result": "applied", "detail": ""}),
    (
        "outcome",
        {
            "operation": "update",
            "principal": ANA,
            "result": "unknown",
            "detail": "lost",
            "created_id": "",
            "changes": [CHANGE],
        },
    ),
    ("resolved", {"principal": ANA, "intent": 9, "result": "applied", "detail": ""}),
    ("refused", {"origin": HOME, "actor": "a", "rules": ["limit"], "operations": 1}),
    ("recovered", {"bytes": 3, "sha256": "sha256:3"}),
    ("lock-taken-over", {"lock": "l", "nonce": "n", "takeover": "t"}),
    ("run-finished", {"results": {"unknown": 1}, "undo": "undo/x.plan.json"}),
]
ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    "",
    "x",
    "service:",
    "id:",
    [],
    {},
    [[]],
    [{}],
    {"id": [], "name": {}},
)


GUARDED: tuple[Callable[[tuple[Record, ...]], object], ...] = (
    lambda records: past_revokes(records, HOME),
    lambda records: judged_ends(records, HOME),
    lambda records: undone(records, undo_of(records, "0" * 16)),
)


def places(tree: Any) -> Iterator[tuple[Any, ...]]:
    """Return the way to every value in a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        yield (key,)
        if isinstance(value, dict | list):
            yield from ((key, *rest) for rest in places(value))


def forged(way: tuple[Any, ...], odd: Any) -> tuple[Record, ...]:
    story = deepcopy(STORY)
    tree: Any = story[way[0]][1]
    for key in way[1:-1]:
        tree = tree[key]
    tree[way[-1]] = deepcopy(odd)
    return tuple(
        Record(n, NOW.isoformat(), "0" * 16, kind, data, f"sha256:{n:064x}")
        for n, (kind, data) in enumerate(story, start=1)
    )


def read_by_all(records: tuple[Record, ...]) -> None:
    """Read it in every way that trusts no form."""
    ana = world(user("10", "ana@acme.example", grant(SOC, BERLIN)))
    for intent in (*unfinished(records), *unfinished(records, HOME)):
        resolve(intent, ana)
    applied_policies(records, HOME)
    reviewed_run(records, HOME)
    settled(records, HOME)
    start = begun(records[:-1], HOME)
    assert start is None or began(start) <= NOW
    actors(records, HOME)
    nameless(records, HOME)
    gave = Activity("1", 37, NOW.isoformat(), "reconciler", "10", "Ana", "101", "SOC", "gave")
    asked = Asked(HOME, frozenset({"reconciler"}), NOW)
    reconcile(records, Log((gave,), None), asked)
    for form in FORMS:
        json.dumps([event for _, event in exported(records, form)])
    query = Query(principal=PrincipalName.parse("ana@acme.example"), role="SOC", result="applied")
    runs = runs_of(records, query)
    assert all(record_text(asdict(one), color=False) for one in records)
    assert runs_text([asdict(run) for run in runs], color=False).count("\n") == len(runs)


@pytest.mark.parametrize("number", range(len(STORY)))
def test_whatever_stands_in_a_record_no_reader_fails(number: int) -> None:
    for way in places(STORY[number][1]):
        for odd in ODD:
            read_by_all(forged((number, *way), odd))


@pytest.mark.parametrize("number", range(len(STORY)))
def test_what_guardrails_and_undo_rest_on_is_understood_or_an_error(number: int) -> None:
    for way in places(STORY[number][1]):
        for odd in ODD:
            records = forged((number, *way), odd)
            for read in GUARDED:
                with contextlib.suppress(ReconcilerError):
                    read(records)


@pytest.mark.parametrize("time", ["yesterday", "", "2026-11-23T09:00:00"])
def test_a_time_in_another_form_is_long_ago(time: str) -> None:
    data = {"origin": HOME, "operations": 0, "review": REVIEW}
    ended: dict[str, Any] = {"results": {}}
    told = [(time, "0", "run-started", data), (time, "0", "run-finished", ended)]
    told += [(NOW.isoformat(), "1", kind, found) for _, _, kind, found in told]
    records = tuple(
        Record(n, when, run * 16, kind, found, f"sha256:{n:064x}")
        for n, (when, run, kind, found) in enumerate(told, start=1)
    )

    since = settled(records, HOME)

    assert since is not None
    assert since.instant == NOW
    assert began(records[0]) < NOW
