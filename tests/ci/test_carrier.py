"""The journal's branch only grows, whoever else pushes to it, and shows no token to anybody."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.ci.carrier import BRANCH, Carrier, remote_url
from reconciler.errors import JournalError, SettingsError


def git(folder: Path, *arguments: str) -> str:
    clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=clean, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    folder = tmp_path / "access.git"
    git(tmp_path, "init", "--quiet", "--bare", str(folder))
    return folder


@contextmanager
def carried(bare: Path, folder: Path, **more: str) -> Iterator[Carrier]:
    environ = {"PATH": os.environ["PATH"], "RECONCILER_JOURNAL_REMOTE": str(bare), **more}
    carrier = Carrier.open(environ, folder)
    try:
        carrier.fetch()
        yield carrier
    finally:
        carrier.close()


def test_what_one_run_pushed_the_next_one_finds(bare: Path, tmp_path: Path) -> None:
    with carried(bare, tmp_path / "one") as first:
        assert not first.journal.exists()
        first.journal.write_bytes(b"one\n")
        (first.folder / "journal.jsonl.sig").write_bytes(b"signed\n")
        first.push("first")
        first.push("the same again")

    with carried(bare, tmp_path / "two") as second:
        assert second.journal.read_bytes() == b"one\n"
        assert (second.folder / "journal.jsonl.sig").read_bytes() == b"signed\n"
        second.journal.write_bytes(b"one\ntwo\n")
        second.push("second")

    assert git(bare, "log", "--format=%s", BRANCH).split() == ["second", "first"]
    assert git(bare, "show", f"{BRANCH}:journal.jsonl") == "one\ntwo\n"


def test_a_journal_that_no_longer_begins_with_what_was_fetched_is_not_pushed(
    bare: Path, tmp_path: Path
) -> None:
    with carried(bare, tmp_path / "one") as carrier:
        carrier.journal.write_bytes(b"one\n")
        carrier.push("first")
    with carried(bare, tmp_path / "two") as carrier:
        carrier.journal.write_bytes(b"another\n")
        with pytest.raises(JournalError, match="no longer begins"):
            carrier.push("second")
    assert git(bare, "show", f"{BRANCH}:journal.jsonl") == "one\n"


def test_of_two_runs_at_once_the_second_push_fails_and_overwrites_nothing(
    bare: Path, tmp_path: Path
) -> None:
    with carried(bare, tmp_path / "one") as one, carried(bare, tmp_path / "two") as two:
        one.journal.write_bytes(b"one\n")
        two.journal.write_bytes(b"two\n")
        one.push("one")
        with pytest.raises(JournalError, match="Somebody else"):
            two.push("two")
    assert git(bare, "show", f"{BRANCH}:journal.jsonl") == "one\n"


def test_a_branch_with_a_link_in_place_of_the_journal_is_no_journal(
    bare: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    git(work, "checkout", "--quiet", "--orphan", BRANCH)
    (work / "journal.jsonl").symlink_to("/etc/passwd")
    (work / "folder").mkdir()
    (work / "folder" / "file").write_text("x")
    git(work, "add", "--all")
    git(work, "-c", "user.name=m", "-c", "user.email=m@x.example", "commit", "--quiet", "-m", "m")
    git(work, "push", "--quiet", "origin", BRANCH)

    with (
        pytest.raises(JournalError, match="holds no journal"),
        carried(bare, tmp_path / "one"),
    ):
        pass
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("content", ["one\n", "another\ntwo\n", ""])
def test_a_journal_that_was_cut_or_replaced_by_a_push_is_noticed(
    bare: Path, tmp_path: Path, content: str
) -> None:
    with carried(bare, tmp_path / "one") as carrier:
        carrier.journal.write_bytes(b"one\ntwo\n")
        carrier.push("first")
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(bare), str(work))
    for text in (content, f"{content}three\n"):
        (work / "journal.jsonl").write_text(text)
        git(work, "-c", "user.name=m", "-c", "user.email=m@x.example", "commit", "-qam", "m")
    git(work, "push", "--quiet", "origin", BRANCH)

    with (
        pytest.raises(JournalError, match="was changed by somebody else"),
        carried(bare, tmp_path / "two"),
    ):
        pass


def test_a_remote_that_does_not_answer_is_an_error_not_an_empty_journal(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="the journal's branch"),
        carried(tmp_path / "nothing.git", tmp_path / "one"),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_told(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match="cannot be put into"),
        carried(bare, tmp_path / "file" / "below"),
    ):
        pass


def test_the_repository_is_the_runners_own() -> None:
    github = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "acme/access"}
    assert remote_url(github) == "https://github.example/acme/access.git"
    assert remote_url({"CI_PROJECT_URL": "https://gitlab.example/a/b"}).endswith("/a/b.git")
    with pytest.raises(SettingsError, match="is not known") as refused:
        remote_url({})
    assert "RECONCILER_JOURNAL_REMOTE" in refused.value.remedy


def test_tokens_reach_git_in_one_variable_and_in_no_other(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/access",
        "GITHUB_TOKEN": "ghs_secret",
        "SENTINELONE_TOKEN": "console-secret",
        "ACTIONS_RUNTIME_TOKEN": "runtime-secret",
    }
    carrier = Carrier.open(environ, tmp_path)
    try:
        seen = carrier.remote.environ
    finally:
        carrier.close()
    assert seen["GIT_CONFIG_KEY_0"] == "http.https://github.example/acme/access.git.extraheader"
    assert "secret" not in " ".join(seen.values())
    assert set(seen).isdisjoint({"GITHUB_TOKEN", "SENTINELONE_TOKEN", "ACTIONS_RUNTIME_TOKEN"})


@pytest.mark.parametrize(
    ("tokens", "user"),
    [
        ({"RECONCILER_GITLAB_TOKEN": "one", "CI_JOB_TOKEN": "two"}, b"oauth2:one"),
        ({"CI_JOB_TOKEN": "two"}, b"gitlab-ci-token:two"),
        ({}, None),
    ],
)
def test_on_gitlab_a_job_that_only_reads_goes_with_its_own_token(
    tmp_path: Path, tokens: dict[str, str], user: bytes | None
) -> None:
    place = {"PATH": os.environ["PATH"], "CI_PROJECT_URL": "https://gitlab.example/acme/access"}
    carrier = Carrier.open(place | tokens, tmp_path)
    carrier.close()
    header = carrier.remote.environ.get("GIT_CONFIG_VALUE_0")
    assert (header and base64.b64decode(header.split()[-1])) == user


def test_each_console_may_have_a_branch_of_its_own(bare: Path, tmp_path: Path) -> None:
    with carried(bare, tmp_path / "own", RECONCILER_JOURNAL_BRANCH=f"{BRANCH}-emea") as carrier:
        carrier.journal.write_bytes(b"one\n")
        carrier.push("first")

    assert git(bare, "branch", "--format=%(refname:short)").split() == [f"{BRANCH}-emea"]


@pytest.mark.parametrize(
    "name", ["", "main", f"{BRANCH}/../main", "-x", f"{BRANCH}-", BRANCH + "\n"]
)
def test_the_branch_of_a_journal_is_called_like_one(bare: Path, tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(SettingsError, match="no plain name"),
        carried(bare, tmp_path / "own", RECONCILER_JOURNAL_BRANCH=name),
    ):
        pass
