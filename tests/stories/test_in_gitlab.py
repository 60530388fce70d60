"""On GitLab, by the pipeline that customers copy: what was reviewed is applied, or nothing is."""

import re

import pytest
from stories.bureau import Bureau

SIEM = {"policies/access.yaml": ("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")}
"""The SIEM loses Berlin."""
SECRETS = ("SENTINELONE_TOKEN", "RECONCILER_GITLAB_TOKEN")


@pytest.mark.parametrize(
    ("way", "has_merged_results"), [("squash", False), ("merge", True)], ids=["free", "premium"]
)
def test_from_a_merge_request_to_the_console_and_its_record(
    bureau: Bureau, way: str, has_merged_results: bool
) -> None:
    bureau.has_merged_results = has_merged_results
    request = bureau.open("Less for the SIEM", SIEM)

    first = bureau.requested(request)

    assert [job.code for job in first.jobs.values()] == [0, 0], first.text
    assert list(first.jobs) == ["plan", "publish-plan"]
    [note] = bureau.notes(request)
    assert "1 to revoke" in note
    assert request.labels == ["access: revokes"]

    both = "sites: [Acme/Berlin, Acme/Lyon]"
    bureau.push(request, "policies/access.yaml", "sites: [Acme/Lyon]", both)
    bureau.requested(request)
    assert ["No changes." in note for note in bureau.notes(request)] == [True]
    assert request.labels == ["access: no change"]

    bureau.push(request, "policies/access.yaml", both, "sites: [Acme/Lyon]")
    bureau.requested(request)
    commit = bureau.merge(request, way)
    applied = bureau.pushed(commit)

    assert [job.code for job in applied.jobs.values()] == [0, 0], applied.text
    assert bureau.desk.holds("siem") == ["Viewer Lyon"]
    _, outcome = bureau.notes(request)
    assert "1 applied" in outcome
    assert applied.jobs["apply"].result["journal_head"] in outcome
    [started] = [record for record in bureau.journal() if record["kind"] == "run-started"]
    review = started["data"]["review"]
    assert (review["request"], review["commit"], review["trigger"]) == ("1", commit, "push")
    assert [approval["by"] for approval in review["approvals"]] == ["cleo"]
    assert bureau.journal()[-1]["kind"] == "run-finished"


def test_a_request_of_two_commits_that_was_merged_by_fast_forward_is_applied(
    bureau: Bureau,
) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.push(request, "policies/access.yaml", "sites: [Acme/Lyon]", "sites:  [Acme/Lyon]")
    bureau.requested(request)
    commit = bureau.merge(request, "fast-forward")

    applied = bureau.pushed(commit, CI_COMMIT_BEFORE_SHA=bureau.history[2])

    assert [job.code for job in applied.jobs.values()] == [0, 0], applied.text
    assert bureau.desk.holds("siem") == ["Viewer Lyon"]


def test_no_job_holds_both_the_console_and_the_right_to_comment(bureau: Bureau) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    pipelines = [bureau.requested(request), bureau.scheduled("drift"), bureau.scheduled("windows")]
    bureau.merge(request)
    pipelines.append(bureau.pushed())

    held = {
        name: [secret for secret in SECRETS if seen.get(secret)]
        for pipeline in pipelines
        for name, seen in pipeline.given.items()
    }
    commenting = bureau.variables["s1-publish"]["RECONCILER_GITLAB_TOKEN"]
    assert set(held) == {
        "plan", "publish-plan", "apply", "publish-apply", "windows", "drift", "publish-drift",
        "console-snapshot",
    }  # fmt: skip
    for name, secrets in held.items():
        if name.startswith("publish-"):
            assert secrets == ["RECONCILER_GITLAB_TOKEN"]
    for pipeline in pipelines:
        for name, seen in pipeline.given.items():
            is_publishing = name.startswith("publish-")
            assert (seen.get("RECONCILER_GITLAB_TOKEN") == commenting) == is_publishing
    assert bureau.lab.world.commands == []


def test_nothing_is_applied_when_the_console_moved_and_the_request_is_told(bureau: Bureau) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.requested(request)
    bureau.desk.make("siem", "SOC")
    bureau.merge(request)

    refused = bureau.pushed()

    assert [job.code for job in refused.jobs.values()] == [3, 0], refused.text
    assert "service:siem" in refused.text
    assert bureau.desk.written() == []
    assert len(bureau.notes(request)) == 2


def test_a_forged_plan_is_refused(bureau: Bureau) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    planned = bureau.requested(request).jobs["plan"]
    world = bureau.lab.world
    job = world.jobs[int(planned.result["run"])]
    files = {f"result/{path.name}": path.read_bytes() for path in planned.folder.iterdir()}
    files["result/plan.json"] = files["result/plan.json"].replace(b"Viewer", b"Admin")
    again = world.job("plan", job.ref, job.commit, files, job_id=job.id, pipeline=job.pipeline)
    again.source = job.source
    bureau.merge(request)

    refused = bureau.pushed()

    assert refused.jobs["apply"].code == 3, refused.text
    assert "forged" in refused.text
    assert bureau.desk.written() == []


def test_a_note_of_somebody_else_counts_for_nothing(bureau: Bureau) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.requested(request)
    [ours] = bureau.notes(request)
    request.notes.clear()
    bureau.lab.world.note(request, "mallory", ours)
    bureau.merge(request)

    refused = bureau.pushed()

    assert refused.jobs["apply"].code == 3, refused.text
    assert "no plan comment" in refused.text


