"""What each host knows of a run, over servers written from their documentation."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from codehost import gitlab
from codehost.exchange import answer
from codehost.github import GitHub

from reconciler.domain.review import Trigger
from reconciler.forge.answers import moment, moment_or_none
from reconciler.forge.base import ForbiddenError, Forge, ForgeError, RunOf
from reconciler.forge.choice import open_forge

Opener = Callable[..., Forge]
READ = {"pull-requests": "read", "actions": "read", "contents": "read"}
HEAD, BASE, MERGE = "a" * 40, "b" * 40, "c" * 40
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lab() -> Iterator[gitlab.GitLab]:
    with gitlab.running() as host:
        yield host


@pytest.fixture
def on_lab(lab: gitlab.GitLab, clock: Any) -> Iterator[Forge]:
    environ = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": lab.api,
        "CI_PROJECT_ID": str(lab.world.id),
        "RECONCILER_GITLAB_TOKEN": lab.world.project_token("read_api"),
    }
    with open_forge(environ, clock.monotonic, clock.sleep) as forge:
        assert forge is not None
        yield forge


# GitHub


def test_a_run_of_a_pull_request_is_of_its_last_commit(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    run.updated, run.restarted = hub.now + 3 * MINUTE, hub.now + MINUTE

    found = open_hub(READ).run(str(run.id))

    assert found == RunOf(
        trigger=Trigger.REQUEST,
        head=HEAD,
        is_own=True,
        is_default=False,
        started=hub.now,
        ended=hub.now + 3 * MINUTE,
        workflow=".github/workflows/plan.yml",
        is_success=True,
    )


@pytest.mark.parametrize("status", ["queued", "in_progress", "waiting", "requested", "pending"])
def test_a_run_that_goes_on_has_no_end(hub: GitHub, open_hub: Opener, status: str) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    run.status = status

    found = open_hub(READ).run(str(run.id))

    assert found is not None
    assert (found.ended, found.is_success) == (None, False)


ENDS = ["failure", "cancelled", "timed_out", "action_required", "neutral", "skipped", "stale", None]


@pytest.mark.parametrize("conclusion", ENDS)
def test_only_success_is_success(hub: GitHub, open_hub: Opener, conclusion: str | None) -> None:
    run = hub.world.run("push", "main", BASE)
    hub.world.branches = {"main": [BASE]}
    run.conclusion = conclusion

    found = open_hub(READ).run(str(run.id))

    assert found is not None
    assert (found.ended, found.is_success) == (hub.now, False)


def test_a_conclusion_before_the_end_is_none(hub: GitHub, open_hub: Opener) -> None:
    shown = hub.views.run(hub.world.run("pull_request", "more", HEAD))
    hub.fail(answer(200, {**shown, "status": "in_progress"}))

    found = open_hub(READ).run(str(shown["id"]))

    assert found is not None
    assert not found.is_success


@pytest.mark.parametrize("left_out", ["path", "conclusion"])
def test_a_run_that_does_not_say_what_is_documented_is_not_understood(
    hub: GitHub, open_hub: Opener, left_out: str
) -> None:
    shown = hub.views.run(hub.world.run("pull_request", "more", HEAD))
    del shown[left_out]
    hub.fail(answer(200, shown))

    with pytest.raises(ForgeError, match=f"documented form at `{left_out}`"):
        open_hub(READ).run(str(shown["id"]))


APPLY = ".github/workflows/apply.yml"


@pytest.mark.parametrize(
    ("path", "workflow"),
    [
        (APPLY, APPLY),
        (f"{APPLY}@main", APPLY),
        (f"{APPLY}@refs/heads/main", APPLY),
        (".github/workflows/own_2.yaml", ".github/workflows/own_2.yaml"),
        # What follows could be a part of the file's name.
        (f"{APPLY}@evil.yml", ""),
        (f"{APPLY}@refs/heads/evil", ""),
        (f"{APPLY}@main@main", ""),
        (".github/workflows/more/apply.yml", ""),
        (".github/workflows/../apply.yml", ""),
        (f"other/{APPLY}", ""),
        (f"{APPLY}\n", ""),
        ("dynamic/dependabot/dependabot-updates", ""),
        ("", ""),
    ],
)
def test_a_run_names_the_file_that_ran(
    hub: GitHub, open_hub: Opener, path: str, workflow: str
) -> None:
    hub.world.branches = {"main": [BASE]}
    run = hub.world.run("push", "main", BASE, path=path)

    found = open_hub(READ).run(str(run.id))

    assert found is not None
    assert found.workflow == workflow


@pytest.mark.parametrize(
    ("event", "branch", "trigger", "is_default"),
    [
        ("push", "main", Trigger.PUSH, True),
        ("workflow_dispatch", "main", Trigger.DISPATCH, True),
        ("schedule", "main", Trigger.SCHEDULE, True),
        ("push", "evil", Trigger.PUSH, False),
        ("pull_request_target", "main", Trigger.OTHER, False),
        ("workflow_run", "main", Trigger.OTHER, False),
    ],
)
def test_a_run_says_why_it_was_started(
    hub: GitHub, open_hub: Opener, event: str, branch: str, trigger: Trigger, is_default: bool
) -> None:
    hub.world.branches = {"main": [BASE, MERGE], "evil": [HEAD]}
    run = hub.world.run(event, branch, BASE)

    found = open_hub(READ).run(str(run.id))

    assert found is not None
    assert (found.trigger, found.is_default) == (trigger, is_default)


def test_a_tag_with_the_branchs_name_is_not_the_branch(hub: GitHub, open_hub: Opener) -> None:
    hub.world.branches = {"main": [BASE]}
    run = hub.world.run("push", "main", HEAD)
    hub.world.commits.add(HEAD)

    found = open_hub(READ).run(str(run.id))

    assert found is not None
    assert not found.is_default


def test_a_forks_run_is_not_ours_though_the_fork_is_gone(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "main", HEAD, repository="mallory/access")
    forge = open_hub(READ)
    there = forge.run(str(run.id))
    gone = {**hub.views.run(run), "head_repository": None}
    hub.fail(answer(200, gone))
    afterwards = forge.run(str(run.id))

    assert [found and found.is_own for found in (there, afterwards)] == [False, False]


@pytest.mark.parametrize("number", ["1", str(2**63 - 1), str(2**63), "9" * 20, "0", "007", "x", ""])
def test_a_number_that_no_run_has_is_none(
    hub: GitHub, open_hub: Opener, on_lab: Forge, number: str
) -> None:
    assert open_hub(READ).run(number) is None
    assert on_lab.run(number) is None
    asked = [one.target for one in hub.log]
    assert not [target for target in asked if not target.endswith(("/1", str(2**63 - 1)))]


def test_runs_need_their_permission(hub: GitHub, open_hub: Opener) -> None:
    run = hub.world.run("pull_request", "more", HEAD)
    with pytest.raises(ForbiddenError) as told:
        open_hub({"pull-requests": "write"}).run(str(run.id))
    assert "actions: read" in told.value.remedy


@pytest.mark.parametrize("wrong", [None, "", "yesterday", "2026-11-23T09:00:00", 1795424400])
def test_a_time_that_is_none_is_not_understood(wrong: Any) -> None:
    with pytest.raises(ForgeError, match="documented form at `at`"):
        moment({"at": wrong}, "at")


def test_times_have_zones() -> None:
    instant = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert moment({"at": "2026-11-23T09:00:00Z"}, "at") == instant
    assert moment({"at": "2026-11-23T05:00:00.000-04:00"}, "at") == instant
    assert moment_or_none({"at": None}, "at") is None
    assert moment_or_none({}, "at") is None
    with pytest.raises(ForgeError):
        moment_or_none([], "at")


def test_comments_and_merges_say_their_times(hub: GitHub, open_hub: Opener) -> None:
    pull = hub.world.open_pull("ada", "More", HEAD, "more", BASE).number
    comment = hub.world.comment(pull, "ada", "x")
    comment.updated += MINUTE
    hub.now += 2 * MINUTE
    hub.world.merge(pull, "bea", MERGE)
    forge = open_hub(READ)

    merged = forge.merged(MERGE, "main")

    assert [one.updated for one in forge.comments(str(pull))] == [comment.updated]
    assert merged is not None
    assert merged.merged_at == hub.now


def test_only_an_open_request_has_an_open_head(hub: GitHub, open_hub: Opener) -> None:
    opened = hub.world.open_pull("ada", "More", HEAD, "more", BASE).number
    closed = hub.world.open_pull("ada", "Less", HEAD, "less", BASE).number
    hub.world.items[closed].state = "closed"
    forge = open_hub(READ)

    assert (forge.open_head(str(opened)), forge.open_head(str(closed))) == (HEAD, None)


# GitLab


def job_of(lab: gitlab.GitLab, ref: str, commit: str, source: str, **more: Any) -> Any:
    return lab.world.job("plan", ref, commit, source=source, **more)


def test_a_job_is_known_by_its_pipeline(lab: gitlab.GitLab, on_lab: Forge) -> None:
    lab.world.open_request("ada", "More", HEAD, "more", BASE)
    ref, source = "refs/merge-requests/1/head", "merge_request_event"
    job = job_of(lab, ref, HEAD, source, pipeline=7)
    publishes = job_of(lab, ref, HEAD, source, pipeline=7)
    publishes.finished = lab.now + 3 * MINUTE

    found = on_lab.run(str(job.id))

    assert found == RunOf(
        trigger=Trigger.REQUEST,
        head=HEAD,
        is_own=True,
        is_default=False,
        started=lab.now,
        ended=lab.now + 3 * MINUTE,
        workflow="",
        is_success=True,
    )
    publishes.status = "running"
    again = on_lab.run(str(job.id))
    assert again is not None
    assert (again.ended, again.is_success) == (None, True)


@pytest.mark.parametrize(
    "status", ["running", "pending", "failed", "canceled", "skipped", "manual"]
)
def test_only_a_job_that_succeeded_is_a_success(
    lab: gitlab.GitLab, on_lab: Forge, status: str
) -> None:
    job = job_of(lab, "main", BASE, "push")
    job.status = status

    found = on_lab.run(str(job.id))

    assert found is not None
    assert not found.is_success


@pytest.mark.parametrize("way", ["merge", "train"])
def test_a_merged_result_is_of_its_second_parent(
    lab: gitlab.GitLab, on_lab: Forge, way: str
) -> None:
    lab.world.open_request("ada", "More", HEAD, "more", BASE)
    lab.world.parents[MERGE] = [BASE, HEAD]
    job = job_of(lab, f"refs/merge-requests/1/{way}", MERGE, "merge_request_event")

    found = on_lab.run(str(job.id))

    assert found is not None
    assert (found.head, found.is_own) == (HEAD, True)


def test_a_merged_result_without_two_parents_is_not_understood(
    lab: gitlab.GitLab, on_lab: Forge
) -> None:
    lab.world.open_request("ada", "More", HEAD, "more", BASE)
    lab.world.parents[MERGE] = [BASE]
    job = job_of(lab, "refs/merge-requests/1/merge", MERGE, "merge_request_event")

    with pytest.raises(ForgeError, match="has 1 parents, not 2"):
        on_lab.run(str(job.id))


def test_a_pipeline_of_a_request_names_the_request(lab: gitlab.GitLab, on_lab: Forge) -> None:
    job = job_of(lab, "main", HEAD, "merge_request_event")
    with pytest.raises(ForgeError, match="is of 'main', which names none"):
        on_lab.run(str(job.id))


def test_a_forks_pipeline_that_a_member_started_is_not_ours(
    lab: gitlab.GitLab, on_lab: Forge
) -> None:
    lab.world.open_request("eve", "More", HEAD, "more", BASE, source_project=99)
    job = job_of(lab, "refs/merge-requests/1/head", HEAD, "merge_request_event")

    found = on_lab.run(str(job.id))

    assert found is not None
    assert not found.is_own


@pytest.mark.parametrize(
    ("source", "ref", "is_tag", "trigger", "is_default"),
    [
        ("push", "main", False, Trigger.PUSH, True),
        ("schedule", "main", False, Trigger.SCHEDULE, True),
        ("web", "main", False, Trigger.DISPATCH, True),
        ("push", "evil", False, Trigger.PUSH, False),
        ("push", "main", True, Trigger.PUSH, False),
        ("chat", "main", False, Trigger.OTHER, True),
    ],
)
def test_a_pipeline_says_why_it_was_started(
    lab: gitlab.GitLab, on_lab: Forge, source: str, ref: str, is_tag: bool, trigger: Trigger,
    is_default: bool,
) -> None:  # fmt: skip
    job = job_of(lab, ref, BASE, source)
    job.is_tag = is_tag

    found = on_lab.run(str(job.id))

    assert found is not None
    assert (found.trigger, found.is_default, found.head) == (trigger, is_default, BASE)


def test_notes_and_merges_say_their_times(lab: gitlab.GitLab, on_lab: Forge) -> None:
    item = lab.world.open_request("ada", "More", HEAD, "more", BASE)
    note = lab.world.note(item, "ada", "x")
    note.updated += MINUTE
    lab.now += 2 * MINUTE
    opened = on_lab.open_head("1")
    lab.world.merge(1, "bea", merge=MERGE)

    merged = on_lab.merged(MERGE, "main")

    assert [one.updated for one in on_lab.comments("1")] == [note.updated]
    assert merged is not None
    assert merged.merged_at == lab.now
    assert (opened, on_lab.open_head("1")) == (HEAD, None)
