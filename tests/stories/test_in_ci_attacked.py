"""Forged, replayed and edited words on the code host: each is refused, or overwritten."""

import re
from datetime import timedelta
from typing import Any

import pytest
from codehost.github_world import ACTIONS, Comment, Item
from stories.office import Office
from stories.repository import Job
from stories.test_in_ci import SIEM, VIEWER

FAR = "9223372036854775807"
"""The greatest number that a host could count to."""
NOTHING = "\n### No changes.\n\nNothing to see.\n"
ADMIN = {"policies/more.yaml": ("", VIEWER.replace("Viewer", "Admin"))}


def planned(office: Office, edits: dict[str, tuple[str, str]] = ADMIN) -> tuple[Item, Job]:
    pull = office.open("Admin", edits)
    job = office.plan(pull)
    assert office.publish(job).code == 0
    return pull, job


def comment_on(office: Office, pull: Item) -> Comment:
    found: Comment = office.hub.world.comments_on(pull.number)[0]
    return found


def forged(job: Job, run: str = FAR, **fields: str) -> str:
    """Return a marker that is right in all but its run, and a text that hides the plan."""
    told = {"key": job.result["key"], "head": job.result["head"], "run": run}
    told |= {"content": job.result["content_digest"], "verdict": "no-change"} | fields
    line = " ".join(f"{name}={value}" for name, value in told.items())
    return f"<!-- sentinelone-reconciler plan {line} -->{NOTHING}"


def say(office: Office, pull: Item, body: str) -> None:
    """A workflow on some branch comments with its GITHUB_TOKEN."""
    world = office.hub.world
    world.add_comment(pull.number, world.accounts[ACTIONS], body, by_app=True)


def refused(office: Office, said: str, *arguments: str) -> None:
    job = office.apply("", "", *arguments)
    assert job.code == 3, job.text
    assert said in job.text
    assert office.desk.written() == []


# The plan's comment


@pytest.mark.parametrize("run", [FAR, "9" * 20, "00009999999999999999", "4711"])
@pytest.mark.parametrize("how", [[], ["--plan-may-be-gone"]], ids=["", "plan may be gone"])
def test_a_comment_that_names_an_unknown_run_counts_for_nothing(
    office: Office, run: str, how: list[str]
) -> None:
    pull, job = planned(office)
    comment_on(office, pull).body = forged(job, run)
    office.merge(pull)

    refused(office, "knows none of that number", *how)


RUNS: list[tuple[str, dict[str, Any], str]] = [
    ("push", {}, "not started by a pull request of this repository"),
    ("pull_request_target", {}, "not started by a pull request of this repository"),
    ("workflow_dispatch", {}, "not started by a pull request of this repository"),
    ("pull_request", {"repository": "mallory/access"}, "not started by a pull request of this"),
    ("pull_request", {"commit": "f" * 40}, "was of ffffffff"),
    ("pull_request", {"status": "in_progress"}, "has not ended"),
]


@pytest.mark.parametrize(("event", "how", "said"), RUNS)
def test_what_another_run_kept_is_not_what_was_reviewed(
    office: Office, event: str, how: dict[str, Any], said: str
) -> None:
    pull, job = planned(office)
    how, world = dict(how), office.hub.world
    status = how.pop("status", "completed")
    commit = how.pop("commit", job.result["head"])
    run = world.run(event, "evil", commit, run_id=int(FAR), **how)
    run.status = status
    world.keep(run, "reconciler-plan", {"plan.json": (job.folder / "plan.json").read_bytes()})
    comment = comment_on(office, pull)
    comment.body = re.sub(r"run=\d+", f"run={FAR}", comment.body.partition("\n")[0]) + NOTHING
    office.merge(pull)

    refused(office, said)


@pytest.mark.parametrize("run", [FAR, "9" * 20, "00009999999999999999"])
def test_a_forged_comment_does_not_keep_the_plan_from_being_shown(office: Office, run: str) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    job = office.plan(pull)
    say(office, pull, forged(job, run))

    office.publish(job)

    [shown] = office.comments(pull)
    assert "service:siem" in shown
    assert "Nothing to see" not in shown
    office.merge(pull)
    assert office.apply().code == 0


def test_the_workflow_of_an_earlier_commit_cannot_speak_for_the_last(office: Office) -> None:
    evil = {".github/workflows/evil.yml": ("", "on: pull_request\n")}
    pull = office.open("Admin", {**ADMIN, **evil})
    assert pull.pull is not None
    first, world = pull.pull.head, office.hub.world
    office.git("checkout", "-q", "admin")
    office.git("rm", "-q", ".github/workflows/evil.yml")
    head = office.commit("Clean up")
    world.push(pull.number, head)
    office._propose(pull.number, head, "admin")
    job = office.plan(pull)
    world.run("pull_request", "admin", first, run_id=int(FAR))
    say(office, pull, forged(job))

    office.publish(job)
    assert ["mia@acme.example" in text for text in office.comments(pull)] == [True]

    say(office, pull, forged(job))
    office.merge(pull)
    refused(office, f"was of {first[:8]}")


