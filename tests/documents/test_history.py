"""Which commit wrote a line or took a word out, asked of real repositories."""

import os
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.documents.base import read_base, read_policy
from reconciler.documents.commits import MAX_TEXT
from reconciler.documents.git import Git
from reconciler.documents.history import read_history, read_lines
from reconciler.domain.plan import Commit
from reconciler.errors import Place, SettingsError
from reconciler.planning.causes import History

ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@acme.example",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@acme.example",
}
POLICY = """\
version: 1
assignments:
  - members: [ana@acme.example]
    role: SOC
    tenant: true
"""
ANA = 3
"""The line that names Ana."""
Repository = Callable[..., str]


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=ENVIRON,
        check=True,
        capture_output=True,
        input=stdin,
    )
    return done.stdout.decode(errors="replace").strip()


def write(folder: Path, text: str, name: str = "a.yaml") -> None:
    path = folder / "policies" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path


def commit(folder: Path, text: str, subject: str, name: str = "a.yaml") -> str:
    write(folder, text, name)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


def place(line: int, name: str = "a.yaml") -> Place:
    return Place(f"policies/{name}", line, 5)


def history(*places: Place, ref: str | None = None) -> History:
    return read_history(Path("policies"), places, ref, ENVIRON)


def subjects(written: Mapping[Place, Commit]) -> dict[int, str]:
    return {each.line: commit_.subject for each, commit_ in written.items()}


# lines


def test_each_line_has_the_commit_that_wrote_it(tree: Path) -> None:
    first = commit(tree, POLICY, "first")
    second = commit(tree, POLICY.replace("SOC", "Admin"), "second")

    assert history(place(ANA), place(4)).written == {
        place(ANA): Commit(first, "Ada", "first"),
        place(4): Commit(second, "Ada", "second"),
    }


def test_lines_move_and_keep_their_commit_while_new_ones_have_none(tree: Path) -> None:
    commit(tree, POLICY, "first")
    write(tree, "# a new line\n" + POLICY.replace("SOC", "Admin"))

    assert subjects(history(place(1), place(ANA + 1), place(5)).written) == {ANA + 1: "first"}


def test_other_line_ends_are_no_other_lines(tree: Path) -> None:
    commit(tree, POLICY, "first")
    write(tree, POLICY.replace("\n", "\r\n"))

    assert subjects(history(place(ANA)).written) == {ANA: "first"}


def test_a_renamed_file_keeps_its_history(tree: Path) -> None:
    commit(tree, POLICY, "first")
    git(tree, "mv", "policies/a.yaml", "policies/b.yaml")
    git(tree, "commit", "-qm", "renamed")

    assert subjects(history(place(ANA, "b.yaml")).written) == {ANA: "first"}


def test_files_and_lines_that_git_does_not_know_have_no_commit(tree: Path) -> None:
    commit(tree, POLICY, "first")
    write(tree, POLICY, "new.yaml")
    elsewhere = Place("guardrails.yaml", 1, 1)

    unknown = (place(ANA, "new.yaml"), place(99), place(0), place(1, "no.yaml"), elsewhere)
    assert history(*unknown).written == {}


def test_more_lines_than_fit_on_a_command_line(tree: Path) -> None:
    commit(tree, POLICY + "# x\n" * 3000, "first")

    assert len(history(*(place(n) for n in range(1, 3000))).written) == 2999


def test_a_shallow_clone_does_not_blame_where_the_history_was_cut(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + "former: [bo@acme.example]\n", "second")
    commit(tree, POLICY + "former: [bo@acme.example, cy@acme.example]\n", "third")
    shallow = tmp_path_factory.mktemp("shallow")
    git(shallow, "clone", "-q", "--depth", "2", tree.as_uri(), "x")
    monkeypatch.chdir(shallow / "x")

    told = history(place(ANA), place(6))
    assert subjects(told.written) == {6: "third"}
    assert [recent.commit.subject for recent in told.recent] == ["third"]
    assert told.is_clean


