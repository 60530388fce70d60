"""Saved plans: private, whole or not there, and read with suspicion."""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import BERLIN, NOW, SOC, assign, grant, plan, user, world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.documents.plan_file import read_plan_file, saved_plan, sealed, write_plan_file
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options
from reconciler.domain.saved import SavedPlan
from reconciler.errors import ExitCode, RefusedError, SettingsError
from reconciler.rendering.as_json import to_json
from reconciler.rendering.tree import plan_tree

MADE = replace(
    plan(
        world(user("10", "ana@acme.example", grant(SOC, BERLIN))),
        assign("ana@acme.example", "Viewer", "EMEA/Berlin", end=datetime(2027, 1, 1, tzinfo=UTC)),
        assign("ana@acme.example", "SOC", "EMEA/Lyon"),
        targets=("ana@acme.example",),
        no_revokes=False,
    ),
    policy_digest="sha256:" + "1" * 64,
    guardrails_digest="sha256:" + "2" * 64,
)
TEXT = to_json(sealed(plan_tree(MADE, "1.2.3")))


def edited(**changes: Any) -> bytes:
    return json.dumps(sealed(json.loads(TEXT) | changes)).encode()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(path: Path) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_plan_file(path)
    error = caught.value
    assert str(path) in error.message
    assert error.remedy == "Make one with: reconciler plan --out FILE"
    assert error.exit_code is ExitCode.FAILED
    return error


def test_a_plan_read_back_is_the_plan_that_was_saved(tmp_path: Path) -> None:
    write_plan_file(tmp_path / "a.plan.json", TEXT)

    tree = read_plan_file(tmp_path / "a.plan.json")

    assert tree == sealed(plan_tree(MADE, "1.2.3"))
    assert saved_plan(tree) == SavedPlan(
        content_digest=MADE.content_digest,
        policy_digest=MADE.policy_digest,
        guardrails_digest=MADE.guardrails_digest,
        origin="https://acme.sentinelone.net",
        account_ids=("100", "200"),
        view_level=Level.TENANT,
        view_sites=7,
        instant=NOW,
        options=Options((PrincipalName.user("ana@acme.example"),), no_revokes=False),
        tool_version="1.2.3",
        operations=saved_plan(tree).operations,
        roles=saved_plan(tree).roles,
    )
    assert [each.name for each in saved_plan(tree).operations] == [
        each.name for each in MADE.operations
    ]
    assert [each.after for each in saved_plan(tree).operations] == [
        each.after for each in MADE.operations
    ]
    assert saved_plan(tree).roles == MADE.roles