def test_drift_is_one_issue_that_is_mended_by_hand(bureau: Bureau) -> None:
    bureau.desk.make("siem", "SOC")

    drift = bureau.scheduled("drift")

    codes = {name: job.code for name, job in drift.jobs.items()}
    assert codes == {"drift": 2, "publish-drift": 0, "console-snapshot": 0}, drift.text
    [issue] = bureau.lab.world.issues.values()
    assert "access: drift" in issue.labels
    # Of the view-only token's report; the apply token, which sees the same, has to find the same.
    [digest] = re.findall(r"with the digest `(sha256:[0-9a-f]{64})`", issue.description)

    assert bureau.by_hand().jobs["apply"].code == 1
    mended = bureau.by_hand(DIGEST=digest)
    assert mended.jobs["apply"].code == 0, mended.text
    assert bureau.desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    bureau.scheduled("drift")
    assert issue.title.startswith("Drift: 0 missing, 0 not in the policies, 2 unlisted")
    assert list(bureau.lab.world.issues.values()) == [issue]


WINDOW = """\
version: 1
assignments:
  - {members: [mia@acme.example], role: SOC, sites: [Acme/Lyon]}
  - members: [mia@acme.example]
    role: Admin
    sites: [Acme/Lyon]
    from: 2026-11-23T10:00:00Z
    until: 2026-11-23T12:00:00Z
    reason: INC-1
"""


def test_the_clock_opens_windows_and_nothing_else(bureau: Bureau) -> None:
    bureau.begin()
    request = bureau.open("On call", {"policies/call.yaml": ("", WINDOW)})
    bureau.requested(request)
    bureau.merge(request)
    assert bureau.pushed().jobs["apply"].code == 0
    bureau.desk.make("siem", "SOC")
    bureau.desk.clock.passes(hours=2)

    opened = bureau.scheduled("windows")

    assert [job.code for job in opened.jobs.values()] == [0, 0], opened.text
    assert bureau.desk.holds("mia@acme.example") == ["Admin Lyon"]
    assert bureau.desk.holds("siem") == ["SOC Berlin", "SOC Lyon"]


def test_a_fork_is_planned_from_the_snapshot_job_without_any_secret(bureau: Bureau) -> None:
    bureau.scheduled("drift")
    request = bureau.open("From outside", SIEM, fork=999)
    bureau.variables = {name: {} for name in bureau.variables}
    bureau.desk.console.requests.clear()

    planned = bureau.requested(request)

    assert planned.jobs["plan"].code == 0, planned.text
    assert "1 to revoke" in planned.jobs["plan"].text
    assert "from a snapshot taken at" in planned.jobs["plan"].result["title"] + planned.text
    # Without a token that may comment there is a warning, and the job stays green.
    assert planned.jobs["publish-plan"].code == 0
    assert "RECONCILER_GITLAB_TOKEN is not set" in planned.jobs["publish-plan"].text
    assert bureau.desk.console.requests == []


def test_without_a_snapshot_a_forks_policies_are_checked(bureau: Bureau) -> None:
    request = bureau.open("From outside", SIEM, fork=999)
    bureau.variables = {name: {} for name in bureau.variables}
    bureau.desk.console.requests.clear()

    checked = bureau.requested(request, CI_PROJECT_ID="999").jobs["plan"]

    assert checked.code == 0, checked.text
    assert checked.result["verdict"] == ["unplanned"]
    assert bureau.desk.console.requests == []


@pytest.mark.parametrize("name", [".gitlab-ci.yml", "ci/access.yml"])
def test_a_request_that_changes_the_pipeline_cannot_vouch_for_itself(
    bureau: Bureau, name: str
) -> None:
    request = bureau.open("Less", {**SIEM, name: ("", "plan: {script: [true]}\n")})
    bureau.requested(request)
    bureau.merge(request)

    refused = bureau.pushed(CI_CONFIG_PATH="ci/access.yml")

    assert refused.jobs["apply"].code == 3, refused.text
    assert f"The push changed {name}" in refused.text
    assert bureau.desk.written() == []


def test_a_job_of_an_older_commit_that_is_retried_brings_nothing_back(bureau: Bureau) -> None:
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.requested(request)
    first = bureau.merge(request)
    assert bureau.pushed(first).jobs["apply"].code == 0
    bureau.merge(bureau.open("A note", {"policies/note.yaml": ("", "version: 1\n")}))
    bureau.desk.console.changes.clear()

    again = bureau.pushed(first)

    assert again.jobs["apply"].code == 3, again.text
    assert "is not its first" in again.text


def test_a_pipeline_of_another_branch_applies_nothing(bureau: Bureau) -> None:
    commit = bureau.propose("side", "Aside", SIEM)
    bureau.git("push", "--quiet", "origin", "side")

    pretended = bureau.pushed(commit)

    assert pretended.jobs["apply"].code == 3, pretended.text
    assert "is not on the protected branch" in pretended.text
    assert bureau.desk.written() == []


def test_every_job_of_the_file_ran_in_these_tests_and_keeps_one_writer(bureau: Bureau) -> None:
    file = bureau.file
    writers = [name for name, job in file.items() if "resource_group" in job]
    assert writers == ["apply", "windows"]
    assert file["apply"]["resource_group"] == file["windows"]["resource_group"]
    assert file["workflow"]["auto_cancel"] == {"on_new_commit": "none"}
    assert file["drift"]["allow_failure"] == {"exit_codes": [2]}
    assert file["variables"]["GIT_DEPTH"] == "0"
