"""What people do on the fake host, and the events that come of it."""

from pathlib import Path

import pytest
from runner.site import NONE, Site

TEXT = {"policies/a.yaml": "version: 2\n"}


def test_an_opened_pull_request_has_a_trial_merge(site: Site) -> None:
    event = site.open_pull("ada", "More", TEXT)
    pull = event.payload["pull_request"]
    assert (event.name, event.payload["action"], event.number) == ("pull_request", "opened", 1)
    assert (event.ref, event.sha) == ("refs/pull/1/merge", pull["merge_commit_sha"])
    assert (pull["head"]["sha"], pull["base"]["sha"]) == (event.head, site.head)
    assert site.origin.show(event.sha, "policies/a.yaml") == "version: 2"
    assert event.files == ["policies/a.yaml"]
    assert event.is_trusted
    assert event.payload["repository"]["full_name"] == pull["head"]["repo"]["full_name"]
    assert site.origin.resolve("change") == event.head


def test_a_fork_and_dependabot_are_not_trusted(site: Site) -> None:
    fork = site.open_pull("eve", "x", TEXT, fork="eve/access")
    assert not fork.is_trusted
    assert fork.payload["pull_request"]["head"]["repo"]["full_name"] == "eve/access"
    assert site.origin.resolve("change") == ""
    assert site.origin.git("rev-parse", "refs/pull/1/head") == fork.head
    bot = site.open_pull("dependabot[bot]", "x", TEXT, branch="bump")
    assert not bot.is_trusted


def test_a_push_to_a_pull_request_moves_its_head(site: Site) -> None:
    opened = site.open_pull("ada", "More", TEXT)
    site.push_to_main("noor", {"other": "x"})
    pushed = site.push(opened.number, {"policies/b.yaml": "x", "policies/a.yaml": None})
    assert pushed.payload["action"] == "synchronize"
    assert (pushed.payload["before"], pushed.payload["after"]) == (opened.head, pushed.head)
    assert pushed.files == ["policies/a.yaml", "policies/b.yaml"]
    assert "policies/a.yaml" not in site.origin.files(pushed.sha)
    assert "other" in site.origin.files(pushed.sha)
    assert site.again(opened.number).payload["action"] == "reopened"
    fork = site.open_pull("eve", "x", TEXT, branch="f", fork="eve/access")
    assert site.push(fork.number, {"c": "x"}).head == site.host.world.pull(fork.number).head


@pytest.mark.parametrize(("how", "parents"), [("merge", 2), ("squash", 1), ("rebase", 1)])
def test_a_merge_is_a_push_that_the_host_knows_the_request_of(
    site: Site, how: str, parents: int
) -> None:
    before = site.head
    number = site.open_pull("ada", "More", TEXT).number
    head = site.push(number, {"policies/b.yaml": "x"}).head
    event = site.merge(number, "noor", how)
    assert (event.name, event.ref, event.sha) == ("push", "refs/heads/main", site.head)
    assert event.payload["before"] == before
    assert event.files == ["policies/a.yaml", "policies/b.yaml"]
    assert len(site.origin.git("rev-list", "--parents", "-1", site.head).split()) == parents + 1
    pull = site.host.world.pull(number)
    assert (pull.merge_commit, pull.head, site.host.world.items[number].state) == (
        site.head, head, "closed",
    )  # fmt: skip
    tree = site.origin.git("rev-parse", f"{site.head}^{{tree}}")
    assert tree == site.origin.git("rev-parse", f"{head}^{{tree}}")


def test_main_can_be_pushed_to_and_the_clock_and_a_person_start_from_it(site: Site) -> None:
    event = site.push_to_main("ada", TEXT)
    assert site.host.world.commits == {event.sha}
    assert site.schedule().sha == event.sha
    pressed = site.dispatch("noor", {"digest": "x"})
    assert (pressed.actor, pressed.inputs, pressed.payload["inputs"]) == (
        "noor", {"digest": "x"}, {"digest": "x"},
    )  # fmt: skip
    assert NONE not in event.payload["before"]


def test_a_conflict_cannot_be_proposed(site: Site) -> None:
    number = site.open_pull("ada", "More", TEXT).number
    site.push_to_main("noor", {"policies/a.yaml": "version: 3\n"})
    with pytest.raises(AssertionError, match="merge-tree"):
        site.again(number)


def test_a_work_tree_is_taken_without_what_it_ignores(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    (folder / "policies").mkdir(parents=True)
    for name in (".gitignore", "policies/a.yaml", "policies/ignored", "run.sh", "other"):
        (folder / name).write_text("ignored\n")
    (folder / "run.sh").chmod(0o755)
    site.origin.take("main", folder, ".gitignore", "policies", "run.sh")
    files = site.origin.files(site.head)
    assert files == [".gitignore", "README", "policies/a.yaml", "run.sh"]
    assert site.origin.git("ls-tree", site.head, "run.sh").startswith("100755")


def test_the_fork_of_a_request_can_be_deleted(site: Site) -> None:
    number = site.open_pull("eve", "x", TEXT, fork="eve/access").number
    site.host.world.pull(number).head_repository = None
    item = site.host.world.items[number]
    assert site.host.views.pull(item)["head"]["repo"] is None
