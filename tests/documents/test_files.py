"""Discovery: what lies in the folder, judged without being led out of it."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.documents.files import MAX_FILES, find_files, read_file
from reconciler.documents.load import load
from reconciler.errors import PolicyError, Problem

GOOD = "version: 1\n"
Policies = Callable[[dict[str, str | bytes]], Path]
Problems = Callable[[dict[str, str | bytes]], tuple[Problem, ...]]


def _codes(root: Path) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        load(root)
    return [problem.code for problem in caught.value.problems]


def test_files_are_found_in_any_layout_sorted_by_path(policies: Policies) -> None:
    root = policies({"z.yaml": GOOD, "a/b/c.yaml": GOOD, "a.yaml": GOOD, "a/b.yaml": GOOD})
    files, problems = find_files(root)
    assert [file.path for file in files] == ["a.yaml", "a/b.yaml", "a/b/c.yaml", "z.yaml"]
    assert [file.file for file in files] == [str(root / file.path) for file in files]
    assert problems == ()


def test_places_are_written_as_the_user_typed_the_folder(
    policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(policies({"policies/a/b.yaml": GOOD}))
    assert find_files(Path("policies"))[0][0].file == "policies/a/b.yaml"


def test_hidden_folders_and_other_endings_are_left_out(policies: Policies) -> None:
    root = policies({".git/x.yaml": "%", ".x.yaml": "%", "README.md": "%", "a.yaml": GOOD})
    assert [file.path for file in find_files(root)[0]] == ["a.yaml"]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert _codes(tmp_path / "nowhere") == ["no-folder"]


def test_a_file_in_the_place_of_the_folder_is_refused(policies: Policies) -> None:
    assert _codes(policies({"a.yaml": GOOD}) / "a.yaml") == ["no-folder"]


def test_a_name_that_no_folder_can_have_is_refused() -> None:
    assert _codes(Path("a\0b")) == ["no-folder"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert _codes(tmp_path) == ["no-policies"]


def test_a_fifo_does_not_hang(policies: Policies) -> None:
    root = policies({"a.yaml": GOOD})
    os.mkfifo(root / "x.yaml")
    assert _codes(root) == ["not-a-file"]


def test_a_folder_named_like_a_file_is_refused(policies: Policies) -> None:
    assert _codes(policies({"a.yaml": GOOD, "x.yaml/b.yaml": GOOD})) == ["not-a-file"]


def test_a_socket_is_refused(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    root = policies({"a.yaml": GOOD})
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.yaml")
        assert _codes(root) == ["unreadable-file"]


def test_links_are_refused_wherever_they_lead(policies: Policies, tmp_path: Path) -> None:
    root = policies({"policies/a.yaml": GOOD, "outside/b.yaml": GOOD}) / "policies"
    (root / "inside.yaml").symlink_to("a.yaml")
    (root / "outside.yaml").symlink_to(tmp_path / "outside" / "b.yaml")
    (root / "loop").symlink_to(root)
    (root / "broken.yaml").symlink_to("nowhere")
    assert _codes(root) == ["link"] * 4


def test_the_folder_itself_may_be_a_link(policies: Policies, tmp_path: Path) -> None:
    policies({"real/a.yaml": GOOD})
    (tmp_path / "policies").symlink_to("real")
    assert load(tmp_path / "policies").policy.assignments == ()


def test_a_name_with_control_characters_is_refused(policies: Policies) -> None:
    assert _codes(policies({"a.yaml": GOOD, "b\n.yaml": GOOD, "c\u202e": ""})) == [
        "bad-file-name",
        "bad-file-name",
    ]


def test_a_name_that_is_not_utf_8_is_refused(policies: Policies) -> None:
    root = policies({"a.yaml": GOOD})
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.yaml")).write_text(GOOD)
    assert _codes(root) == ["bad-file-name"]


def test_more_files_than_the_limit_are_refused(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    assert _codes(tmp_path) == ["too-many-files"]


def test_more_bytes_than_the_limit_are_refused(tmp_path: Path) -> None:
    for number in range(33):
        (tmp_path / f"{number}.yaml").write_bytes(b"#" * (1 << 20))
    assert _codes(tmp_path) == ["too-much"]


def test_a_file_of_one_mebibyte_is_read_and_one_byte_more_is_not(policies: Policies) -> None:
    full = (GOOD + "#" * (1 << 20))[: 1 << 20]
    assert load(policies({"a.yaml": full})).policy.assignments == ()
    assert _codes(policies({"a.yaml": full + "#"})) == ["file-too-large"]


def test_folders_that_nest_too_deep_are_refused(policies: Policies) -> None:
    assert _codes(policies({"a.yaml": GOOD, "d/" * 40 + "b.yaml": GOOD})) == ["too-deep"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_refused(policies: Policies) -> None:
    root = policies({"a.yaml": GOOD, "b.yaml": GOOD, "c/d.yaml": GOOD})
    (root / "b.yaml").chmod(0)
    (root / "c").chmod(0)
    try:
        assert _codes(root) == ["unreadable-file", "unreadable-folder"]
    finally:
        (root / "c").chmod(0o700)


def test_the_trusted_copy_must_be_a_readable_file(policies: Policies, tmp_path: Path) -> None:
    root = policies({"policies/a.yaml": GOOD}) / "policies"
    for wrong, code in ((tmp_path / "no.yaml", "unreadable-file"), (tmp_path, "not-a-file")):
        with pytest.raises(PolicyError) as caught:
            load(root, wrong)
        assert [problem.code for problem in caught.value.problems] == [code]


def test_a_named_file_may_be_a_link_since_the_user_chose_it(policies: Policies) -> None:
    root = policies({"real.yaml": GOOD})
    (root / "link.yaml").symlink_to("real.yaml")
    assert read_file(root / "link.yaml").raw == GOOD.encode()
