"""Ordinary days of a team: merges in turn, runs that are started again, bystanders."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from stories.bureau import Bureau
from stories.desk import NOW
from stories.office import Office
from stories.test_ci_attacked import applied, pushed, without_the_end
from stories.test_in_ci import SIEM, VIEWER, WINDOW
from stories.test_journal_forged import chained, pair

from reconciler.ci.comment import NOT_OURS, ON_MERGE
from reconciler.simulator.serve import running

BO = "bo@acme.example"


def ended(content: bytes) -> dict[str, Any]:
    """Return the end of the run that began last."""
    return pair(content)[1] | {"run": "f" * 16}


COMMENT = {"policies/access.yaml": ("version: 1", "# a comment\nversion: 1")}


def test_what_an_earlier_merge_has_done_by_now_is_no_mismatch(office: Office) -> None:
    """B is planned after A was merged and before A was applied, so it holds what A asks for."""
    first = office.open("A", SIEM)
    office.publish(office.plan(first))
    a = office.merge(first)
    second = office.open("B", {"policies/b.yaml": ("", VIEWER)})
    office.publish(office.plan(second))
    assert office.apply(a).code == 0
    office.desk.console.changes.clear()

    job = office.apply(office.merge(second))

    assert job.code == 0, job.text
    assert len(office.desk.written()) == 1


def test_what_the_clock_has_done_by_now_is_no_mismatch(office: Office) -> None:
    applied(office, "On call", {"policies/call.yaml": ("", WINDOW)})
    office.desk.clock.passes(hours=1, minutes=5)
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    assert office.scheduled().code == 0

    assert office.apply(office.merge(pull)).code == 0


def test_what_failed_the_first_time_is_done_when_the_run_is_started_again(
    office: Office, proxy: Any, faults: Any
) -> None:
    both = {
        "policies/access.yaml": ("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]"),
        "policies/more.yaml": ("", VIEWER),
    }
    pull = office.open("Two", both)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    proxy.when(faults.status(400), method="PUT")
    first = office.apply(commit)
    assert first.code == 4, first.text
    office.publish(first)

    again = office.apply(commit, GITHUB_RUN_ATTEMPT="2")
    office.publish(again)

    assert again.code == 0, again.text
    _plan, failed, done = office.comments(pull)
    assert "1 failed" in failed
    assert "Journal head" in failed
    assert "1 applied, of 1" in done


def test_a_run_that_is_started_again_does_not_replace_what_it_said_of_its_work(
    office: Office,
) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    office.publish(office.apply(commit))
    said = office.comments(pull)[-1]

    office.publish(office.apply(commit, GITHUB_RUN_ATTEMPT="2"))

    assert said in office.comments(pull)


def test_what_changes_no_policy_needs_no_request_and_stops_no_later_one(office: Office) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("CHANGELOG.md", "News\n")
    commit = office.commit("A bot")
    office.git("push", "-q", "origin", "main")
    office.hub.world.commits.add(commit)
    pull = office.open("A comment", COMMENT)
    office.publish(office.plan(pull))

    job = office.apply(office.merge(pull))

    assert job.code == 0, job.text
    told = job.folder.joinpath("comment.md").read_text("utf-8")
    assert "nobody has applied" not in told


@pytest.mark.parametrize("drift", [False, True])
def test_a_merge_that_changes_no_policy_applies_nothing(office: Office, drift: bool) -> None:
    pull = office.open("Words", {"README.md": ("", "hello\n")})
    if drift:
        office.desk.make("siem", "SOC")
        office.desk.console.changes.clear()
    office.publish(office.plan(pull))
    assert NOT_OURS in office.comments(pull)[0] or not drift

    job = office.apply(office.merge(pull))

    assert job.code == 0, job.text
    assert "changes no policy" in job.text
    assert office.desk.written() == []


@pytest.mark.parametrize("merged_results", [True, False])
def test_a_merge_that_changes_no_policy_applies_nothing_on_gitlab(
    bureau: Bureau, merged_results: bool
) -> None:
    bureau.has_merged_results = merged_results
    bureau.desk.make("siem", "SOC")
    bureau.desk.console.changes.clear()
    request = bureau.open("Words", {"README.md": ("", "hello\n")})
    bureau.requested(request)
    bureau.merge(request)

    bureau.pushed()

    assert bureau.desk.written() == []


def test_a_comment_that_says_nothing_is_applied_stands_for_no_plan(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    comment = office.hub.world.comments_on(pull.number)[0]
    comment.body = comment.body.replace(ON_MERGE, NOT_OURS)

    job = office.apply(office.merge(pull))

    assert job.code == 3, job.text
    assert "was edited, or is not ours" in job.text


def test_who_approved_before_the_plan_said_so_has_not_approved_it(office: Office) -> None:
    """A plan changes with the console too, and the host keeps approvals then."""
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.hub.world.review(pull.number, "cleo", "APPROVED")
    office.hub.now += timedelta(hours=1)
    office.desk.make(BO, "Admin")
    office.desk.console.changes.clear()
    office.publish(office.plan(pull))
    commit = office.merged(office._branch(pull), pull.title, pull.number, squash=True)
    office.hub.world.merge(pull.number, "cleo", commit)

    job = office.apply(commit)

    assert job.code == 3, job.text
    assert "everybody approved before that" in job.text
    assert office.desk.written() == []


def test_two_consoles_of_one_repository_do_not_count_each_others_runs(
    office: Office, adopted_world: Any
) -> None:
    with running(deepcopy(adopted_world), clock=lambda: NOW) as second:
        other = {"SENTINELONE_URL": second.url, "SENTINELONE_TOKEN": second.token}
        commits = []
        for title, edits in [("A", SIEM), ("B", {"policies/b.yaml": ("", VIEWER)})]:
            pull = office.open(title, edits)
            office.publish(office.plan(pull))
            office.publish(office.plan(pull, **other))
            commits.append(office.merge(pull))
            assert office.apply(commits[-1]).code == 0
        first = office.apply(commits[0], **other)

    assert first.code == 0, first.text


def test_a_refusal_for_another_run_is_told_on_the_request(office: Office) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    pushed(office, without_the_end)

    job = office.apply(commit)
    office.publish(job)

    assert job.code == 3
    assert "then start this run again" in office.comments(pull)[-1]


def test_an_apply_waits_for_a_run_that_is_writing(office: Office) -> None:
    """The clock's runs stand in no queue with those of merges."""
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    pushed(office, without_the_end)

    class Waking(list[float]):
        """The other run ends while this one waits."""

        def append(self, seconds: float) -> None:
            super().append(seconds)
            if self == [20.0]:
                pushed(office, lambda content: chained(content, [ended(content)]))

    office.desk.clock.slept = Waking()

    job = office.apply(commit)

    assert job.code == 0, job.text
    assert "waiting for it" in job.text


