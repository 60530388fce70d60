"""What GitLab says and takes, over a server written from its documentation."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from codehost import exchange, gitlab
from codehost.gitlab_world import GUEST

from reconciler.domain.review import Approval
from reconciler.forge.base import ForbiddenError, Forge, ForgeError
from reconciler.forge.choice import open_forge

HEAD, BASE, MERGE, SQUASH = "a" * 40, "b" * 40, "c" * 40, "d" * 40
FILES = {"reconciler-plan/plan.json": b"{}\n", "reconciler-plan/result.json": b"[]\n"}
READ_FILES = {"plan.json": b"{}\n", "result.json": b"[]\n"}
Opener = Callable[..., Forge]


@pytest.fixture
def lab() -> Iterator[gitlab.GitLab]:
    with gitlab.running() as host:
        yield host


@pytest.fixture
def open_lab(lab: gitlab.GitLab, clock: Any) -> Iterator[Opener]:
    """Open the host as a job with a token of the project, or with the one that is given."""
    with ExitStack() as stack:

        def opened(token: str = "", **more: str) -> Forge:
            environ = {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": lab.api,
                "CI_PROJECT_ID": str(lab.world.id),
                "CI_PROJECT_URL": f"{lab.url}/{lab.world.path}",
                "RECONCILER_GITLAB_TOKEN": token or lab.world.project_token(),
                **more,
            }
            forge = stack.enter_context(open_forge(environ, clock.monotonic, clock.sleep))
            assert forge is not None
            return forge

        yield opened


def request_of(lab: gitlab.GitLab) -> Any:
    return lab.world.open_request("ada", "More", HEAD, "more", BASE)


# Notes


def test_every_note_is_read_oldest_first_without_those_of_the_system(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    item = request_of(lab)
    for number in range(130):
        lab.world.note(item, "ada", f"word {number}")
        lab.world.note(item, "ada", "added 1 commit", is_system=True)

    found = open_lab().comments(str(item.iid))

    assert [note.body for note in found] == [f"word {number}" for number in range(130)]
    assert len(lab.asked("GET", "/notes$")) == 3
    assert len(lab.asked("GET", "/user$")) == 1


def test_only_what_the_tokens_account_wrote_is_ours(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    forge = open_lab()
    own = forge.add_comment(str(item.iid), "<!-- marker -->")
    lab.world.note(item, "mallory", "<!-- marker -->")

    found = forge.comments(str(item.iid))

    assert [(note.is_ours, note.id == own.id) for note in found] == [(True, True), (False, False)]
    assert own.url == f"{lab.url}/acme/access/-/merge_requests/{item.iid}#note_{own.id}"


def test_without_the_projects_address_a_note_has_none(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    assert open_lab(CI_PROJECT_URL="").add_comment(str(item.iid), "x").url == ""


def test_a_note_is_edited(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    forge = open_lab()
    own = forge.add_comment(str(item.iid), "before")
    lab.fail(exchange.LOST, method="PUT")

    forge.edit_comment(str(item.iid), own.id, "after")

    assert [note.body for note in item.notes] == ["after"]


HOSTILE = "# Plan\n/merge\n  /close\n\n\t/label ~admin\r/merge\r\n/merge a/b"


def test_no_line_of_a_text_is_a_command(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    forge = open_lab()
    own = forge.add_comment(str(item.iid), HOSTILE)
    forge.edit_comment(str(item.iid), own.id, HOSTILE)
    issue = forge.add_issue("Drift", HOSTILE, "drift")
    forge.edit_issue(issue.number, title="Drift", body=HOSTILE, is_open=True, note=HOSTILE)

    assert lab.world.commands == []
    told = "# Plan\n\\/merge\n  \\/close\n\n\t\\/label ~admin\r\\/merge\r\n\\/merge a/b"
    assert [note.body for note in item.notes] == [told]
    assert lab.world.issues[1].description == told


def test_a_note_that_is_too_long_is_told(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    forge = open_lab()
    with pytest.raises(ForgeError, match="too long for GitLab"):
        forge.add_comment(str(item.iid), "x" * (forge.comment_limit + 1))
    assert item.notes == []


def test_a_token_that_only_reads_may_not_write(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    for token in (lab.world.project_token(scope="read_api"), lab.world.project_token(role=GUEST)):
        with pytest.raises(ForbiddenError) as told:
            open_lab(token).add_comment(str(item.iid), "x")
        assert "RECONCILER_GITLAB_TOKEN" in told.value.remedy
        assert "Developer" in told.value.remedy


def test_a_wrong_token_is_told_and_not_shown(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    with pytest.raises(ForbiddenError, match="401") as told:
        open_lab("glpat-wrong").comments(str(item.iid))
    assert "expired" in told.value.remedy
    assert "glpat-wrong" not in f"{told.value.message}{told.value.remedy}"


def test_too_many_requests_are_waited_for(lab: gitlab.GitLab, open_lab: Opener, clock: Any) -> None:
    item = request_of(lab)
    lab.fail(gitlab.too_many("12"), method="POST")
    open_lab().add_comment(str(item.iid), "x")
    assert clock.slept == [12.0]
    assert len(item.notes) == 1


# Labels and issues


def test_labels_are_changed_in_one_go(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    item.labels += ["bug", "access: none"]
    forge = open_lab()

    forge.change_labels(str(item.iid), ["access: grants"], ["access: none", "never there"])
    forge.change_labels(str(item.iid), [], [])

    assert forge.labels(str(item.iid)) == {"bug", "access: grants"}
    assert len(lab.asked("PUT")) == 1


def test_a_label_with_a_comma_is_refused(lab: gitlab.GitLab, open_lab: Opener) -> None:
    with pytest.raises(ForgeError, match="comma"):
        open_lab().change_labels("1", ["a,b"], [])
    assert lab.log == []


def test_an_issue_is_opened_found_closed_and_opened_again(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    lab.world.open_issue("ada", "by a person", labels=("drift",))
    forge = open_lab()
    own = forge.add_issue("Drift", "body", "drift")
    forge.edit_issue(own.number, title="Drift", body="clean", is_open=False, note="Clean.")
    closed = forge.issues("drift")
    forge.edit_issue(own.number, title="Drift again", body="3 grants", is_open=True)
    again = forge.issues("drift")

    assert [(issue.number, issue.is_open, issue.is_ours) for issue in closed] == [
        ("2", False, True), ("1", True, False),
    ]  # fmt: skip
    assert (again[0].title, again[0].body, again[0].is_open) == ("Drift again", "3 grants", True)
    assert [note.body for note in lab.world.issues[2].notes] == ["Clean."]
    assert own.url.endswith("/issues/2")


def test_an_issue_whose_label_was_left_out_is_closed_again(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    def drop(asked: exchange.Asked) -> None:
        asked.body = asked.body.replace(b'"drift"', b'""')

    lab.before_each = drop
    with pytest.raises(ForgeError, match="without the label 'drift'; closed again"):
        open_lab().add_issue("Drift", "body", "drift")

    assert [item.state for item in lab.world.issues.values()] == ["closed"]


def test_another_account_of_ours_may_comment(lab: gitlab.GitLab, open_lab: Opener) -> None:
    item = request_of(lab)
    commenter = lab.world.project_token()
    open_lab(commenter).add_comment("1", "ours")
    lab.world.note(item, "eve", "hers")
    name = lab.world.tokens[commenter].member.username

    by_name = open_lab(RECONCILER_COMMENT_AUTHOR=name).comments("1")

    assert [note.is_ours for note in by_name] == [True, False]
    assert [note.is_ours for note in open_lab().comments("1")] == [False, False]


def test_a_jobs_own_token_reads_what_jobs_kept_and_nothing_else(
    lab: gitlab.GitLab, clock: Any
) -> None:
    request_of(lab)
    lab.world.job("plan", "main", BASE, FILES)
    environ = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": lab.api,
        "CI_PROJECT_ID": str(lab.world.id),
        "CI_JOB_TOKEN": lab.world.project_token(),
    }
    with open_forge(environ, clock.monotonic, clock.sleep, is_reading=True) as forge:
        assert forge is not None
        assert forge.newest_artifact("plan", "main") == READ_FILES
        with pytest.raises(ForbiddenError):
            forge.comments("1")


# Which request was merged


def test_each_commit_of_a_fast_forward_is_of_its_request(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    request_of(lab)
    lab.world.push(1, MERGE)
    lab.world.merge(1, "cleo")
    lab.world.open_request("ada", "Open", SQUASH, "open", BASE)
    forge = open_lab()

    assert forge.requests_of(HEAD, "main") == forge.requests_of(MERGE, "main") == {"1"}
    assert forge.requests_of(HEAD, "other") == forge.requests_of(SQUASH, "main") == frozenset()


WAYS: list[tuple[dict[str, str], str, bool]] = [
    ({"merge": MERGE}, MERGE, True),
    ({"merge": MERGE, "squash": SQUASH}, MERGE, True),
    ({"merge": MERGE, "squash": SQUASH}, SQUASH, False),
    ({"squash": SQUASH}, SQUASH, True),
    ({}, HEAD, True),
    ({"merge": MERGE}, HEAD, False),
]


@pytest.mark.parametrize(("how", "commit", "is_found"), WAYS)
def test_each_way_of_merging_makes_one_commit(
    lab: gitlab.GitLab, open_lab: Opener, how: dict[str, str], commit: str, is_found: bool
) -> None:
    item = request_of(lab)
    lab.world.approve(item.iid, "cho")
    lab.world.approve(item.iid, "bea")
    lab.world.approve(item.iid, "ada")
    lab.world.merge(item.iid, "bea", **how)

    found = open_lab().merged(commit, "main")

    assert (found is not None) is is_found
    if found is not None:
        assert (found.number, found.head) == (str(item.iid), HEAD)
        assert (found.author, found.merged_by) == ("ada", "bea")
        assert found.approvals == (Approval("bea", "", lab.now), Approval("cho", "", lab.now))
        assert found.url.endswith(f"/merge_requests/{item.iid}")


def test_an_older_server_does_not_say_when_somebody_approved(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    item, lab.says_when = request_of(lab), False
    lab.world.approve(item.iid, "cho")
    lab.world.merge(item.iid, "bea", merge=MERGE)

    found = open_lab().merged(MERGE, "main")

    assert found is not None
    assert found.approvals == (Approval("cho", ""),)


def test_an_open_request_or_another_branch_is_no_merge(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    item = request_of(lab)
    forge = open_lab()
    assert forge.merged(HEAD, "main") is None
    lab.world.merge(item.iid, "bea", merge=MERGE)
    assert forge.merged(MERGE, "release") is None


# Artifacts


@pytest.mark.parametrize("sends_elsewhere", [False, True])
def test_the_files_of_a_job_are_read_wherever_they_are(
    lab: gitlab.GitLab, open_lab: Opener, sends_elsewhere: bool
) -> None:
    lab.sends_elsewhere = sends_elsewhere
    job = lab.world.job("plan", "more", HEAD, FILES, source="merge_request_event")

    assert open_lab().artifact(str(job.id), "reconciler-plan") == READ_FILES
    assert len(lab.shelf.log) == int(sends_elsewhere)


def test_a_job_that_kept_nothing_or_is_not_there_has_none(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    job = lab.world.job("plan", "more", HEAD)
    assert open_lab().artifact(str(job.id), "plan") is None
    assert open_lab().artifact("99", "plan") is None


def test_the_newest_of_a_branch_is_that_of_its_newest_good_job(
    lab: gitlab.GitLab, open_lab: Opener
) -> None:
    for content in (b"1", b"2"):
        lab.world.job("snap shot", "stable/1", BASE, {"out/snapshot.json": content})
    lab.world.job("snap shot", "stable/1", BASE, {"out/snapshot.json": b"bad"}).status = "failed"
    lab.world.job("snap shot", "refs/merge-requests/1/head", HEAD, {"out/snapshot.json": b"mr"})

    forge = open_lab()

    assert forge.newest_artifact("snap shot", "stable/1") == {"snapshot.json": b"2"}
    assert forge.newest_artifact("snap shot", "main") is None


def test_files_of_two_folders_are_refused(lab: gitlab.GitLab, open_lab: Opener) -> None:
    job = lab.world.job("plan", "more", HEAD, {"one/plan.json": b"", "two/result.json": b""})
    with pytest.raises(ForgeError, match="different folders"):
        open_lab().artifact(str(job.id), "plan")