def test_a_branch_whose_beginning_was_cut_off_seems_to_have_written_nothing(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tree, POLICY, "first")
    git(tree, "checkout", "-qb", "topic")
    commit(tree, POLICY + "former: [bo@acme.example]\n", "on the branch")
    git(tree, "checkout", "-q", "main")
    commit(tree, POLICY, "on main", "b.yaml")
    git(tree, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    shallow = tmp_path_factory.mktemp("shallow")
    git(shallow, "clone", "-q", "--depth", "2", tree.as_uri(), "x")
    monkeypatch.chdir(shallow / "x")

    told = history(place(ANA))
    assert (told.written, told.recent, told.is_clean) == ({}, (), False)


def test_a_past_commit_has_lines_of_its_own(tree: Path) -> None:
    first = commit(tree, POLICY, "first")
    commit(tree, "# x\n" + POLICY.replace("ana", "bo"), "second")

    lines = read_lines(Path("policies"), [place(ANA)], first, ENVIRON)
    assert subjects(lines) == {ANA: "first"}
    assert read_lines(Path("policies"), [place(ANA)], "nowhere", ENVIRON) == {}
    assert subjects(read_lines(Path("policies"), [place(1)], None, ENVIRON)) == {1: "second"}


# commits since the base


def test_words_that_came_and_went_since_the_base(tree: Path) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY.replace("ana@", "bo@"), "second")

    (recent,) = history().recent
    assert recent.commit.subject == "second"
    assert recent.added == {"bo@acme.example"}
    assert recent.removed == {"ana@acme.example"}


def test_a_line_moved_to_another_file_neither_came_nor_went(tree: Path) -> None:
    commit(tree, POLICY, "first")
    git(tree, "mv", "policies/a.yaml", "policies/b.yaml")
    git(tree, "commit", "-qm", "moved")

    (recent,) = history().recent
    assert (recent.added, recent.removed) == (frozenset(), frozenset())


def test_names_in_another_case_and_as_keys_are_the_same_words(tree: Path) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + 'users:\n  "Bo@Acme.example": {name: Bo}\n', "second")

    assert "bo@acme.example" in history().recent[0].added


def test_the_commits_of_a_merged_branch_are_told_and_not_the_merge(tree: Path) -> None:
    commit(tree, POLICY, "first")
    git(tree, "checkout", "-qb", "topic")
    commit(tree, POLICY.replace("ana@", "bo@"), "second")
    (tree / "README").write_text("x")
    commit(tree, POLICY.replace("ana@", "cy@"), "third")
    git(tree, "checkout", "-q", "main")
    git(tree, "merge", "-q", "--no-ff", "-m", "merge", "topic")

    assert [recent.commit.subject for recent in history().recent] == ["third", "second"]


def test_the_base_can_be_named_and_commits_elsewhere_do_not_count(tree: Path) -> None:
    first = commit(tree, POLICY, "first")
    commit(tree, POLICY.replace("ana@", "bo@"), "second")
    (tree / "README").write_text("x")
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "elsewhere")

    assert history().recent == ()
    assert [recent.commit.subject for recent in history(ref=first).recent] == ["second"]
    assert history(ref="nowhere").recent == ()


def test_clean_means_the_files_of_the_last_commit(tree: Path) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + "# x\n", "second")
    assert history().is_clean

    write(tree, POLICY, "new.yaml")
    assert not history().is_clean


# what must not break anything


def test_outside_a_work_tree_and_before_the_first_commit_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POLICY)
    assert history(place(ANA)) == History()
    assert read_lines(Path("policies"), [place(ANA)], None, ENVIRON) == {}

    git(tmp_path, "init", "-q")
    assert history(place(ANA)) == History()


def test_a_folder_that_cannot_be_read_breaks_nothing(tree: Path) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + "# x\n", "second")
    (tree / "policies" / "a.yaml").unlink()
    (tree / "policies" / "a.yaml").mkdir()

    assert (history(place(ANA)).written, history().is_clean) == ({}, False)


@pytest.mark.parametrize(
    "name", ["-x.yaml", ":(top)a.yaml", "[a]*.yaml", "ä b'\"$(x).yaml", "@.yaml"]
)
def test_file_names_are_names_and_nothing_else(tree: Path, name: str) -> None:
    commit(tree, POLICY, "first", name)

    assert subjects(history(place(ANA, name)).written) == {ANA: "first"}


def test_a_folder_with_too_many_files_breaks_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + "# x\n", "second")
    monkeypatch.setattr("reconciler.documents.files.MAX_FILES", 0)

    assert (history(place(ANA)).written, history().is_clean) == ({}, False)