def test_a_late_run_leaves_the_plan_of_the_later_one(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    first = office.plan(pull)
    lyon, both = "sites: [Acme/Lyon]", "sites: [Acme/Berlin, Acme/Lyon]"
    office.push(pull, "policies/access.yaml", lyon, both)
    office.publish(office.plan(pull))

    late = office.publish(first)

    assert "A later run has published already" in late.text
    [shown] = office.comments(pull)
    assert "No changes." in shown


def test_a_plan_that_is_made_anew_after_the_merge_changes_nothing(office: Office) -> None:
    pull, _ = planned(office, SIEM)
    [shown] = office.comments(pull)
    office.merge(pull)
    office.desk.make("siem", "SOC")

    late = office.publish(office.plan(pull))

    assert late.code == 0, late.text
    assert "is not open any more" in late.text
    assert office.comments(pull) == [shown]
    refused(office, "service:siem")


def test_what_the_comment_says_since_the_merge_was_not_approved(office: Office) -> None:
    pull, job = planned(office, SIEM)
    office.merge(pull)
    office.hub.now += timedelta(seconds=30)
    # As somebody does who has the run of the plan started again, with a tool of their own.
    world, comment = office.hub.world, comment_on(office, pull)
    comment.updated = office.hub.now
    world.runs[int(job.result["run"])].updated = office.hub.now

    refused(office, "after the merge")


@pytest.mark.parametrize("minutes", [-1, 3])
def test_a_comment_that_its_run_did_not_write_was_written_by_somebody(
    office: Office, minutes: int
) -> None:
    pull, _ = planned(office, SIEM)
    comment_on(office, pull).updated += timedelta(minutes=minutes)
    office.hub.now += timedelta(minutes=5)
    office.merge(pull)

    refused(office, "and not by its run")


def test_a_run_that_was_started_again_before_the_merge_is_one_run(office: Office) -> None:
    pull, job = planned(office, SIEM)
    run = office.hub.world.runs[int(job.result["run"])]
    office.hub.now += timedelta(minutes=30)
    run.attempt, run.restarted, run.updated = 2, office.hub.now, office.hub.now
    office.hub.now += timedelta(minutes=30)
    office.merge(pull)

    assert office.apply().code == 0
    assert office.desk.holds("siem") == ["Viewer Lyon"]


def test_who_may_not_ask_about_runs_applies_nothing(office: Office) -> None:
    pull, _ = planned(office, SIEM)
    office.merge(pull)
    token = office.hub.world.actions_token({"contents": "write", "pull-requests": "read"})

    stopped = office.apply(GITHUB_TOKEN=token)

    assert stopped.code == 1, stopped.text
    assert "actions: read" in stopped.text
    assert office.desk.written() == []


# Guardrails


@pytest.mark.parametrize("edited", [False, True], ids=["", "the marker is edited"])
def test_a_plan_that_was_refused_is_not_applied_when_guardrails_are_loosened(
    office: Office, edited: bool
) -> None:
    on_main(office, "version: 1\nmax_revokes: 0\n")
    pull, job = planned(office, SIEM)
    assert job.code == 3
    if edited:
        comment = comment_on(office, pull)
        comment.body = comment.body.replace("verdict=refused", "verdict=revokes")
    on_main(office, "version: 1\nmax_revokes: 9\nmax_revoke_fraction: 1.0\n")
    office.merge(pull)

    refused(office, "was refused when it was")


def test_guardrails_that_were_tightened_since_the_plan_hold(office: Office) -> None:
    pull, _ = planned(office, SIEM)
    on_main(office, "version: 1\nmax_revokes: 0\n")
    office.merge(pull)

    refused(office, "max_revokes")
    assert office.journal()[-1]["kind"] == "refused"


def on_main(office: Office, guardrails: str) -> None:
    """Let guardrails come to main, by a request that has been reviewed as any other."""
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("policies/guardrails.yaml", guardrails)
    office.commit("Guardrails")
    office.git("push", "--quiet", "origin", "main")


# Drift


@pytest.mark.parametrize("run", [FAR, "9" * 20])
def test_an_edited_issue_about_drift_is_opened_again(office: Office, run: str) -> None:
    office.desk.make("siem", "SOC")
    office.publish(office.scheduled("drift"))
    [issue] = [item for item in office.hub.world.items.values() if item.pull is None]
    issue.body = re.sub(r"run=\d+", f"run={run}", issue.body or "")
    issue.state = "closed"
    office.desk.make("bo@acme.example", "Admin")

    told = office.publish(office.scheduled("drift"))

    assert "opened again" in told.text
    assert issue.state == "open"
    assert "bo@acme.example" in (issue.body or "")
