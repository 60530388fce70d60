"""No edit of a saved plan changes what is written (T61), and none of it is secret (T64)."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.plan_file import sealed

SAVED = "reviewed.json"
Path_ = tuple[str | int, ...]

EVIDENCE = {
    # Where the files lay and which commit was compared with: others on another checkout.
    ("operations", "changes", "places"),
    ("operations", "changes", "commit"),
    ("operations", "changes", "reason"),
    # Whoever planned, with which minor version: a view-only token is the normal case.
    ("evidence", "planned_by"),
    ("evidence", "tool_version"),
    # About others than the changed principals: it never voids a plan.
    ("unlisted",),
    ("summary", "unlisted"),
    ("warnings",),
    ("role_changes",),
    # Said again by the guardrails of now, which refuse whatever the file says.
    ("refusals",),
    # The applying token must see at least as much: a plan may claim to have seen less.
    ("tenant", "view"),
    ("tenant", "account_ids"),
    # A moment ago is as good a moment, as long as every window is judged alike.
    ("evidence", "instant"),
}
"""What may be edited without effect: it informs, and decides nothing. By its keys."""
POLICY = (
    "  - {members: [ana@acme.example], role: Admin, sites: [Acme/Berlin], reason: INC-1,\n"
    "     from: 2026-11-23T08:00:00Z, until: 2026-11-23T12:00:00Z}\nformer:"
)


@pytest.fixture
def saved(desk: Any) -> Path:
    """A plan with a window, an invitation, a deletion, a replacement and a warning."""
    desk.edit("access.yaml", "former:", POLICY)
    desk.edit("access.yaml", "users:\n", "users:\n  only@acme.example: {}\n")
    token, desk.token = desk.token, desk.console.token_for("reconciler-plan")
    assert desk.run("plan", "--out", SAVED).code == 0
    desk.token = token
    path: Path = desk.folder / SAVED
    return path


def leaves(tree: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield every value that holds no other, and every empty list, with the way to it."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list) and tree:
        for index, value in enumerate(tree):
            yield from leaves(value, (*path, index))
    else:
        yield path, tree


CHOICES = (
    {"site", "account", "tenant"},
    {"grant", "revoke"},
    {"high", "medium", "low"},
    {"invite", "update", "delete"},
)


def others(value: Any) -> Iterator[Any]:
    """Yield values of the same kind that say something else."""
    if isinstance(value, str):
        yield from other_texts(value)
    elif isinstance(value, bool | int):
        yield (not value) if isinstance(value, bool) else value + 1
    elif value is None:
        yield from ("1", {"from": None, "until": None})
    else:
        yield ["x"] if isinstance(value, list) else {"x": ["y"]}


def other_texts(value: str) -> Iterator[str]:
    choices = next((words for words in CHOICES if value in words), None)
    if choices:
        yield from sorted(choices - {value})
    elif value.startswith("sha256:"):
        yield "sha256:" + "0" * 64
    elif value.isdecimal():
        yield str(int(value) + 1)
    elif value.endswith("Z") and value.startswith("2026-"):
        yield value.replace("2026-", "2027-")
    else:
        yield value + "x"


def with_value(tree: Any, path: Path_, value: Any) -> Any:
    """Return a copy of a tree with another value in one place."""
    copy = json.loads(json.dumps(tree))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


def is_evidence(path: Path_) -> bool:
    keys = tuple(step for step in path if isinstance(step, str))
    return any(keys[: len(known)] == known for known in EVIDENCE)


def edits(tree: Any) -> Iterator[tuple[Path_, Any]]:
    """Every leaf with other values, and every list with an entry less or one twice."""
    for path, value in leaves(tree):
        if path != ("seal",):
            for other in others(value):
                yield path, with_value(tree, path, other)
    for path in (
        ("operations",),
        ("operations", 0, "changes"),
        ("operations", 0, "after", "grants"),
    ):
        entries: Any = tree
        for step in path:
            entries = entries[step]
        yield path, with_value(tree, path, entries[1:])
        yield path, with_value(tree, path, [*entries, entries[0]])


def one_of_each(found: Iterator[tuple[Path_, Any]]) -> Iterator[tuple[Path_, Any]]:
    """Keep the first edit of each field, whichever entry of a list it stands in.

    Of evidence, which is applied each time, every sixth field; all of it runs weekly.
    """
    seen: set[Path_] = set()
    for path, edited in found:
        keys = tuple(step for step in path if isinstance(step, str))
        if keys not in seen:
            seen.add(keys)
            if not is_evidence(path) or len(seen) % 6 == 0:
                yield path, edited


def test_no_edited_field_changes_what_is_written(desk: Any, saved: Path) -> None:
    edited_fields(desk, saved, (), one_of_each)


@pytest.mark.weekly
@pytest.mark.parametrize("only_planned", [(), ("--only-planned",)])
def test_no_edit_of_any_field_changes_what_is_written(
    desk: Any, saved: Path, only_planned: tuple[str, ...]
) -> None:
    edited_fields(desk, saved, only_planned, iter)


def edited_fields(
    desk: Any, saved: Path, only_planned: tuple[str, ...], chosen: Callable[[Any], Any]
) -> None:
    """Edit, and make the seal right again, as somebody with an editor and this program would."""
    world = desk.console.world
    users, services = dict(world.users), dict(world.service_users)
    tree = json.loads(saved.read_text())
    reference = desk.run("apply", str(saved), "--auto-approve", "--journal", "whole.jsonl")
    assert reference.code == 0, reference.text
    allowed = set(desk.written())
    assert len(allowed) == 5
    harmless = set()
    total = 0
    for number, (path, edited) in enumerate(chosen(edits(tree))):
        total += 1
        world.users, world.service_users = dict(users), dict(services)
        desk.console.changes.clear()
        saved.write_text(json.dumps(sealed(edited)))
        line = ("apply", str(saved), "--auto-approve", "--journal", f"{number}.jsonl")
        told = desk.run(*line, *only_planned)
        written = set(desk.written())
        assert told.code in {0, 1, 3}, (path, told.text)
        if only_planned:
            assert written <= allowed, path
        elif is_evidence(path):
            assert written in (allowed, set()), path
            harmless |= {path} if written else set()
        else:
            assert told.code != 0, (path, told.text)
            assert written == set(), path
    assert total > 30
    assert only_planned or harmless


def flipped(desk: Any, saved: Path) -> None:
    """Flip one bit of every byte: refused, or only for reading and nothing differs."""
    whole = saved.read_bytes()
    world = desk.console.world
    users, services = dict(world.users), dict(world.service_users)
    for at in range(len(whole)):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        told = desk.run("apply", str(saved), "--auto-approve", "--journal", f"{at}.jsonl")
        # White space is no part of the plan; everything else is under the seal.
        assert told.code in {0, 1, 3}, told.text
        is_blank = whole[at : at + 1].isspace()
        assert told.code != 0 or is_blank, whole[at - 20 : at + 20]
        assert told.code == 0 or desk.written() == []
        world.users, world.service_users = dict(users), dict(services)
        desk.console.changes.clear()


@pytest.mark.weekly
def test_no_flipped_byte_passes(desk: Any, saved: Path) -> None:
    flipped(desk, saved)


def test_nothing_in_a_plan_is_secret(desk: Any, saved: Path) -> None:
    text = saved.read_text()
    for name in ("reconciler", "reconciler-plan", "ada@acme.example"):
        assert desk.console.token_for(name) not in text
    assert desk.token not in text
    assert all(token not in text for token in desk.console.console.tokens)
    assert saved.stat().st_mode & 0o777 == 0o600


def test_a_stale_or_foreign_plan_can_still_be_read(desk: Any, saved: Path) -> None:
    desk.clock.passes(hours=1000)
    tree = json.loads(saved.read_text())
    tree["evidence"]["tool_version"] = "9.0.0"
    tree["tenant"]["origin"] = "https://other.sentinelone.net"
    saved.write_text(json.dumps(sealed(tree)))
    desk.console.requests.clear()

    assert desk.run("show", str(saved)).code == 0
    told = desk.run("apply", str(saved), "--auto-approve")
    assert told.code == 3
    assert "The saved plan is for https://other.sentinelone.net" in told.err
    assert desk.console.requests == []


def test_a_plan_of_another_major_version_is_refused_before_anything_is_asked(
    desk: Any, saved: Path
) -> None:
    tree = json.loads(saved.read_text())
    tree["evidence"]["tool_version"] = "9.0.0"
    saved.write_text(json.dumps(sealed(tree)))
    desk.console.requests.clear()

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 3
    assert "version 9.0.0 of this product" in told.err
    assert desk.console.requests == []


def test_plan_with_a_view_only_token_show_and_apply_with_another_as_processes(desk: Any) -> None:
    """The normal case, with real processes: each with its own token."""
    admin = desk.token
    desk.clock.instant = None
    desk.token = desk.console.token_for("reconciler-plan")
    planned = desk.process("plan", "--out", SAVED)
    assert planned.code == 0, planned.text
    desk.token = ""
    shown = desk.process("show", SAVED)
    assert shown.code == 0
    assert shown.out == planned.out
    desk.token = desk.console.token_for("reconciler-plan")
    denied = desk.process("apply", SAVED, "--auto-approve", "--journal", "denied.jsonl")
    assert denied.code != 0
    assert desk.written() == []
    desk.token = admin
    applied = desk.process("apply", SAVED, "--auto-approve")
    assert applied.code == 0, applied.text
    assert len(desk.written()) == 4
    assert {c.actor for c in desk.console.changes} == {"reconciler"}