def test_a_blob_that_git_does_not_have_is_missed(tree: Path) -> None:
    assert Git(tree, ENVIRON).contents(["0" * 40]) is None
    assert Git(tree, ENVIRON).contents([]) == []


def test_authors_and_subjects_in_any_bytes(tree: Path) -> None:
    commit(tree, POLICY, "first")
    write(tree, POLICY + "# x\n")
    git(tree, "add", "-A")
    parent, contents = git(tree, "rev-parse", "HEAD"), git(tree, "write-tree")
    raw = (
        f"tree {contents}\nparent {parent}\n".encode()
        + b"author A\xff\x1b[31m\xe2\x80\xae <a@x> 1700000000 +0000\n"
        + b"committer A <a@x> 1700000000 +0000\n\n"
        + b"::error::\xfe\x1b]0;x\x07\r"
        + b"y" * 500
        + b"\nsecond line\n"
    )
    made = git(tree, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    git(tree, "update-ref", "HEAD", made)

    told = history(place(6))
    (recent,) = told.recent
    assert told.written[place(6)] == recent.commit
    assert recent.commit.author == "A\ufffd\x1b[31m\u202e"
    assert recent.commit.subject.startswith("::error::\ufffd\x1b]0;x\x07")
    assert len(recent.commit.subject) <= MAX_TEXT


def test_content_cannot_pass_itself_off_as_a_commit(tree: Path) -> None:
    forged = "\0" + "1" * 40 + "\0p\0Mallory\0All is well\n"
    commit(tree, POLICY, "first")
    commit(tree, POLICY + forged, "second")

    assert [recent.commit.subject for recent in history(place(6)).recent] == ["second"]


def test_a_list_of_commits_to_skip_that_is_not_there_breaks_nothing(tree: Path) -> None:
    commit(tree, POLICY, "first")
    commit(tree, POLICY + "# x\n", "second")
    git(tree, "config", "blame.ignoreRevsFile", "/nonexistent")

    assert (history(place(ANA)).written, len(history().recent)) == ({}, 1)


def test_a_mailmap_in_the_repository_renames_no_author(tree: Path) -> None:
    (tree / ".mailmap").write_text("Noor <noor@acme.example> <ada@acme.example>\n")
    commit(tree, POLICY, "first")

    assert history(place(ANA)).written[place(ANA)].author == "Ada"


def sign(tree: Path) -> None:
    """Give the last commit something that looks like a signature."""
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n"
    head, _, rest = (git(tree, "cat-file", "commit", "HEAD") + "\n").partition("\n\n")
    raw = f"{head}\n{signature}\n{rest}".encode()
    made = git(tree, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    git(tree, "update-ref", "HEAD", made)


def trap(tree: Path) -> tuple[str, Path]:
    """A program that leaves a mark when it is run."""
    mark = tree / "ran"
    program = tree / ".git" / "trap"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{mark}"\ncat\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program), mark


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("filter.x.clean", "filter=x"),
        ("filter.x.smudge", "filter=x"),
        ("filter.x.process", "filter=x"),
        ("diff.x.textconv", "diff=x"),
        ("diff.x.command", "diff=x"),
        ("merge.x.driver", "merge=x"),
        ("diff.external", ""),
        ("core.fsmonitor", ""),
        ("core.pager", ""),
        ("core.editor", ""),
        ("gpg.program", ""),
        ("credential.helper", ""),
    ],
)
def test_no_program_that_a_repository_names_is_run(tree: Path, key: str, attribute: str) -> None:
    program, mark = trap(tree)
    if attribute:
        (tree / ".gitattributes").write_text(f"*.yaml {attribute}\n")
    first = commit(tree, POLICY, "first")
    commit(tree, POLICY + "# x\n", "second")
    sign(tree)
    git(tree, "config", key, program)
    git(tree, "config", "log.showSignature", "true")
    git(tree, "config", "log.diffMerges", "on")
    write(tree, POLICY + "# y\n")

    told = history(place(ANA))
    read_base(Path("policies"), None, ENVIRON)
    read_policy(Path("policies"), first, ENVIRON)

    assert subjects(told.written) == {ANA: "first"}
    assert [recent.commit.subject for recent in told.recent] == ["second"]
    assert not mark.exists(), mark.read_text()


