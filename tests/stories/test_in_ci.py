"""In CI: what reviewers saw is what a merge applies, or nothing is."""

import json
from dataclasses import replace

import pytest
from stories.desk import ROLES
from stories.office import Office

from reconciler.ci.comment import ON_MERGE, Frame, plan_body
from reconciler.ci.result import file_digest
from reconciler.documents.plan_file import sealed
from reconciler.rendering.as_json import to_json

BO = {"policies/access.yaml": ("ana@acme.example, bo@acme.example, lena", "ana@acme.example, lena")}


SIEM = {"policies/access.yaml": ("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")}
"""The SIEM loses Berlin."""


def test_a_plan_is_told_on_the_pull_request_and_a_further_push_renews_the_same_comment(
    office: Office,
) -> None:
    pull = office.open("Less for the SIEM", SIEM)

    first = office.plan(pull)
    published = office.publish(first)

    assert first.code == 0, first.text
    assert published.code == 0, published.text
    assert "Plan: 0 to grant, 1 to revoke" in first.summary
    [comment] = office.comments(pull)
    assert "service:siem" in comment
    assert office.labels(pull) == {"access: revokes"}

    office.push(
        pull, "policies/access.yaml", "sites: [Acme/Lyon]", "sites: [Acme/Berlin, Acme/Lyon]"
    )
    second = office.plan(pull)
    office.publish(second)

    [renewed] = office.comments(pull)
    assert "No changes." in renewed
    assert office.labels(pull) == {"access: no change"}
    assert office.desk.written() == []


def test_plan_and_drift_send_nothing_but_get(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.desk.console.requests.clear()

    office.publish(office.plan(pull))
    office.publish(office.scheduled("drift"))

    assert office.desk.methods() == {"GET"}


@pytest.mark.parametrize("squash", [True, False])
def test_a_merge_applies_what_was_reviewed_and_the_record_names_who_approved(
    office: Office, squash: bool
) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull, squash=squash)

    applied = office.apply(commit)
    office.publish(applied)

    assert applied.code == 0, applied.text
    assert office.desk.holds("siem") == ["Viewer Lyon"]
    started = [record for record in office.journal() if record["kind"] == "run-started"][-1]
    review = started["data"]["review"]
    assert review["request"] == str(pull.number)
    assert [approval["by"] for approval in review["approvals"]] == ["cleo"]
    assert (review["trigger"], review["commit"], review["author"]) == ("push", commit, "bea")
    _, outcome = office.comments(pull)
    assert "1 applied" in outcome
    assert office.journal()[-1]["kind"] == "run-finished"
    assert applied.result["journal_head"] in outcome


