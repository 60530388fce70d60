"""The folder between two jobs: written whole, read as data."""

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import HOSTILE
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.ci.result import (
    ANY,
    COMMENT,
    PAGE,
    PLAN,
    RESULT,
    Result,
    file_digest,
    key_of,
    read_folder,
    title_of,
    write_folder,
)
from reconciler.errors import SettingsError
from reconciler.resources import resource

Make = Callable[..., Result]

_TITLE = re.compile(r"[ -~]{1,300}")
"""As the schema has it."""


def test_what_is_written_is_read_back(folder: Path, make_result: Make) -> None:
    written = write_folder(folder, make_result(), "### Plan ü\n", plan='{"a": 1}', page="<p>")

    read = read_folder(folder)

    assert read.result == written
    assert read.comment == "### Plan ü\n"
    assert written.plan_file_digest == file_digest((folder / PLAN).read_bytes())


def test_only_its_owner_reads_it(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x", plan="{}", page="<p>")

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (RESULT, COMMENT, PLAN, PAGE):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_the_result_is_canonical_json_of_the_published_schema(
    folder: Path, make_result: Make
) -> None:
    write_folder(folder, make_result(), "x")

    text = (folder / RESULT).read_text("utf-8")
    tree = json.loads(text)
    assert text == json.dumps(tree, sort_keys=True, separators=(",", ":")) + "\n"
    schema = json.loads((resource("schemas") / "result.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) == set(schema["properties"]) == set(tree)


def test_nothing_of_an_earlier_run_stays(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x", plan="{}", page="<p>")
    (folder / "mine.txt").write_text("kept", "utf-8")

    written = write_folder(folder, make_result(), "x")

    assert written.plan_file_digest == ""
    assert sorted(path.name for path in folder.iterdir()) == [COMMENT, "mine.txt", RESULT]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, make_result: Make) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    (tmp_path / "busy" / RESULT).mkdir(parents=True)
    for bad in (tmp_path / "file", tmp_path / "busy", tmp_path / "a\x00b"):
        with pytest.raises(SettingsError, match="cannot be written"):
            write_folder(bad, make_result(), "x")


def test_a_folder_half_written_is_none(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x", plan="{}")
    (folder / RESULT).unlink()

    with pytest.raises(SettingsError, match=r"result\.json cannot be read as the result"):
        read_folder(folder)


def changed(folder: Path, **fields: object) -> None:
    tree = json.loads((folder / RESULT).read_text("utf-8"))
    (folder / RESULT).write_text(json.dumps(tree | fields), "utf-8")


HEX = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2), ("version", True), ("command", "undo"), ("exit_code", 5), ("key", "x"),
        ("key", "0123456789ab\n"), ("verdict", []), ("verdict", "grants"),
        ("verdict", ["revokes", "grants"]), ("verdict", ["grants", "failed"]), ("title", ""),
        ("title", "a\nb"), ("title", "a\n"), ("title", "::error::x\r"), ("title", "a\x1b[2J"),
        ("title", "\u202e"), ("title", "a" * 301), ("number", "-1"), ("number", "1\n"),
        ("number", "../1"), ("number", "\u0661"), ("number", 1), ("head", "a" * 39),
        ("head", "A" * 40), ("commit", ""), ("commit", "a" * 40 + "\n"), ("run", ""),
        ("run", "1" * 21), ("run", "1 -->"), ("run_url", "javascript:alert(1)"),
        ("run_url", "https://e.example/?a=b"), ("run_url", "https://e.example/ x"),
        ("run_url", "https://u@e.example/"), ("content_digest", "sha256:x"),
        ("content_digest", HEX + "\n"), ("plan_file_digest", HEX), ("journal_head", "x"),
        ("console", "https://e.example/path"), ("console", "e.example"), ("more", 1),
    ],
)  # fmt: skip
def test_a_field_of_another_form_is_refused(
    folder: Path, make_result: Make, field: str, value: object
) -> None:
    write_folder(folder, make_result(), "x")
    changed(folder, **{field: value})

    with pytest.raises(SettingsError, match="cannot be read as"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("code", "verdict", "is_possible"),
    [
        (0, "grants", True), (2, "grants", True), (2, "no-change", True), (0, "no-change", True),
        (3, "refused", True), (1, "failed", True), (4, "failed", True), (130, "failed", True),
        (143, "failed", True), (1, "grants", False), (1, "no-change", False),
        (1, "refused", False), (3, "failed", False), (3, "no-change", False),
        (4, "grants", False), (0, "failed", False), (0, "refused", False), (2, "failed", False),
    ],
)  # fmt: skip
def test_no_verdict_reads_better_than_its_exit_code(
    folder: Path, make_result: Make, code: int, verdict: str, *, is_possible: bool
) -> None:
    write_folder(folder, make_result(exit_code=code, verdict=(verdict,)), "x")

    if is_possible:
        assert read_folder(folder).result.verdict == (verdict,)
    else:
        with pytest.raises(SettingsError, match="does not match schemas/result"):
            read_folder(folder)


def test_a_missing_field_is_refused(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x")
    tree = json.loads((folder / RESULT).read_text("utf-8"))
    for field in tree:
        rest = {key: value for key, value in tree.items() if key != field}
        (folder / RESULT).write_text(json.dumps(rest), "utf-8")
        with pytest.raises(SettingsError, match="does not match"):
            read_folder(folder)


@given(content=st.binary(max_size=60))
def test_no_content_of_any_file_does_harm(
    tmp_path_factory: pytest.TempPathFactory, make_result: Make, content: bytes
) -> None:
    assume(content != b"{}")
    folder = tmp_path_factory.mktemp("folder") / "plan"
    write_folder(folder, make_result(), "x", plan="{}")
    good = (folder / RESULT).read_bytes()

    (folder / RESULT).write_bytes(content)
    with pytest.raises(SettingsError):
        read_folder(folder)

    (folder / RESULT).write_bytes(good)
    (folder / PLAN).write_bytes(content)
    with pytest.raises(SettingsError):
        read_folder(folder)


@pytest.mark.parametrize("content", [b"\xff", b"", b" \n", b"a\x00b", b"x" * (4 * 2**20 + 1)])
def test_a_comment_that_is_no_text_is_refused(
    folder: Path, make_result: Make, content: bytes
) -> None:
    write_folder(folder, make_result(), "x")
    (folder / COMMENT).write_bytes(content)

    with pytest.raises(SettingsError, match=r"comment\.md cannot be read as the comment"):
        read_folder(folder)


@pytest.mark.parametrize("name", [RESULT, COMMENT, PLAN])
def test_a_link_is_not_followed_to_what_it_would_publish(
    folder: Path, make_result: Make, name: str
) -> None:
    write_folder(folder, make_result(), "x", plan="{}")
    other = folder.parent / "secret"
    other.write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(other)

    with pytest.raises(SettingsError, match="cannot be read as"):
        read_folder(folder)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", [RESULT, COMMENT, PLAN])
def test_a_pipe_or_a_folder_in_place_of_a_file_is_refused(
    folder: Path, make_result: Make, name: str
) -> None:
    write_folder(folder, make_result(), "x", plan="{}")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(SettingsError, match="not a regular file"):
        read_folder(folder)

    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(SettingsError, match="not a regular file"):
        read_folder(folder)


def test_another_plan_than_the_result_names_is_refused(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x", plan="{}")
    (folder / PLAN).write_text("[]", "utf-8")

    with pytest.raises(SettingsError, match="not the file that the result names"):
        read_folder(folder)


def test_a_plan_that_the_result_does_not_name_is_refused(folder: Path, make_result: Make) -> None:
    write_folder(folder, make_result(), "x")
    (folder / PLAN).symlink_to("nowhere")

    with pytest.raises(SettingsError, match="the result names none"):
        read_folder(folder)


def test_a_key_tells_consoles_and_folders_apart() -> None:
    one = key_of("https://a.example", "policies")

    assert (
        len({one, key_of("https://b.example", "policies"), key_of("https://a.example", "x")}) == 3
    )
    assert one == key_of("https://a.example", "policies")
    assert key_of("", "policies") == key_of("", "x") == ANY
    for text in HOSTILE.values():
        assert len(key_of(text, text)) == 12


def test_any_text_becomes_a_title() -> None:
    bad = [name for name, text in HOSTILE.items() if not _TITLE.fullmatch(title_of(text))]

    assert bad == []


def test_a_result_says_whether_it_is_one(make_result: Make) -> None:
    assert make_result(verdict=("failed",)).is_failed
    assert make_result(verdict=("refused",)).is_refused
    assert not make_result().is_failed
    assert not make_result().is_refused