def test_the_trap_of_these_tests_works(tree: Path) -> None:
    program, mark = trap(tree)
    (tree / ".gitattributes").write_text("*.yaml filter=x\n")
    commit(tree, POLICY + "# x\n", "first")
    git(tree, "config", "filter.x.clean", program)
    write(tree, POLICY + "# y\n")

    git(tree, "status", "--porcelain")
    assert mark.exists()


def test_a_partial_clone_is_not_completed_through_the_network(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(tree, POLICY, "first")
    commit(tree, POLICY.replace("ana@", "bo@"), "second")
    git(tree, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path_factory.mktemp("partial")
    git(partial, "clone", "-q", "--filter=blob:none", tree.as_uri(), "x")
    program, mark = trap(partial / "x")
    git(partial / "x", "config", "remote.origin.uploadpack", program)
    monkeypatch.chdir(partial / "x")

    base = read_base(Path("policies"), None, ENVIRON)
    with pytest.raises(SettingsError, match="this clone lacks them"):
        read_policy(Path("policies"), first, ENVIRON)

    assert (base.policies, base.note) == (
        (),
        "this clone does not hold the policy files of the base commit",
    )
    assert history(place(ANA)).recent == ()
    assert not mark.exists()


def test_git_is_told_nothing_but_what_was_passed_on(tree: Path) -> None:
    commit(tree, POLICY, "first")
    fake = tree / "bin"
    fake.mkdir()
    (fake / "git").write_text(
        '#!/bin/sh\nenv >> "$0.log"\nexec /usr/bin/env PATH="${PATH#*:}" git "$@"\n'
    )
    (fake / "git").chmod(0o755)
    environ = ENVIRON | {"PATH": f"{fake}:{ENVIRON['PATH']}"}

    told = read_history(Path("policies"), [place(ANA)], None, environ)

    seen = {line.partition("=")[0] for line in (fake / "git.log").read_text().splitlines()}
    allowed = {*ENVIRON, "PWD", "_", "SHLVL", "OLDPWD"}
    assert subjects(told.written) == {ANA: "first"}
    assert seen - allowed == {"GIT_NO_LAZY_FETCH", "GIT_ALLOW_PROTOCOL", "GIT_TERMINAL_PROMPT"}


# a past policy


def test_a_past_policy_is_read_with_places_of_the_work_tree(tree: Path) -> None:
    first = commit(tree, POLICY, "first")
    commit(tree, POLICY.replace("ana@", "bo@"), "second")
    write(tree, "broken")

    policy = read_policy(Path("policies"), first, ENVIRON)

    (member,) = policy.assignments[0].members
    assert (member.name.label, member.place) == (
        "ana@acme.example",
        Place("policies/a.yaml", ANA, 15),
    )


@pytest.mark.parametrize("ref", ["nowhere", "--help", ""])
def test_a_past_commit_that_git_does_not_know_is_an_error(tree: Path, ref: str) -> None:
    commit(tree, POLICY, "first")

    with pytest.raises(SettingsError, match=r"--at .*no such commit"):
        read_policy(Path("policies"), ref, ENVIRON)


def test_a_past_commit_without_policies_is_an_error(tree: Path) -> None:
    git(tree, "commit", "-q", "--allow-empty", "-m", "empty")
    (tree / "policies").mkdir()

    with pytest.raises(SettingsError, match="no policy files below policies"):
        read_policy(Path("policies"), "HEAD", ENVIRON)


def test_a_tree_that_leads_out_of_the_folder_is_not_followed(tree: Path) -> None:
    blob = git(tree, "hash-object", "-w", "--stdin", stdin=POLICY.encode())
    raw = bytes.fromhex(blob)
    content = b"100644 ../out.yaml\0" + raw + b"100644 .hidden.yaml\0" + raw
    made = git(tree, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=content)
    top = git(tree, "mktree", stdin=f"040000 tree {made}\tpolicies\n".encode())
    head = git(tree, "commit-tree", top, "-m", "x")
    git(tree, "update-ref", "HEAD", head)

    (tree / "policies").mkdir()
    assert Git(Path("policies"), ENVIRON).files(head, "policies/") == {}
