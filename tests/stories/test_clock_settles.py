"""What a run leaves as it was is still waited for: the clock does it, or a person.

The office's day begins at 09:00; mia is SOC on Lyon, and Admin there from 10:00 to 12:00.
"""

from typing import Any

import pytest
from stories.office import Office
from stories.test_clock_in_ci import MIA, reviewed
from stories.test_in_ci import SIEM, WINDOW

BO_TOO = """\
  - members: [bo@acme.example]
    role: Viewer
    sites: [Acme/Berlin]
    from: 2026-11-23T11:00:00Z
    until: 2026-11-23T11:30:00Z
    reason: INC-2
"""
ADMIN = WINDOW[WINDOW.rindex("  - members") :]
LOWER = """\
version: 1
assignments:
  - members: [bo@acme.example]
    role: Viewer
    sites: [Acme/Berlin]
    from: 2026-11-23T11:00:00Z
    until: 2026-11-30T12:00:00Z
    reason: INC-3
"""


def opened(office: Office, text: str = WINDOW) -> None:
    """Bring the window, and let the clock open it; it is 10:05 then."""
    reviewed(office, "On call", "call", text)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]


def merged_at_five_to(office: Office, edits: Any) -> None:
    """Plan and merge something else just before the window ends; it is 12:05 then."""
    office.desk.clock.passes(hours=1, minutes=50)
    pull = office.open("Something else", edits)
    office.publish(office.plan(pull))
    office.merge(pull)
    office.desk.clock.passes(minutes=10)


@pytest.mark.parametrize(
    "edits",
    [SIEM, {"policies/access.yaml": ("version: 1", "# a comment\nversion: 1")}],
    ids=["another plan", "a comment"],
)
def test_a_merge_that_was_planned_before_a_window_ended_does_not_settle_its_end(
    office: Office, edits: Any
) -> None:
    opened(office)
    merged_at_five_to(office, edits)

    applied = office.apply()
    told = applied.folder.joinpath("comment.md").read_text("utf-8")
    assert applied.code == 0, applied.text
    assert office.desk.holds(MIA) == ["Admin Lyon"]
    assert "The console holds what the policies say" not in told
    assert "Left as they were" in told
    assert f"`{MIA}`" in told

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0
    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_a_run_that_a_required_sink_stopped_settles_nothing(office: Office, sink: Any) -> None:
    opened(office)
    office.desk.clock.passes(hours=2)
    sink.answers.extend([403] * 9)
    clock = ("apply", "--require-sink")
    assert office.scheduled(*clock, RECONCILER_SINK=sink.url).code == 3
    assert office.desk.holds(MIA) == ["Admin Lyon"]
    sink.answers.clear()

    office.desk.clock.passes(minutes=31)
    assert office.scheduled(*clock, RECONCILER_SINK=sink.url).code == 0

    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_an_end_between_the_decision_and_its_record_is_waited_for(
    office: Office, proxy: Any, faults: Any
) -> None:
    opened(office, WINDOW + BO_TOO)
    office.desk.clock.passes(hours=1)
    assert office.scheduled().code == 0
    office.desk.clock.passes(minutes=54, seconds=59)
    two_seconds = faults.before(lambda: office.desk.clock.passes(seconds=2))
    proxy.when(two_seconds, path="/activities")
    assert office.scheduled().code == 0  # bo's end; mia's has come meanwhile
    assert office.desk.holds(MIA) == ["Admin Lyon"]

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_an_end_that_failed_is_not_forgotten_over_a_later_merge(
    office: Office, proxy: Any, faults: Any
) -> None:
    opened(office)
    merged_at_five_to(office, SIEM)
    proxy.when(faults.status(400), method="PUT")
    assert office.scheduled().code == 4
    assert office.apply().code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_a_window_that_opens_before_its_own_merge_is_applied_is_opened_after_it(
    office: Office,
) -> None:
    """The clock looked at 10:05, by the policies of before: that settles nothing of the window."""
    reviewed(office, "Less for the SIEM", "note", "version: 1\n")
    pull = office.open("On call", {"policies/call.yaml": ("", WINDOW)})
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    office.desk.clock.passes(hours=1, minutes=5)
    office.scheduled()
    office.desk.clock.passes(minutes=5)
    assert office.apply(commit).code == 0

    office.desk.clock.passes(minutes=10)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["Admin Lyon"]


def test_a_reviewed_revoke_that_a_window_overtook_is_done_with_the_window(office: Office) -> None:
    two = WINDOW.replace("sites: [Acme/Lyon]", "sites: [Acme/Lyon, Acme/Berlin]", 1)
    reviewed(office, "On call", "call", two)
    assert office.desk.holds(MIA) == ["SOC Berlin", "SOC Lyon"]
    office.desk.clock.passes(minutes=55)
    less = {"policies/call.yaml": ("sites: [Acme/Lyon, Acme/Berlin]", "sites: [Acme/Lyon]")}
    pull = office.open("Less for Mia", less)
    office.publish(office.plan(pull))
    office.merge(pull)
    office.desk.clock.passes(minutes=6)
    applied = office.apply()
    assert applied.code == 0, applied.text
    assert f"`{MIA}`" in applied.folder.joinpath("comment.md").read_text("utf-8")

    office.desk.clock.passes(minutes=15)
    assert office.scheduled().code == 0

    assert office.desk.holds(MIA) == ["Admin Lyon"]


def test_a_window_that_the_newest_commit_cancels_is_not_opened_though_nobody_could_apply_that(
    office: Office, proxy: Any, faults: Any
) -> None:
    reviewed(office, "On call", "call", WINDOW)
    pull = office.open("Cancel it", {"policies/call.yaml": (ADMIN, "")})
    office.publish(office.plan(pull))
    office.merge(pull)
    proxy.when(faults.status(503), times=50)
    assert office.apply().code == 1
    proxy.start_over()
    office.desk.console.changes.clear()
    office.desk.clock.passes(hours=1, minutes=5)

    clock = office.scheduled()

    assert clock.code == 0, clock.text
    assert office.desk.written() == []


def test_an_opening_that_is_refused_holds_no_end_up(office: Office) -> None:
    strict = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\n"
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("policies/guardrails.yaml", f"{strict}protected: [bo@acme.example]\n")
    office.commit("Strict")
    office.git("push", "--quiet", "origin", "main")
    reviewed(office, "On call", "call", WINDOW)
    reviewed(office, "Bo", "bo", LOWER)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]
    before = office.desk.holds("bo@acme.example")

    office.desk.clock.passes(hours=2)
    clock = office.scheduled()

    assert clock.code == 3, clock.text
    assert "Not opened, protected" in clock.text
    assert office.desk.holds(MIA) == ["SOC Lyon"]
    assert office.desk.holds("bo@acme.example") == before
