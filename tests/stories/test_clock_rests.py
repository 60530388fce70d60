"""What the clock goes on from: policies that somebody agreed to whole, by a run that ended well."""

from typing import Any

from stories.office import Office
from stories.test_ci_attacked import MIA
from stories.test_clock_in_ci import SNEAK, reviewed
from stories.test_in_ci import SIEM, VIEWER, WINDOW


def direct(office: Office, name: str, text: str) -> None:
    """Somebody pushes to main without a request, and the apply refuses it."""
    office.git("fetch", "-q", "origin")
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write(name, text)
    office.hub.world.commits.add(office.commit("Directly"))
    office.git("push", "--quiet", "origin", "main")
    assert office.apply().code == 3


def test_the_first_merge_does_not_stand_for_what_was_there_before_it(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    direct(office, "policies/sneak.yaml", SNEAK)
    commit = office.merge(pull)
    assert office.apply(commit).code == 0
    office.desk.console.changes.clear()

    office.desk.clock.passes(minutes=15)
    clock = office.scheduled()

    assert clock.code == 0, clock.text
    assert "No reviewed apply is on record yet" in clock.text
    assert office.desk.written() == []


def test_a_merge_after_one_that_nobody_applied_settles_no_end_of_the_policies_before(
    office: Office,
) -> None:
    """The policies of then end mia's window at 12:00; those that nobody reviewed, at 14:00."""
    reviewed(office, "On call", "call", WINDOW)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    direct(office, "policies/call.yaml", WINDOW.replace("23T12:00", "23T14:00"))
    office.desk.clock.passes(hours=2)
    assert office.apply(office.merge(pull)).code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_a_run_that_is_started_again_takes_nothing_from_its_first_attempt(office: Office) -> None:
    office.begin()
    pull = office.open("On call", {"policies/call.yaml": ("", WINDOW)})
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    first = office.apply(commit)
    run = {"GITHUB_RUN_ID": first.runner["GITHUB_RUN_ID"], "GITHUB_RUN_ATTEMPT": "2"}
    assert office.apply(commit, **run).code == 0
    # And once more, which waits for its reviewer.
    known = office.hub.world.runs[int(run["GITHUB_RUN_ID"])]
    known.earlier[2] = type(known)(**{name: getattr(known, name) for name in known.__slots__})
    known.attempt, known.status, known.conclusion = 3, "waiting", None

    office.desk.clock.passes(hours=1, minutes=5)
    clock = office.scheduled()

    assert clock.code == 0, clock.text
    assert office.desk.holds(MIA) == ["Admin Lyon"]


def test_while_the_run_it_rests_on_has_not_ended_the_clock_waits(office: Office) -> None:
    """The job that comments goes on still."""
    reviewed(office, "On call", "call", WINDOW)
    known = max(office.hub.world.runs.values(), key=lambda run: run.id)
    known.status, known.conclusion = "in_progress", None
    office.desk.clock.passes(hours=1, minutes=5)

    clock = office.scheduled()

    assert clock.code == 0, clock.text
    assert "has not ended yet" in clock.text


def test_after_an_apply_that_could_not_verify_all_merges_go_on_and_windows_wait(
    office: Office, proxy: Any, faults: Any
) -> None:
    reviewed(office, "On call", "call", WINDOW)
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    proxy.when(faults.status(403), path="/accounts", skip=1, times=9)
    commit = office.merge(pull)
    first = office.apply(commit)
    assert first.code == 4, first.text
    proxy.start_over()
    berlin = VIEWER.replace("Lyon", "Berlin")
    more = office.open("More", {"policies/more.yaml": ("", berlin)})
    planned = office.plan(more)
    assert planned.code == 0, planned.text
    office.publish(planned)

    job = office.apply(office.merge(more))

    assert job.code == 0, job.text
    assert f"{commit[:8]} changed the policies before" in (
        job.folder.joinpath("comment.md").read_text("utf-8")
    )
    office.desk.clock.passes(hours=1, minutes=5)
    assert "Start that run again" in office.scheduled().text