def test_the_clock_lets_another_run_write_and_stays_green(office: Office) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pushed(office, without_the_end)

    job = office.scheduled()

    assert job.code == 0, job.text
    assert "the next one looks again" in job.text


def test_a_window_that_two_requests_make_together_is_in_no_plan_and_is_refused(
    office: Office,
) -> None:
    group = "version: 1\ngroups:\n  on-call: [bo@acme.example]\n"
    applied(office, "A group", {"policies/groups.yaml": ("", group)})
    window = (
        "version: 1\nassignments:\n  - {members: [group:on-call], role: Admin, sites: [Acme/Lyon],"
        " from: 2026-11-23T10:00:00Z, until: 2026-11-23T12:00:00Z, reason: INC-1}\n"
    )
    second = office.open("A window for it", {"policies/window.yaml": ("", window)})
    office.publish(office.plan(second))
    both = group.replace("bo@acme.example", "bo@acme.example, lena@acme.example")
    applied(office, "A member", {"policies/groups.yaml": (group, both)})

    job = office.apply(office.merge(second))

    assert job.code == 3, job.text
    assert "does not show: for lena@acme.example" in job.text


def test_who_was_invited_by_the_first_attempt_has_the_same_windows_in_the_second(
    office: Office, proxy: Any, faults: Any
) -> None:
    """By then they have an id; in the plan that was read they had none."""
    both = (
        "version: 1\nusers:\n  nia@acme.example: {name: Nia New}\nassignments:\n"
        "  - {members: [nia@acme.example], role: SOC, sites: [Acme/Lyon]}\n"
        "  - {members: [nia@acme.example], role: Admin, sites: [Acme/Lyon],"
        " from: 2026-11-23T10:00:00Z, until: 2026-11-23T12:00:00Z, reason: INC-1}\n"
    )
    pull = office.open("Nia", {"policies/nia.yaml": ("", both), **SIEM})
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    proxy.when(faults.status(400), method="PUT")
    first = office.apply(commit)
    assert first.code == 4, first.text

    again = office.apply(commit, GITHUB_RUN_ATTEMPT="2")

    assert again.code == 0, again.text


def test_what_the_journals_branch_cannot_take_any_more_is_kept_on_another(
    office: Office, proxy: Any, faults: Any
) -> None:
    """Somebody adds to it while a run writes: the run's own records are evidence all the same."""
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    proxy.when(faults.before(lambda: pushed(office, lambda content: content)), method="PUT")

    job = office.apply(commit)

    assert job.code == 4, job.text
    branch = f"reconciler-journal-left-{job.result['run']}"
    assert f"on the branch {branch}" in job.text
    kept = office.git("show", f"{branch}:journal.jsonl", at=office.bare)
    assert '"kind":"run-finished"' in kept
