"""The committed policies that closing windows rest on, read from real repositories."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.documents.versions import MAX_AGE, MAX_READ, read_versions
from reconciler.domain.wanted import Version

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


class Tree:
    """A work tree whose commits have dates and, as policies, one person each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, at: datetime = NOW) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@acme.example")
        dates = dict.fromkeys(("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"), at.isoformat())
        command = ["git", "-C", str(self.folder), *who, *arguments]
        done = subprocess.run(command, env=ENVIRON | dates, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def writes(self, person: str) -> None:
        (self.folder / "policies").mkdir(exist_ok=True)
        (self.folder / "policies" / "a.yaml").write_text(
            f"version: 1\nassignments: [{{members: [{person}@a.example], role: X, tenant: true}}]\n"
        )

    def commits(self, person: str, at: datetime) -> None:
        self.writes(person)
        self.git("add", "-A", at=at)
        self.git("commit", "-qm", person, at=at)

    def read(self, *ends: datetime, ref: str | None = None, now: datetime = NOW) -> list[str]:
        return people(read_versions(self.folder / "policies", ref, ends, now, ENVIRON))


def people(versions: tuple[Version, ...]) -> list[str]:
    """The person in each policy, newest first; `-` where there is none."""
    found = [[m.name.key for e in v.policy.assignments for m in e.members] for v in versions]
    return [names[0].partition("@")[0] if names else "-" for names in found]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def four(tree: Tree) -> Tree:
    """Four commits, four days, three, two and one day ago."""
    for days, person in ((4, "four"), (3, "three"), (2, "two"), (1, "one")):
        tree.commits(person, NOW - days * DAY)
    return tree


def test_commits_are_read_back_to_the_one_in_effect_just_before_a_window_closed(four: Tree) -> None:
    assert four.read(NOW) == ["one"]
    assert four.read(NOW - DAY + timedelta(seconds=1)) == ["one"]
    assert four.read(NOW - DAY) == ["one", "two"]
    assert four.read(NOW, NOW - 2 * DAY, NOW - DAY) == ["one", "two", "three"]


def test_a_version_counts_from_the_date_of_its_commit(four: Tree) -> None:
    (version,) = read_versions(four.folder / "policies", None, [NOW], NOW, ENVIRON)

    assert version.since == NOW - DAY


def test_nothing_is_read_for_windows_that_are_open_or_closed_too_long_ago(four: Tree) -> None:
    assert four.read() == []
    assert four.read(NOW + HOUR) == []
    assert four.read(NOW - 4 * DAY) == []  # before the first commit
    assert four.read(NOW, now=NOW + MAX_AGE) == []
    assert four.read(NOW, now=NOW + MAX_AGE - HOUR) == ["one"]


def test_the_work_tree_and_commits_elsewhere_are_no_evidence(four: Tree) -> None:
    four.writes("dirty")
    (four.folder / "other").write_text("x")
    four.git("add", "other")
    four.git("commit", "-qm", "elsewhere", at=NOW - HOUR)

    assert four.read(NOW) == ["one"]


def test_a_named_base_is_where_the_walk_begins(four: Tree) -> None:
    assert four.read(NOW, ref="HEAD~1") == ["two"]
    assert four.read(NOW, ref="nowhere") == []


def test_a_date_set_back_moves_nothing(four: Tree) -> None:
    four.commits("forged", NOW - 3 * DAY)

    assert four.read(NOW - DAY - HOUR) == ["forged", "one", "two"]


def test_a_date_beyond_all_calendars_is_merely_late(tree: Tree) -> None:
    tree.writes("far")
    tree.git("add", "-A")
    tree.git("commit", "-qm", "x")
    raw = tree.git("cat-file", "commit", "HEAD")
    forged = raw.replace(str(int(NOW.timestamp())), "99999999999999")
    made = subprocess.run(
        ["git", "-C", str(tree.folder), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=forged.encode() + b"\n",
        env=ENVIRON,
        check=True,
        capture_output=True,
    )
    tree.git("update-ref", "HEAD", made.stdout.decode().strip())

    assert tree.read(NOW) == []


def test_only_first_parents_count(four: Tree) -> None:
    four.git("checkout", "-q", "-b", "topic", "HEAD~1")
    four.commits("topic", NOW - 20 * HOUR)
    four.git("checkout", "-q", "main")
    four.git("merge", "-q", "--no-ff", "-X", "theirs", "-m", "m", "topic", at=NOW - HOUR)

    assert four.read(NOW) == ["topic"]
    assert four.read(NOW - 2 * HOUR) == ["topic", "one"]


def test_at_most_so_many_commits_are_read(tree: Tree) -> None:
    for n in range(MAX_READ + 1):
        tree.commits(f"p{n}", NOW - DAY + n * HOUR)

    assert len(tree.read(NOW - DAY + 2 * HOUR)) == MAX_READ
    assert tree.read(NOW - DAY + HOUR) == []
    assert tree.read(NOW - DAY + HOUR, NOW - DAY + MAX_READ * HOUR) == ["p20", "p19"]


def test_a_commit_without_policies_asks_for_nothing_and_an_invalid_one_ends_the_walk(
    four: Tree,
) -> None:
    four.git("rm", "-rq", "policies")
    four.git("commit", "-qm", "none", at=NOW - 10 * HOUR)
    four.writes("back")
    assert four.read(NOW, NOW - DAY + HOUR) == ["-", "one"]

    (four.folder / "policies" / "a.yaml").write_text("version: 2\n")
    four.git("add", "-A")
    four.git("commit", "-qm", "invalid", at=NOW - HOUR)
    assert four.read(NOW - 2 * HOUR) == []


def test_outside_git_there_is_no_evidence(tmp_path: Path) -> None:
    assert read_versions(tmp_path, None, [NOW], NOW, ENVIRON) == ()


def test_a_shallow_clone_is_evidence_as_far_as_it_reaches(
    four: Tree, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = tmp_path_factory.mktemp("shallow") / "x"
    four.git("clone", "-q", "--depth", "1", four.folder.as_uri(), str(there))

    found = [
        people(read_versions(there / "policies", None, [end], NOW, ENVIRON))
        for end in (NOW, NOW - DAY)
    ]

    assert found == [["one"], []]
