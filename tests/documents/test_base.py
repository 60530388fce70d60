"""The base commit, read from real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.documents.base import Base, read_base
from reconciler.errors import SettingsError

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@acme.example",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@acme.example",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=ENVIRON, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def write(folder: Path, *people: str) -> None:
    path = folder / "policies" / "deep" / "a.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "version: 1\nassignments:\n  - members: [" + ", ".join(people) + "]\n"
        "    role: SOC\n    tenant: true\n"
    )


def commit(folder: Path, *people: str) -> str:
    write(folder, *people)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def people(base: Base, at: int = 0) -> set[str]:
    return {m.name.label for entry in base.policies[at].assignments for m in entry.members}


def test_in_a_clean_work_tree_the_base_is_the_commit_before(tree: Path) -> None:
    commit(tree, "ana@acme.example")
    commit(tree, "bo@acme.example")

    assert people(read_base(tree / "policies", None, ENVIRON)) == {"ana@acme.example"}


def test_with_uncommitted_changes_the_last_commit_counts_as_well(tree: Path) -> None:
    commit(tree, "ana@acme.example")
    commit(tree, "bo@acme.example")
    write(tree, "cy@acme.example")

    base = read_base(tree / "policies", None, ENVIRON)

    assert (people(base, 0), people(base, 1)) == ({"ana@acme.example"}, {"bo@acme.example"})


def test_attributes_that_make_a_checkout_look_changed_do_not_move_the_base(tree: Path) -> None:
    commit(tree, "ana@acme.example", "bo@acme.example")
    write(tree, "ana@acme.example")
    path = tree / "policies" / "deep" / "a.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "quiet")
    (tree / ".gitattributes").write_text("*.yaml text eol=lf\n")
    git(tree, "add", ".gitattributes")
    git(tree, "commit", "-q", "--amend", "-m", "quiet")

    assert "bo@acme.example" in people(read_base(tree / "policies", None, ENVIRON))


def test_a_base_without_any_policies_has_nobody_under_management(tree: Path) -> None:
    git(tree, "commit", "-q", "--allow-empty", "-m", "empty")
    commit(tree, "ana@acme.example")

    assert read_base(tree / "policies", None, ENVIRON) == Base()


def test_the_base_can_be_named(tree: Path) -> None:
    first = commit(tree, "ana@acme.example")
    commit(tree, "bo@acme.example")
    commit(tree, "cy@acme.example")

    assert people(read_base(tree / "policies", first, ENVIRON)) == {"ana@acme.example"}


@pytest.mark.parametrize("ref", ["nowhere", "--help", "HEAD:policies", ""])
def test_a_base_that_git_cannot_read_is_an_error(tree: Path, ref: str) -> None:
    commit(tree, "ana@acme.example")

    with pytest.raises(SettingsError, match="no such commit"):
        read_base(tree / "policies", ref, ENVIRON)


def test_a_merge_commit_is_compared_with_its_first_parent(tree: Path) -> None:
    commit(tree, "ana@acme.example", "bo@acme.example")
    git(tree, "checkout", "-q", "-b", "topic")
    commit(tree, "ana@acme.example")
    git(tree, "checkout", "-q", "main")
    git(tree, "merge", "-q", "--no-ff", "-m", "m", "topic")

    base = read_base(tree / "policies", None, ENVIRON)

    assert people(base) == {"ana@acme.example", "bo@acme.example"}


def test_outside_a_work_tree_and_at_the_first_commit_there_is_no_base(tmp_path: Path) -> None:
    write(tmp_path, "ana@acme.example")
    assert read_base(tmp_path / "policies", None, ENVIRON) == Base()

    git(tmp_path, "init", "-q")
    commit(tmp_path, "ana@acme.example")
    assert read_base(tmp_path / "policies", None, ENVIRON) == Base()


def test_a_shallow_clone_says_that_it_cannot_tell(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    commit(tree, "ana@acme.example")
    commit(tree, "bo@acme.example")
    shallow = tmp_path_factory.mktemp("shallow")
    git(shallow, "clone", "-q", "--depth", "1", tree.as_uri(), "x")

    base = read_base(shallow / "x" / "policies", None, ENVIRON)

    assert (base.policies, base.note) == ((), "this is a shallow clone, without the commit before")


def test_a_work_tree_that_git_refuses_says_so(tree: Path) -> None:
    commit(tree, "ana@acme.example")
    (tree / ".git" / "config").write_text("[broken\n")

    base = read_base(tree / "policies", None, ENVIRON)

    assert (base.policies, base.note) == ((), "git does not answer for this work tree")


def test_without_git_installed_it_says_so(tree: Path) -> None:
    commit(tree, "ana@acme.example")

    base = read_base(tree / "policies", None, {"PATH": "/nonexistent"})

    assert base.note == "git does not answer for this work tree"


def test_an_invalid_base_says_so(tree: Path) -> None:
    commit(tree, "ana@acme.example")
    (tree / "policies" / "deep" / "a.yaml").write_text("version: 2\n")
    git(tree, "commit", "-qam", "broken")
    commit(tree, "ana@acme.example")

    base = read_base(tree / "policies", None, ENVIRON)

    assert base.note == "the policy files of the base commit are invalid"


def test_links_in_the_base_are_not_followed(tree: Path) -> None:
    (tree / "policies").mkdir()
    (tree / "policies" / "b.yaml").symlink_to("/etc/hostname")
    commit(tree, "ana@acme.example")
    (tree / "policies" / "b.yaml").unlink()
    commit(tree, "ana@acme.example")

    assert people(read_base(tree / "policies", None, ENVIRON)) == {"ana@acme.example"}


def test_git_sees_no_variable_that_was_not_passed_on(tree: Path, tmp_path: Path) -> None:
    commit(tree, "ana@acme.example")
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text('#!/bin/sh\nenv >> "$0.log"\nexit 1\n')
    (fake / "git").chmod(0o755)

    read_base(tree / "policies", None, {"PATH": f"{fake}:{ENVIRON['PATH']}", "SEEN": "yes"})

    log = (fake / "git.log").read_text()
    assert "SEEN=yes" in log
    assert "HOME=" not in log
