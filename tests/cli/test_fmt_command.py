"""`fmt` on real folders: what it writes, what it leaves alone, and what it says."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import run
from reconciler.documents.replace import Replacement, replace_files
from reconciler.errors import SettingsError
from reconciler.resources import resource
from reconciler.settings import Runtime

LOOSE = "version: 1\nowners:\n- a # b\n"
NEAT = "version: 1\nowners:\n  - a # b\n"
UNREADABLE = "version: 1\nowners: [\n"


@pytest.fixture
def fmt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run `fmt` in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def execute(*arguments: str) -> tuple[int, str, str]:
        now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        runtime = Runtime({}, lambda: now, lambda _seconds: None, lambda: 0.0)
        code = run(("fmt", *arguments), runtime)
        return code, *capsys.readouterr()

    return execute


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write files below the folder, by path; return the folder."""

    def put(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / "policies" / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path

    return put


def content(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files included, links and pipes without what they hold."""
    found = {}
    for path in sorted(folder.rglob("*")):
        is_file = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(folder))] = path.read_bytes() if is_file else b"-"
    return found


def test_every_file_of_the_folder_is_written_and_named(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE, sub__b=LOOSE, c=NEAT, guardrails=LOOSE, pins=LOOSE, tests=LOOSE)
    code, out, err = fmt()
    assert (code, err) == (0, "6 files, 5 of them written anew.\n")
    names = ("a", "guardrails", "pins", "sub/b", "tests")
    assert out.splitlines() == [f"policies/{name}.yaml" for name in names]
    texts = {name: text for name, text in content(root).items() if name.endswith(".yaml")}
    assert len(texts) == 6
    assert set(texts.values()) == {NEAT.encode()}
    assert fmt() == (0, "", "6 files, in layout already.\n")


def test_what_is_in_layout_is_not_touched(fmt: Any, write: Any) -> None:
    path = write(a=NEAT) / "policies" / "a.yaml"
    before = path.stat()
    assert fmt()[0] == 0
    assert path.stat() == before


def test_the_shipped_policies_need_nothing(fmt: Any) -> None:
    assert fmt("--check", "--policies", str(resource("policies"))) == (
        0,
        "",
        "12 files, in layout already.\n",
    )


def test_check_writes_nothing_and_fails(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE, b=NEAT)
    before = content(root)
    code, out, err = fmt("--check")
    assert (code, out) == (1, "policies/a.yaml\n")
    assert err == "1 file not in layout; `reconciler fmt` writes it.\n"
    assert content(root) == before


def test_a_diff_is_shown_and_the_file_written(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE)
    code, out, _ = fmt("--diff")
    assert code == 0
    assert out.splitlines() == [
        "--- policies/a.yaml",
        "+++ policies/a.yaml in layout",
        "@@ -1,4 +1,4 @@",
        " version: 1",
        " owners:",
        "-- a # b",
        "+  - a # b",
        " ",
    ]
    assert (root / "policies" / "a.yaml").read_text() == NEAT


def test_check_with_diff_writes_nothing(fmt: Any, write: Any) -> None:
    root = write(a=NEAT.replace("\n", "\r\n"))
    before = content(root)
    code, out, _ = fmt("--check", "--diff")
    assert code == 1
    assert "-version: 1\\r" in out.splitlines()
    assert content(root) == before


def test_a_diff_gives_no_command_to_a_terminal_or_a_runner(fmt: Any, write: Any) -> None:
    write(a="version: 1\nowners:\n- a # ##[group] \u200b ##vso[x]\n# ::error::x\n")
    _, out, _ = fmt("--check", "--diff")
    assert "\\u200b" in out
    assert "##[" not in out
    assert "##vso" not in out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())


def test_nothing_is_written_while_a_file_cannot_be_read(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE, b=UNREADABLE, c="a: 1\na: 2\n")
    before = content(root)
    code, out, err = fmt()
    assert (code, out) == (1, "")
    assert "policies/b.yaml:3:1: yaml-syntax: " in err
    assert "policies/c.yaml:2:1: repeated-key: " in err
    assert "error: 2 problems found; nothing was written." in err
    assert content(root) == before


def test_links_pipes_and_other_endings_are_refused_with_the_rest(
    fmt: Any, write: Any, tmp_path: Path
) -> None:
    (tmp_path / "outside.yaml").write_text(LOOSE)
    (tmp_path / "other").mkdir()
    root = write(a=LOOSE, b=UNREADABLE)
    (root / "policies" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (root / "policies" / "folder").symlink_to(tmp_path / "other")
    (root / "policies" / "x.yml").write_text(LOOSE)
    os.mkfifo(root / "policies" / "pipe.yaml")
    before = content(root)
    code, _, err = fmt()
    assert code == 1
    for told in (
        "policies/link.yaml: link:",
        "policies/folder: link:",
        "policies/x.yml: yml-file:",
        "policies/pipe.yaml: not-a-file:",
        "policies/b.yaml:3:1: yaml-syntax:",
    ):
        assert told in err
    assert content(root) == before


def test_only_the_named_files_are_written(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE, sub__b=LOOSE, c=UNREADABLE)
    code, out, err = fmt("policies/sub/b.yaml", "policies/sub/b.yaml")
    assert (code, out) == (0, "policies/sub/b.yaml\n")
    assert err == "1 file, 1 of them written anew.\n"
    assert (root / "policies" / "a.yaml").read_text() == LOOSE
    assert (root / "policies" / "sub" / "b.yaml").read_text() == NEAT


def test_a_named_file_that_is_not_for_us_is_refused(fmt: Any, write: Any) -> None:
    root = write(a=LOOSE, b=UNREADABLE)
    (root / "link.yaml").symlink_to(root / "policies" / "a.yaml")
    (root / "x.txt").write_text(LOOSE)
    before = content(root)
    names = ("policies/a.yaml", "policies/b.yaml", "link.yaml", "x.txt", "policies", "none.yaml")
    code, out, err = fmt(*names)
    assert (code, out) == (1, "")
    for told in (
        "link.yaml: link:",
        "x.txt: not-a-policy-file:",
        "policies: not-a-policy-file:",
        "none.yaml: unreadable-file:",
        "policies/b.yaml:3:1: yaml-syntax:",
    ):
        assert told in err
    assert content(root) == before


def test_files_and_a_folder_together_are_wrong_usage(fmt: Any, write: Any) -> None:
    write(a=LOOSE)
    code, out, err = fmt("--policies", "policies", "policies/a.yaml")
    assert (code, out) == (1, "")
    assert "not both" in err


def test_a_missing_folder_is_named(fmt: Any) -> None:
    code, _, err = fmt("--policies", "nowhere")
    assert code == 1
    assert "nowhere: no-folder:" in err


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_mode(fmt: Any, write: Any, mode: int) -> None:
    path = write(a=LOOSE) / "policies" / "a.yaml"
    path.chmod(mode)
    assert fmt()[0] == 0
    assert path.read_text() == NEAT
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_file_is_replaced_and_never_written_into(fmt: Any, write: Any) -> None:
    """Whoever has the old file open sees all of the old text, so nobody ever sees half of one."""
    path = write(a=LOOSE) / "policies" / "a.yaml"
    with path.open() as old:
        assert fmt()[0] == 0
        assert old.read() == LOOSE
    assert path.read_text() == NEAT
    assert [entry.name for entry in path.parent.iterdir()] == ["a.yaml"]


def replacement(folder: Path, path: str, before: str = LOOSE) -> Replacement:
    return Replacement(folder, path, before.encode(), NEAT.encode())


def test_a_file_that_changed_meanwhile_stops_all(write: Any) -> None:
    root = write(a=LOOSE, b=LOOSE + "# more\n") / "policies"
    before = content(root)
    with pytest.raises(SettingsError, match=r"b\.yaml has changed while it was formatted"):
        replace_files([replacement(root, "a.yaml"), replacement(root, "b.yaml")])
    assert content(root) == before


@pytest.mark.parametrize("place", ["gone.yaml", "link.yaml", "folder/a.yaml", "none/a.yaml"])
def test_what_became_a_link_or_went_away_stops_all(write: Any, place: str) -> None:
    root = write(a=LOOSE, sub__a=LOOSE) / "policies"
    (root / "link.yaml").symlink_to(root / "a.yaml")
    (root / "folder").symlink_to(root / "sub")
    before = content(root)
    with pytest.raises(SettingsError, match="cannot be written"):
        replace_files([replacement(root, "a.yaml"), replacement(root, place)])
    assert content(root) == before


def test_a_pipe_in_the_place_of_a_file_does_not_hang(write: Any) -> None:
    root = write(a=LOOSE) / "policies"
    os.mkfifo(root / "b.yaml")
    with pytest.raises(SettingsError, match=r"b\.yaml"):
        replace_files([replacement(root, "b.yaml", "")])


@contextmanager
def nobody() -> Iterator[Path]:
    """Be a user without privileges, and own a folder that root may not help with."""
    with tempfile.TemporaryDirectory() as name:
        is_root, folder = os.geteuid() == 0, Path(name)
        if is_root:
            os.chown(folder, 65532, -1)
            os.seteuid(65532)
        try:
            yield folder
        finally:
            folder.chmod(0o700)
            if is_root:
                os.seteuid(0)


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o755), (0o644, 0o555)])
def test_what_may_not_be_written_stays(file: int, folder: int) -> None:
    """Nor is a file replaced that may only be read, although its folder would allow that."""
    with nobody() as root:
        for name in ("a.yaml", "b.yaml"):
            (root / name).write_text(LOOSE)
        (root / "b.yaml").chmod(file)
        root.chmod(folder)
        before = content(root)
        with pytest.raises(SettingsError, match=r"\.yaml cannot be written: Permission denied"):
            replace_files([replacement(root, "a.yaml"), replacement(root, "b.yaml")])
        assert content(root) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root owns files of several users")
def test_a_file_keeps_its_owner(fmt: Any, write: Any) -> None:
    path = write(a=LOOSE) / "policies" / "a.yaml"
    os.chown(path, 65532, 65531)
    assert fmt()[0] == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (65532, 65531)


def test_a_full_device_leaves_the_old_file(write: Any) -> None:
    """No file may grow beyond a few bytes here, so the new text cannot be laid beside the old."""
    root = write(a=LOOSE + "# long\n" * 1000)
    before = content(root)
    command = [sys.executable, "-P", "-m", "reconciler", "fmt"]
    done = subprocess.run(
        ["bash", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "-", *command],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "policies/a.yaml cannot be written: File too large" in done.stderr
    assert content(root) == before
