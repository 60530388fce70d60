"""Whatever form an answer has, it is understood or refused with one of our errors."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.forge.api import Api
from reconciler.forge.base import Forge, ForgeError
from reconciler.forge.github import GitHub
from reconciler.forge.gitlab import GitLab

SHA = "a" * 40
FORMS: list[Any] = [
    {}, [{}], None, 1, "x", [1], [None], [[]], {"artifacts": [1]}, {"artifacts": [{"name": 1}]},
    [{"id": "1", "number": "1", "iid": True, "user": 1, "author": None, "system": 0, "body": 1,
      "name": None, "merged_at": 1, "state": "merged"}],
    {"labels": [1], "name": 1, "html_url": None, "web_url": 1, "number": 1, "id": 1},
]  # fmt: skip
READS: list[Callable[[Forge], object]] = [
    lambda forge: forge.comments("1"),
    lambda forge: forge.add_comment("1", "x"),
    lambda forge: forge.labels("1"),
    lambda forge: forge.issues("drift"),
    lambda forge: forge.add_issue("Drift", "x", "drift"),
    lambda forge: forge.merged(SHA, "main"),
    lambda forge: forge.artifact("1", "plan"),
    lambda forge: forge.newest_artifact("plan", "main"),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_that_is_not_documented_is_refused(wall: Any, wall_api: Api, form: Any) -> None:
    for forge in (GitHub(wall_api, "acme/access"), GitLab(wall_api, "7")):
        for read in READS:
            wall.script.clear()
            for _ in range(3):
                wall.say(200, form)
            with pytest.raises(ForgeError) as told:
                read(forge)
            assert told.value.remedy


def test_an_answer_without_a_body_is_no_list(wall: Any, wall_api: Api) -> None:
    wall.say(200, b"")
    with pytest.raises(ForgeError, match="its top level"):
        GitHub(wall_api, "acme/access").comments("1")


def test_a_deletion_has_no_body(wall: Any, wall_api: Api) -> None:
    wall.say(204, b"")
    GitHub(wall_api, "acme/access").change_labels("1", [], ["bug"])
    assert [heard.method for heard in wall.heard] == ["DELETE"]


def test_a_label_that_the_host_leaves_out_is_told(wall: Any, wall_api: Api) -> None:
    """Else the issue would not be found again, and opened anew by each run."""
    told_of = {"title": "Drift", "body": "x", "user": {"login": "x", "type": "User"}}
    issue = {"number": 1, "state": "open", "html_url": "https://hub.example/1", **told_of}
    wall.say(201, issue | {"labels": [{"name": "other"}]})
    wall.say(200, issue)
    with pytest.raises(ForgeError, match="without the label 'drift'") as told:
        GitHub(wall_api, "acme/access").add_issue("Drift", "x", "drift")
    assert "issues: write" in told.value.remedy

    told_of = {"title": "Drift", "description": "x", "author": {"id": 1}}
    issue = {"iid": 1, "state": "opened", "web_url": "https://lab.example/1", **told_of}
    wall.say(201, issue | {"labels": []})
    wall.say(200, {"id": 1})
    wall.say(200, issue)
    with pytest.raises(ForgeError, match="without the label 'drift'"):
        GitLab(wall_api, "7").add_issue("Drift", "x", "drift")
    assert [heard.json["state_event"] for heard in wall.heard[-1:]] == ["close"]


def test_a_merge_commit_that_is_not_told_proves_nothing(wall: Any, wall_api: Api) -> None:
    pull = {"number": 1, "merged_at": "2026-11-23T09:00:00Z"}
    wall.say(200, [pull])
    wall.say(200, pull | {"merged": True})
    with pytest.raises(ForgeError, match="merge_commit_sha"):
        GitHub(wall_api, "acme/access").merged(SHA, "main")


def test_a_merge_into_another_project_is_none(wall: Any, wall_api: Api) -> None:
    request = {
        "iid": 1, "state": "merged", "merge_commit_sha": SHA, "squash_commit_sha": None,
        "sha": SHA, "target_branch": "main", "target_project_id": 8,
    }  # fmt: skip
    for _ in range(5):
        wall.say(200, [request])
    assert GitLab(wall_api, "7").merged(SHA, "main") is None


def test_an_artifact_of_no_run_is_passed_over(wall: Any, wall_api: Api) -> None:
    """Its run was deleted, or it is no workflow's."""
    wall.say(200, {"artifacts": [
        {"id": 1, "name": "plan", "expired": False, "workflow_run": None},
    ]})  # fmt: skip
    assert GitHub(wall_api, "acme/access").newest_artifact("plan", "main") is None


def test_only_so_many_runs_are_looked_up(wall: Any, wall_api: Api) -> None:
    run = {"id": 9, "head_branch": "main", "repository_id": 7, "head_repository_id": 7}
    kept = {"name": "plan", "expired": False, "workflow_run": run}
    wall.say(200, {"artifacts": [kept | {"id": number} for number in range(1, 60)]})
    repository = {"id": 7}
    for _ in range(60):
        wall.say(200, {
            "event": "pull_request", "head_branch": "main", "path": ".github/workflows/a.yml",
            "repository": repository, "head_repository": repository,
        })  # fmt: skip
    assert GitHub(wall_api, "acme/access").newest_artifact("plan", "main") is None
    assert len(wall.heard) == 31


def test_a_run_whose_repository_is_gone_is_passed_over(wall: Any, wall_api: Api) -> None:
    run = {"id": 9, "head_branch": "main", "repository_id": 7, "head_repository_id": 7}
    wall.say(200, {"artifacts": [
        {"id": 1, "name": "plan", "expired": False, "workflow_run": run},
    ]})  # fmt: skip
    wall.say(200, {
        "event": "push", "head_branch": "main", "path": ".github/workflows/a.yml",
        "repository": {"id": 7}, "head_repository": {"id": 8},
    })  # fmt: skip
    assert GitHub(wall_api, "acme/access").newest_artifact("plan", "main") is None