def test_only_its_owner_can_read_a_saved_plan(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    write_plan_file(path, TEXT)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_plan_that_everybody_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    path.write_text("old")
    path.chmod(0o644)

    write_plan_file(path, TEXT)

    assert path.read_text() == TEXT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    path = tmp_path / "a.plan.json"
    path.symlink_to(target)

    write_plan_file(path, TEXT)

    assert not path.is_symlink()
    assert path.read_text() == TEXT
    assert target.read_text() == "precious"


def test_nothing_but_the_plan_is_left_in_the_folder(tmp_path: Path) -> None:
    write_plan_file(tmp_path / "a.plan.json", TEXT)

    assert names(tmp_path) == ["a.plan.json"]


def test_a_name_as_long_as_names_can_be_is_fine(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 255)
    write_plan_file(path, TEXT)

    assert path.read_text() == TEXT


def missing_folder(folder: Path) -> Path:
    return folder / "nowhere" / "a.plan.json"


def a_folder(folder: Path) -> Path:
    (folder / "inside").mkdir()
    return folder / "inside"


def too_long(folder: Path) -> Path:
    return folder / ("a" * 256)


def no_name(_: Path) -> Path:
    return Path()


def a_zero_byte(folder: Path) -> Path:
    return folder / "a\0b"


@pytest.mark.parametrize("place", [missing_folder, a_folder, too_long, no_name, a_zero_byte])
def test_a_place_that_cannot_be_written_is_told_and_left_as_it_was(
    place: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = place(tmp_path)
    before = names(tmp_path)

    with pytest.raises(SettingsError, match="The plan cannot be saved to") as caught:
        write_plan_file(path, TEXT)

    assert caught.value.remedy
    assert names(tmp_path) == before


def test_a_plan_that_cannot_be_written_whole_leaves_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    path.write_text("old")

    with pytest.raises(SettingsError):
        write_plan_file(path, TEXT + "\ud800")

    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.plan.json"]


def test_an_interruption_leaves_no_half_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_plan_file(tmp_path / "a.plan.json", TEXT)

    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (TEXT.encode("utf-16"), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"1" * 5000, "not JSON"),
        (b'{"version": 1, "version": 1}', "a key is repeated"),
        (TEXT.replace('"grant"', '"revoke"', 1).encode(), "a key is repeated"),
        (b"[]", "does not match schemas/plan.schema.json at $"),
        (b"null", "does not match"),
        (edited(extra=1), "does not match"),
        (edited(version=2), "does not match schemas/plan.schema.json at $.version"),
        (edited(content_digest="sha256:x"), "does not match"),
        (edited(operations=[{}]), "does not match schemas/plan.schema.json at $.operations[0]"),
        (TEXT.replace("T09:00:00Z", "T09:00:00", 1).encode(), "does not match"),
        (TEXT.replace("2026-11-22T09", "2026-13-22T09", 1).encode(), "its instant is no date"),
        (TEXT.replace("2026-11-22T09", "2026-11-22T99", 1).encode(), "its instant is no date"),
        (TEXT.replace("09:00:00Z", r"09:00:00Z\n", 1).encode(), "its instant is no date"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(
    content: bytes, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.plan.json"
    path.write_bytes(content)

    assert why in refusal(path).message


def test_a_file_larger_than_any_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)

    assert "larger than any plan" in refusal(path).message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "a.plan.json").message


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    assert "not a regular file" in refusal(tmp_path).message


@pytest.mark.usefixtures("impatient")
def test_a_pipe_is_no_plan_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert "not a regular file" in refusal(tmp_path / "pipe").message


def test_a_device_is_no_plan() -> None:
    assert "not a regular file" in refusal(Path("/dev/zero")).message


def test_an_impossible_name_is_told(tmp_path: Path) -> None:
    assert "null byte" in refusal(tmp_path / "a\0b").message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.integers(0, len(TEXT) - 1), flip=st.integers(1, 255))
def test_any_other_byte_that_means_something_is_refused(
    position: int, flip: int, tmp_path: Path
) -> None:
    content = bytearray(TEXT.encode())
    content[position] ^= flip
    path = tmp_path / "a.plan.json"
    path.write_bytes(content)

    try:
        tree = read_plan_file(path)
    except (SettingsError, RefusedError):
        return
    assert tree == json.loads(TEXT)


@pytest.mark.parametrize("key", ["evidence", "warnings", "refusals", "unlisted", "summary"])
def test_a_plan_that_was_edited_is_refused_whatever_was_edited(key: str, tmp_path: Path) -> None:
    tree = json.loads(TEXT)
    tree[key] = [] if isinstance(tree[key], list) else tree[key]
    tree["evidence"]["planned_by"] = "somebody else"
    path = tmp_path / "a.plan.json"
    path.write_text(json.dumps(tree))

    with pytest.raises(RefusedError, match="changed after it was saved"):
        read_plan_file(path)


def test_a_plan_without_its_seal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    path.write_text(to_json(plan_tree(MADE, "1.2.3")))

    with pytest.raises(RefusedError):
        read_plan_file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    label=st.text(st.characters(codec=None), max_size=20),
    start=st.sampled_from(["", "service:", "a@", "a@b.xn--"]),
)
def test_any_target_can_be_read(label: str, start: str, tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    path.write_bytes(edited(options={"targets": [start + label], "no_revokes": True}))

    assert saved_plan(read_plan_file(path)).options.no_revokes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=100))
def test_arbitrary_bytes_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.plan.json"
    path.write_bytes(content)

    refusal(path)
