"""What started a run is read from the runner's own variables, or the run ends with a word why."""

from typing import Any

import pytest

from reconciler.ci.event import Event, github_event, gitlab_event, plan_digest
from reconciler.domain.review import Trigger
from reconciler.errors import SettingsError

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
GITHUB = {
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_SHA": ONE,
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_RUN_ID": "77",
    "GITHUB_ACTOR": "cleo",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/access",
}
GITLAB = {
    "CI_PIPELINE_SOURCE": "push",
    "CI_COMMIT_SHA": ONE,
    "CI_COMMIT_BRANCH": "main",
    "CI_COMMIT_BEFORE_SHA": TWO,
    "CI_DEFAULT_BRANCH": "main",
    "CI_JOB_ID": "77",
    "CI_JOB_URL": "https://gitlab.example/acme/access/-/jobs/77",
    "CI_PROJECT_ID": "5",
    "GITLAB_USER_LOGIN": "cleo",
}
REPOSITORY = {"repository": {"default_branch": "main"}}


def request(**changes: Any) -> dict[str, Any]:
    return {
        **REPOSITORY,
        "pull_request": {
            "number": 7,
            "user": {"login": "bea"},
            "base": {"sha": TWO},
            "head": {"sha": THREE, "repo": {"full_name": "acme/access"}},
            **changes,
        },
    }


def test_a_push_is_compared_with_the_tip_before_it() -> None:
    event = github_event(GITHUB, {**REPOSITORY, "before": TWO})
    assert event == Event(
        trigger=Trigger.PUSH,
        commit=ONE,
        run="77",
        run_url="https://github.example/acme/access/actions/runs/77",
        attempt_url="https://github.example/acme/access/actions/runs/77/attempts/1",
        started_by="cleo",
        branch="main",
        protected="main",
        base=TWO,
    )


def test_a_new_branch_has_no_tip_before() -> None:
    assert github_event(GITHUB, {**REPOSITORY, "before": "0" * 40}).base == ""
    assert gitlab_event({**GITLAB, "CI_COMMIT_BEFORE_SHA": "0" * 40}).base == ""


def test_a_pull_request_is_compared_with_its_base() -> None:
    environ = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REF": "refs/pull/7/merge"}
    event = github_event(environ, request())
    assert (event.trigger, event.number, event.base, event.head) == (
        Trigger.REQUEST,
        "7",
        TWO,
        THREE,
    )
    assert event.has_secrets
    assert event.branch == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"head": {"sha": THREE, "repo": {"full_name": "mallory/access"}}},
        {"head": {"sha": THREE, "repo": None}},
        {"user": {"login": "dependabot[bot]"}},
    ],
    ids=["fork", "deleted fork", "dependabot"],
)
def test_who_comes_from_outside_has_no_secrets(changes: dict[str, Any]) -> None:
    environ = {**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}
    assert not github_event(environ, request(**changes)).has_secrets


@pytest.mark.parametrize(
    ("name", "trigger"), [("schedule", Trigger.SCHEDULE), ("workflow_dispatch", Trigger.DISPATCH)]
)
def test_the_clock_and_a_hand_start_runs_without_a_base(name: str, trigger: Trigger) -> None:
    event = github_event({**GITHUB, "GITHUB_EVENT_NAME": name}, REPOSITORY)
    assert (event.trigger, event.base, event.branch) == (trigger, "", "main")


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment", ""])
def test_other_events_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        github_event({**GITHUB, "GITHUB_EVENT_NAME": name}, request())
    assert "pull_request_target" in refused.value.remedy


def test_a_tag_is_no_branch() -> None:
    tagged = {**GITHUB, "GITHUB_REF": "refs/tags/main"}
    assert github_event(tagged, {**REPOSITORY, "before": TWO}).branch == ""


@pytest.mark.parametrize(
    "broken",
    [{"GITHUB_SHA": "main"}, {"GITHUB_RUN_ID": "x"}, {"GITHUB_SHA": f"{ONE}\n"}],
)
def test_what_is_no_commit_or_number_ends_the_run(broken: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="cannot be understood"):
        github_event({**GITHUB, **broken}, {**REPOSITORY, "before": TWO})


@pytest.mark.parametrize("tree", [{}, {"pull_request": None}, {"pull_request": {"number": "x"}}])
def test_a_broken_event_file_ends_the_run(tree: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        github_event({**GITHUB, "GITHUB_EVENT_NAME": "pull_request"}, tree)


def test_gitlab_says_the_same_in_its_own_words() -> None:
    assert gitlab_event(GITLAB) == Event(
        trigger=Trigger.PUSH,
        commit=ONE,
        run="77",
        run_url="https://gitlab.example/acme/access/-/jobs/77",
        started_by="cleo",
        branch="main",
        protected="main",
        base=TWO,
    )
    merge = {
        **GITLAB,
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": TWO,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": THREE,
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_PROJECT_ID": "5",
    }
    event = gitlab_event(merge)
    assert (event.number, event.base, event.head, event.has_secrets) == ("7", TWO, THREE, True)
    assert gitlab_event({**merge, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": ""}).head == ONE
    assert gitlab_event({**merge, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "4" * 40}).base == "4" * 40
    in_project = {**merge, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "6"}
    for fork in (in_project, {**in_project, "CI_PROJECT_ID": "6"}):
        assert not gitlab_event(fork).has_secrets
    assert gitlab_event({**GITLAB, "CI_PIPELINE_SOURCE": "schedule"}).trigger is Trigger.SCHEDULE
    assert gitlab_event({**GITLAB, "CI_PIPELINE_SOURCE": "web"}).trigger is Trigger.DISPATCH
    with pytest.raises(SettingsError, match="parent_pipeline"):
        gitlab_event({**GITLAB, "CI_PIPELINE_SOURCE": "parent_pipeline"})


def test_a_run_that_was_started_again_says_so() -> None:
    tree = {**REPOSITORY, "before": TWO}
    assert github_event(GITHUB, tree).attempt == 1
    assert github_event({**GITHUB, "GITHUB_RUN_ATTEMPT": "3"}, tree).attempt == 3
    with pytest.raises(SettingsError, match="GITHUB_RUN_ATTEMPT"):
        github_event({**GITHUB, "GITHUB_RUN_ATTEMPT": "x"}, tree)


def test_a_digest_by_hand_is_whole_or_none() -> None:
    whole = "sha256:" + "a" * 64
    assert plan_digest(f" {whole}\n") == whole
    assert plan_digest("") == ""
    for text in ("sha256:aaaa", "a" * 64, whole.upper(), f"{whole}a"):
        with pytest.raises(SettingsError, match="is not the digest"):
            plan_digest(text)
