"""Snapshot files: private, whole or not there, and read with suspicion."""

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.snapshot_file import read_snapshot_file, taken_at, write_snapshot_file
from reconciler.errors import SettingsError

TREE: dict[str, Any] = {
    "format": "sentinelone-reconciler/snapshot",
    "version": 1,
    "origin": "https://acme.sentinelone.net",
    "taken_at": "2026-11-23T09:00:00Z",
    "identity": {
        "id": "1", "email": "a@acme.example", "full_name": "A", "level": "tenant", "scope_ids": [],
    },
    "records": {
        "accounts": [{"id": "201", "name": "Acme"}],
        "sites": [],
        "users": [{"id": "11", "scope": "site", "scopeRoles": []}],
        "service_users": [],
        "roles": [],
    },
}  # fmt: skip
TEXT = json.dumps(TREE)


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read_snapshot_file(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy == "Make one with: reconciler snapshot --out FILE"
    return caught.value.message


def test_a_snapshot_read_back_is_what_was_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_text("older, for everybody")
    path.chmod(0o644)
    write_snapshot_file(path, TEXT)
    tree = read_snapshot_file(path)
    assert tree == TREE
    assert taken_at(tree) == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["console.json"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    (tmp_path / "console.json").symlink_to(tmp_path / "kept")
    write_snapshot_file(tmp_path / "console.json", TEXT)
    assert (tmp_path / "kept").read_text() == "mine"
    assert not (tmp_path / "console.json").is_symlink()


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    for path in (tmp_path / "nowhere" / "a.json", tmp_path / "taken"):
        with pytest.raises(SettingsError, match="The snapshot cannot be saved to"):
            write_snapshot_file(path, TEXT)
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda tree: tree.update(format="sentinelone-reconciler/plan"), "at $.format"),
        (lambda tree: tree.update(version=2), "at $.version"),
        (lambda tree: tree.update(origin="https://acme.example/path"), "at $.origin"),
        (lambda tree: tree.update(taken_at="yesterday"), "at $.taken_at"),
        (lambda tree: tree.update(taken_at="2026-13-01T00:00:00Z"), "`taken_at` is no date"),
        (lambda tree: tree.update(surprise=1), "at $"),
        (lambda tree: tree["identity"].update(level="group"), "at $.identity.level"),
        (lambda tree: tree["records"].pop("roles"), "at $.records"),
        (lambda tree: tree["records"].update(sites=None), "at $.records.sites"),
        (lambda tree: tree["records"]["users"].append({"id": "12"}), "at $.records.users[1]"),
        (lambda tree: tree["records"]["sites"].append({"id": 1}), "at $.records.sites[0].id"),
        (
            lambda tree: tree["records"]["sites"].append({"id": "1", "registrationToken": "x"}),
            "at $.records.sites[0].",
        ),
        (
            lambda tree: tree["records"]["users"][0].update(apiToken={"value": "x"}),
            "at $.records.users[0].apiToken",
        ),
        (
            lambda tree: tree["records"]["users"].append(tree["records"]["users"][0]),
            "an id stands twice in `users`",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused_with_the_place(
    tmp_path: Path, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    tree = json.loads(TEXT)
    edit(tree)
    (tmp_path / "a.json").write_text(json.dumps(tree))
    assert said in refusal(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not JSON"),
        (b"[]", "does not match"),
        (b"[" * 200_000, "it is not JSON"),
        (TEXT.encode("utf-16"), "it is not JSON"),
        (TEXT.encode().replace(b'"version"', b'"version": 1, "version"'), "a key is repeated"),
    ],
)
def test_what_is_no_json_of_one_meaning_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert said in refusal(tmp_path / "a.json")


@pytest.mark.usefixtures("impatient")
def test_only_a_regular_file_is_read_and_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        assert "not a regular file" in refusal(path)
    assert "No such file" in refusal(tmp_path / "missing")


def test_a_file_larger_than_any_snapshot_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(512 * 1024 * 1024 + 1)
    assert "larger than any snapshot" in refusal(tmp_path / "a.json")
