"""In CI: what a request grants later stands in its comment, and by hand it is agreed to as well."""

import re

from stories.desk import POLICY
from stories.office import Office

WINDOW = """\
version: 1
assignments:
  - members: [ana@acme.example]
    role: Admin
    sites: [Acme/Lyon]
    from: 2026-11-23T10:00:00Z
    until: 2026-11-23T12:00:00Z
    reason: INC-1
"""
CALL = {"policies/call.yaml": ("", WINDOW)}
LISTED = """\
version: 1
assignments:
  - {members: [mia@acme.example], role: SOC, sites: [Acme/Lyon]}
  - {members: [service:stray], role: Viewer, sites: [Acme/Lyon]}
"""
"""Everybody else whom the console has."""
OPENS = (
    "`Admin` on `Acme/Lyon` **MEDIUM** from `2026-11-23T10:00:00Z` until `2026-11-23T12:00:00Z`: "
    "`ana@acme.example` (`INC-1`, `policies/call.yaml:3:15`)"
)
"""Who, what, where and when."""
_DIGEST = re.compile(r"To apply by hand: digest `(sha256:[0-9a-f]{64})`\.")


def test_a_request_that_only_grants_later_is_labelled_and_told_so(office: Office) -> None:
    pull = office.open("On call", CALL)

    planned = office.plan(pull)
    office.publish(planned)

    assert planned.code == 0, planned.text
    [comment] = office.comments(pull)
    assert "### No changes. " in comment
    assert " 1 new grant opens later." in comment
    assert "Nothing to change now; 1 grant opens later, new with this change." in comment
    assert f"#### Opens later, new with this change\n\n- **opens later** {OPENS}" in comment
    assert office.labels(pull) == {"access: grants"}


def test_where_the_base_is_broken_all_that_opens_later_counts_as_new(office: Office) -> None:
    broken = "version: 1\nassignments: [\n"
    office.git("checkout", "-q", "-B", "main", "origin/main")
    office.write("policies/access.yaml", broken)
    office.commit("Broken")
    office.git("push", "--quiet", "origin", "main")
    pull = office.open("Mended", CALL | {"policies/access.yaml": (broken, POLICY)})

    office.publish(office.plan(pull))

    [comment] = office.comments(pull)
    assert f"#### Opens later, new with this change\n\n- **opens later** {OPENS}" in comment
    assert "access: grants" in office.labels(pull)


def test_a_request_that_lets_an_open_window_last_longer_is_told_so(office: Office) -> None:
    first = office.open("On call", CALL)
    office.publish(office.plan(first))
    office.merge(first)
    assert office.apply().code == 0
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    ever = ("until: 2026-11-23T12:00:00Z", "until: 2036-11-23T12:00:00Z")
    pull = office.open("Rather for good", {"policies/call.yaml": ever})

    office.publish(office.plan(pull))

    [comment] = office.comments(pull)
    lasts = "lasts on from `2026-11-23T12:00:00Z` until `2036-11-23T12:00:00Z`: `ana@acme.example`"
    assert lasts in comment
    assert office.labels(pull) == {"access: grants"}


def test_it_is_applied_on_merge_and_opened_by_the_clock_as_it_was_told(office: Office) -> None:
    office.begin()
    pull = office.open("On call", CALL)
    office.publish(office.plan(pull))
    office.merge(pull)

    applied = office.apply()
    assert applied.code == 0, applied.text
    assert office.desk.written() == []
    office.desk.clock.passes(hours=1, minutes=5)
    opened = office.scheduled()

    assert opened.code == 0, opened.text
    assert "Admin Lyon" in (office.desk.holds("ana@acme.example") or [])


def test_a_comment_without_what_opens_later_is_not_what_was_read(office: Office) -> None:
    pull = office.open("On call", CALL)
    office.publish(office.plan(pull))
    comment = office.hub.world.comments_on(pull.number)[0]
    comment.body = "\n".join(line for line in comment.body.splitlines() if OPENS not in line)
    office.merge(pull)

    refused = office.apply()

    assert refused.code == 3
    assert "was edited, or is not ours" in refused.text


def test_the_next_request_tells_a_window_that_was_known_apart(office: Office) -> None:
    first = office.open("On call", CALL)
    office.publish(office.plan(first))
    office.merge(first)
    assert office.apply().code == 0
    siem = {"policies/access.yaml": ("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")}
    pull = office.open("Less for the SIEM", siem)

    office.publish(office.plan(pull))

    [comment] = office.comments(pull)
    assert "<summary>1 grant opens later</summary>" in comment
    assert OPENS in comment
    assert office.labels(pull) == {"access: revokes"}


def test_the_digest_to_start_by_hand_stands_for_what_opens_later(office: Office) -> None:
    office.desk.make("siem", "SOC")
    before = office.scheduled("drift").outputs["digest"]
    office.merge(office.open("On call", CALL))

    drift = office.scheduled("drift")

    assert OPENS in drift.summary
    assert _DIGEST.findall(drift.summary) == [drift.outputs["digest"]]
    assert drift.outputs["digest"] != before
    assert office.by_hand("--digest", before).code == 3
    assert office.by_hand("--digest", drift.outputs["digest"]).code == 0


def test_without_drift_the_digest_and_what_opens_later_are_told_too(office: Office) -> None:
    office.merge(office.open("On call", CALL | {"policies/rest.yaml": ("", LISTED)}))

    clean = office.scheduled("drift")

    assert clean.code == 0, clean.text
    assert "The console holds what the policies say now; 1 grant opens later." in clean.summary
    assert OPENS in clean.summary
    [digest] = _DIGEST.findall(clean.summary)
    assert digest == clean.outputs["digest"]
    assert f"To apply by hand: digest {digest}\n" in clean.text


def test_the_issue_that_is_closed_names_the_digest_in_its_note(office: Office) -> None:
    office.publish(office.scheduled("drift"))
    office.merge(office.open("All", {"policies/rest.yaml": ("", LISTED)}))

    clean = office.scheduled("drift")
    office.publish(clean)

    [issue] = [each for each in office.hub.world.items.values() if each.pull is None]
    notes = [comment.body for comment in office.hub.world.comments_on(issue.number)]
    assert notes[-1].startswith("No drift any more. Run ")
    assert _DIGEST.findall(notes[-1]) == [clean.outputs["digest"]]


def test_a_window_to_come_is_no_news_of_drift(office: Office) -> None:
    office.desk.make("siem", "SOC")
    office.publish(office.scheduled("drift"))
    office.merge(office.open("On call", CALL))

    office.publish(office.scheduled("drift"))

    [issue] = [each for each in office.hub.world.items.values() if each.pull is None]
    assert OPENS in (issue.body or "")
    assert office.hub.world.comments_on(issue.number) == []