def test_a_request_of_two_commits_may_be_merged_by_rebase(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.push(pull, "policies/access.yaml", "sites: [Acme/Lyon]", "sites:  [Acme/Lyon]")
    office.publish(office.plan(pull))
    before = office.main
    commit = office.rebase(pull)

    applied = office.apply(commit, before)

    assert applied.code == 0, applied.text
    assert office.desk.holds("siem") == ["Viewer Lyon"]


def test_nothing_is_applied_when_the_console_moved_since_the_review(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.desk.make("siem", "SOC")
    office.merge(pull)

    refused = office.apply()
    office.publish(refused)

    assert refused.code == 3, refused.text
    assert "service:siem" in refused.text
    assert office.desk.written() == []
    assert "refused" in refused.result["verdict"]
    assert len(office.comments(pull)) == 2


def test_a_plan_outlives_other_merges(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    other = office.open("A viewer", {"policies/more.yaml": ("", VIEWER)})
    office.publish(office.plan(other))
    office.merge(other)
    assert office.apply().code == 0
    office.desk.clock.passes(days=40)
    office.merge(pull)

    applied = office.apply()

    assert applied.code == 0, applied.text
    assert office.desk.holds("siem") == ["Viewer Lyon"]


def test_without_the_kept_plan_the_comment_could_say_anything(office: Office) -> None:
    """Who can push a branch can comment as we do, by a workflow there, and delete what was kept."""
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.hub.world.artifacts.clear()
    office.merge(pull)

    refused = office.apply()
    assert refused.code == 3, refused.text
    assert "no longer kept" in refused.text
    assert office.desk.written() == []

    accepted = office.apply("", "", "--plan-may-be-gone")
    assert accepted.code == 0, accepted.text
    assert office.desk.holds("siem") == ["Viewer Lyon"]


VIEWER = """\
version: 1
assignments:
  - {members: [mia@acme.example], role: Viewer, sites: [Acme/Lyon]}
"""


def test_a_forged_plan_is_refused(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    planned = office.plan(pull)
    office.publish(planned)
    office.hub.world.artifacts.clear()
    plan = (planned.folder / "plan.json").read_text("utf-8").replace("Viewer", "Admin")
    (planned.folder / "plan.json").write_text(plan, "utf-8")
    office.keep(planned, "pull_request", "less-for-the-siem", "reconciler-plan")
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "forged" in refused.text
    assert office.desk.written() == []


def test_somebody_elses_comment_with_our_marker_counts_for_nothing(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    [ours] = office.comments(pull)
    office.hub.world.comments.clear()
    office.hub.world.comment(pull.number, "mallory", ours)
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "no plan comment" in refused.text
    assert office.desk.written() == []


def test_an_edited_comment_is_not_what_was_planned(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    [comment] = office.hub.world.comments_on(pull.number)
    comment.body = comment.body.replace("service:siem", "service:other")
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "was edited" in refused.text


def test_a_marker_that_names_another_plan_than_the_kept_one_is_refused(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    planned = office.plan(pull)
    office.publish(planned)
    [comment] = office.hub.world.comments_on(pull.number)
    line, _, text = comment.body.partition("\n")
    line = line.replace(planned.result["content_digest"], "sha256:" + "e" * 64)
    comment.body = f"{line}\n{text}"
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "The kept plan is not the one that the pull request shows" in refused.text
    assert office.desk.written() == []


def test_a_comment_and_a_folder_of_ones_own_making_do_not_pass_for_ours(office: Office) -> None:
    """A request of the same commit into another branch runs what that branch says shall run."""
    pull = office.open("Less for the SIEM", SIEM)
    planned = office.plan(pull)
    text = "### No changes.\n\n<sub>Run 1, commit `aaaaaaaa`.</sub>\n"
    (planned.folder / "comment.md").write_text(text, "utf-8")
    office.hub.world.artifacts.clear()
    office.keep(planned, "pull_request", "evil", "reconciler-plan")
    office.publish(planned)
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "was edited, or is not ours" in refused.text
    assert office.desk.written() == []


def test_a_saved_plan_that_shows_less_than_it_does_is_refused(office: Office) -> None:
    """Sealed, with the digest of the true plan, and told truly: but not what would be done."""
    pull = office.open("Less for the SIEM", SIEM)
    planned = office.plan(pull)
    tree = json.loads((planned.folder / "plan.json").read_text("utf-8"))
    tree["operations"][0]["changes"][0]["role"]["name"] = "SOC"
    forged = to_json(sealed(tree))
    frame = Frame(planned.result["run_url"], planned.result["commit"], ON_MERGE)
    (planned.folder / "plan.json").write_text(forged, "utf-8")
    (planned.folder / "comment.md").write_text(plan_body(tree, frame), "utf-8")
    result = planned.result | {"plan_file_digest": file_digest(forged.encode())}
    (planned.folder / "result.json").write_text(json.dumps(result), "utf-8")
    office.hub.world.artifacts.clear()
    office.keep(planned, "pull_request", "evil", "reconciler-plan")
    assert office.publish(planned).code == 0
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "service:siem" in refused.text
    assert "forged" not in refused.text
    assert office.desk.written() == []


def test_a_role_that_permits_more_than_when_it_was_reviewed_is_not_granted(office: Office) -> None:
    pull = office.open("A viewer", {"policies/more.yaml": ("", VIEWER)})
    office.publish(office.plan(pull))
    world = office.desk.console.console.world
    role = world.roles[ROLES["Viewer"]]
    world.roles[ROLES["Viewer"]] = replace(role, permissions=("*",))
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "permits something else" in refused.text
    assert office.desk.written() == []


@pytest.mark.parametrize("more", [{"GITHUB_RUN_ATTEMPT": "2"}, {}], ids=["again", "as if first"])
def test_what_a_later_commit_found_gone_already_is_not_brought_back(
    office: Office, more: dict[str, str]
) -> None:
    grant = office.open("More", {"policies/more.yaml": ("", VIEWER)})
    office.publish(office.plan(grant))
    first = office.merge(grant)
    assert office.apply(first).code == 0
    office.desk.make("mia@acme.example", "SOC")
    back = office.open("Back", {"policies/more.yaml": ("role: Viewer", "role: SOC")})
    office.publish(office.plan(back))
    office.merge(back)
    nothing = office.apply()
    assert (nothing.code, nothing.result["verdict"]) == (0, ["no-change"])
    office.desk.console.changes.clear()

    again = office.apply(first, **more)

    assert again.code == 3, again.text
    assert "is not its first" in again.text
    assert office.desk.written() == []


def test_a_run_of_the_newest_commit_may_be_started_again(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.merge(pull)
    assert office.apply().code == 0

    again = office.apply(GITHUB_RUN_ATTEMPT="2")

    assert again.code == 0, again.text
    assert again.result["verdict"] == ["no-change"]


def test_a_push_after_the_last_plan_is_not_reviewed(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.push(pull, "policies/access.yaml", "role: SOC", "role: Viewer")
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "not of its last commit" in refused.text
    assert office.desk.written() == []


def test_a_request_that_changes_the_workflows_cannot_vouch_for_itself(office: Office) -> None:
    pull = office.open("Less", {**SIEM, ".github/workflows/plan.yml": ("", "on: push\n")})
    office.publish(office.plan(pull))
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert ".github/workflows/plan.yml" in refused.text
    assert office.desk.written() == []


def test_an_old_run_started_again_brings_nothing_back(office: Office) -> None:
    more = office.open("More", {"policies/more.yaml": ("", VIEWER)})
    office.publish(office.plan(more))
    first = office.merge(more)
    less = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(less))
    office.merge(less)
    assert office.apply().code == 0
    office.desk.console.changes.clear()

    again = office.apply(first)

    assert again.code == 3, again.text
    assert "does not come after it" in again.text
    assert office.desk.written() == []


def test_a_direct_push_has_no_review(office: Office) -> None:
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.edit("policies/access.yaml", *SIEM["policies/access.yaml"])
    commit = office.commit("Quickly")
    office.git("push", "--quiet", "origin", "main")
    office.hub.world.commits.add(commit)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "nobody has reviewed" in refused.text


def test_a_request_is_judged_by_the_guardrails_of_its_base(office: Office) -> None:
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("policies/guardrails.yaml", "version: 1\nmax_revokes: 0\n")
    office.commit("Strict")
    office.git("push", "--quiet", "origin", "main")
    loose = "version: 1\nmax_revokes: 50\nmax_revoke_fraction: 1.0\n"
    edits = {**SIEM, "policies/guardrails.yaml": ("version: 1\nmax_revokes: 0\n", loose)}
    pull = office.open("Loosened", edits)

    planned = office.plan(pull)
    office.publish(planned)

    assert planned.code == 3, planned.text
    assert office.labels(pull) == {"access: refused"}
    office.merge(pull)
    refused = office.apply()
    assert refused.code == 3, refused.text
    assert "was refused when it was read" in refused.text
    assert office.desk.written() == []


def test_broken_policies_are_told_on_the_pull_request(office: Office) -> None:
    pull = office.open("Broken", {"policies/access.yaml": ("role: SOC", "rule: SOC")})

    planned = office.plan(pull)
    office.publish(planned)

    assert planned.code == 1
    assert "::error file=policies/access.yaml" in planned.told.out
    [comment] = office.comments(pull)
    assert "policies/access.yaml" in comment
    assert office.labels(pull) == {"access: failed"}


WINDOW = """\
version: 1
assignments:
  - members: [mia@acme.example]
    role: SOC
    sites: [Acme/Lyon]
  - members: [mia@acme.example]
    role: Admin
    sites: [Acme/Lyon]
    from: 2026-11-23T10:00:00Z
    until: 2026-11-23T12:00:00Z
    reason: INC-1
"""


def test_the_clock_opens_and_closes_windows_and_leaves_drift_alone(office: Office) -> None:
    office.begin()
    pull = office.open("On call", {"policies/call.yaml": ("", WINDOW)})
    office.publish(office.plan(pull))
    office.merge(pull)
    assert office.apply().code == 0
    office.desk.make("siem", "SOC")

    office.desk.clock.passes(hours=2)
    opened = office.scheduled()
    assert opened.code == 0, opened.text
    assert office.desk.holds("mia@acme.example") == ["Admin Lyon"]
    assert office.desk.holds("siem") == ["SOC Berlin", "SOC Lyon"]

    office.desk.clock.passes(hours=2)
    closed = office.scheduled()
    assert closed.code == 0, closed.text
    assert office.desk.holds("mia@acme.example") == ["SOC Lyon"]
    assert office.scheduled().code == 0


def test_drift_is_mended_by_hand_with_the_digest_that_was_read(office: Office) -> None:
    office.desk.make("siem", "SOC")
    drift = office.scheduled("drift")
    assert drift.code == 2
    digest = drift.outputs["digest"]
    assert digest in drift.summary

    assert office.by_hand().code == 1
    assert office.by_hand("--digest", "sha256:" + "0" * 64).code == 3
    mended = office.by_hand("--digest", digest)

    assert mended.code == 0, mended.text
    assert office.desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert "Drift: 0 missing, 0 not in the policies" in office.scheduled("drift").text


def test_nothing_is_written_when_the_journal_cannot_be_pushed(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.merge(pull)
    hook = office.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "Nothing was written" in refused.text
    assert office.desk.written() == []


def test_a_fork_is_planned_from_the_snapshot_of_main_and_from_no_other(office: Office) -> None:
    desk, world = office.desk, office.hub.world
    assert desk.run("snapshot", "--out", str(desk.folder / "console.json")).code == 0
    files = {"console.json": (desk.folder / "console.json").read_bytes()}
    kept = world.run("schedule", "main", office.main, path=".github/workflows/drift.yml")
    world.keep(kept, "console-snapshot", files)
    planted = world.run("pull_request", "main", office.main, repository="mallory/access")
    world.keep(planted, "console-snapshot", {"console.json": b"{}"})
    pull = office.open("From outside", SIEM, fork="mallory/access")
    desk.console.requests.clear()

    planned = office.plan(pull, SENTINELONE_TOKEN="")

    assert planned.code == 0, planned.text
    assert "1 to revoke" in planned.text
    assert desk.console.requests == []


def test_without_a_snapshot_a_forks_policies_are_checked_and_that_is_said(office: Office) -> None:
    pull = office.open("From outside", SIEM, fork="mallory/access")
    office.desk.console.requests.clear()

    checked = office.plan(pull, SENTINELONE_TOKEN="")

    assert checked.code == 0, checked.text
    assert "Not planned" in checked.summary
    assert checked.result["verdict"] == ["unplanned"]
    assert office.desk.console.requests == []


def test_only_planned_does_the_part_that_still_holds(office: Office) -> None:
    more = {"policies/more.yaml": ("", VIEWER)}
    pull = office.open("Less and more", {**SIEM, **more})
    office.publish(office.plan(pull))
    office.desk.make("siem", "SOC")
    office.merge(pull)

    applied = office.apply("", "", "--only-planned")

    assert applied.code == 0, applied.text
    assert "1 of 2 planned operations left out" in applied.text
    assert office.desk.holds("mia@acme.example") == ["Viewer Lyon"]
    assert office.desk.holds("siem") == ["SOC Berlin", "SOC Lyon"]


def test_an_apply_from_anywhere_but_the_protected_branch_is_refused(office: Office) -> None:
    elsewhere = office.apply(GITHUB_REF="refs/heads/other")
    assert elsewhere.code == 3, elsewhere.text
    assert "only the protected branch" in elsewhere.text

    office.git("checkout", "-q", "-B", "side", "origin/main")
    side = office.commit("Aside")
    office.git("push", "--quiet", "origin", "side")
    pretended = office.apply(side, office.main)
    assert pretended.code == 3, pretended.text
    assert "is not on the protected branch" in pretended.text
    assert office.desk.written() == []


def test_two_applies_make_one_chain(office: Office) -> None:
    for title, edits in (("One", SIEM), ("Two", {"policies/more.yaml": ("", VIEWER)})):
        pull = office.open(title, edits)
        office.publish(office.plan(pull))
        office.merge(pull)
        assert office.apply().code == 0

    sequences = [record["sequence"] for record in office.journal()]
    assert sequences == list(range(1, len(sequences) + 1))
    journal = office.desk.folder / "fetched.jsonl"
    journal.write_text(
        office.git("show", "reconciler-journal:journal.jsonl", at=office.bare) + "\n"
    )
    assert office.desk.run("audit", "verify", "--journal", str(journal)).code == 0


def test_a_request_that_mends_broken_guardrails_is_judged_by_the_defaults(office: Office) -> None:
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("policies/guardrails.yaml", "version: 1\nmax_revoke: 3\n")
    office.commit("A slip")
    office.git("push", "--quiet", "origin", "main")
    mended = {"policies/guardrails.yaml": ("max_revoke:", "max_revokes:")}
    pull = office.open("Mended", mended)

    planned = office.plan(pull)

    assert planned.code == 0, planned.text
    assert "the defaults judge" in planned.text


def test_a_request_about_something_else_promises_nothing(office: Office) -> None:
    office.desk.make("siem", "SOC")
    pull = office.open("Readme", {"README.md": ("", "hello\n")})

    office.publish(office.plan(pull))

    [comment] = office.comments(pull)
    assert "merging it applies nothing" in comment
    assert "Merging applies exactly" not in comment


def test_drift_that_changes_is_told_and_not_only_edited(office: Office) -> None:
    office.desk.make("siem", "SOC")
    office.publish(office.scheduled("drift"))
    office.desk.make("ana@acme.example", "Viewer")
    office.publish(office.scheduled("drift"))

    [issue] = [item for item in office.hub.world.items.values() if item.pull is None]
    notes = [comment.body for comment in office.hub.world.comments_on(issue.number)]
    assert len(notes) == 1
    assert "Other drift than before" in notes[0]
