"""What somebody tries who can push branches, start old runs again, or push to the journal."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import rfc8785
from stories.desk import ROLES
from stories.office import Office
from stories.repository import Repository
from stories.test_in_ci import SIEM, VIEWER

BRANCH = "reconciler-journal"
MIA = "mia@acme.example"
ADMIN = VIEWER.replace("Viewer", "Admin")


def applied(office: Office, title: str, edits: dict[str, tuple[str, str]]) -> str:
    office.begin()
    pull = office.open(title, edits)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    done = office.apply(commit)
    assert done.code == 0, done.text
    return commit


@pytest.mark.parametrize("later", ["found nothing to do", "was refused"])
def test_an_old_run_brings_nothing_back_whatever_became_of_the_later_one(
    office: Office, later: str
) -> None:
    first = applied(office, "More", {"policies/more.yaml": ("", ADMIN)})
    office.desk.make(MIA, "SOC")
    edits = {"policies/more.yaml": ("role: Admin", "role: SOC")}
    if later == "was refused":
        edits[".github/workflows/x.yml"] = ("", "on: push\n")
    less = office.open("Less", edits)
    office.publish(office.plan(less))
    office.merge(less)
    assert office.apply().code == (3 if later == "was refused" else 0)

    again = office.apply(first)

    assert again.code == 3, again.text
    assert office.desk.holds(MIA) == ["SOC Lyon"]


def test_policies_behind_a_link_are_refused(office: Office) -> None:
    office.git("checkout", "-q", "-B", "linked", "origin/main")
    office.git("mv", "policies", "p2")
    (office.work / "p2" / "guardrails.yaml").unlink()
    (office.work / "policies").symlink_to("p2")
    head = office.commit("Tidy")
    pull = office.hub.world.open_pull("bea", "Tidy", head, "linked", office.main)
    office._propose(pull.number, head, "linked")

    planned = office.plan(pull)

    assert planned.code == 3, planned.text
    assert "is a link" in planned.text


def test_a_push_that_brought_two_requests_is_applied_by_neither(office: Office) -> None:
    before = office.main
    one = office.open("One", SIEM)
    office.publish(office.plan(one))
    two = office.open("Two", {"policies/more.yaml": ("", VIEWER)})
    office.publish(office.plan(two))
    office.merge(one)
    office.merge(two)

    refused = office.apply("", before)

    assert refused.code == 3, refused.text
    assert "brought more than" in refused.text
    assert office.desk.written() == []


def test_after_main_was_rewritten_a_person_can_go_on(office: Office) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    office.git("checkout", "-q", "--orphan", "fresh", "origin/main")
    office.commit("History cleaned")
    office.git("push", "-q", "--force", "origin", "fresh:main")
    office.git("fetch", "-q", "origin")
    office.desk.make("siem", "SOC")
    drift = office.scheduled("drift")

    mended = office.by_hand("--digest", drift.outputs["digest"])

    assert mended.code == 0, mended.text
    assert office.desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert office.scheduled().code == 0


def test_one_failed_last_push_loses_nothing(office: Office) -> None:
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.merge(pull)
    hook = office.bare / "hooks" / "pre-receive"
    once = "if [ -e once ]; then rm hooks/pre-receive; exit 1; fi\ntouch once\n"
    hook.write_text(f"#!/bin/sh\n{once}")
    hook.chmod(0o755)

    done = office.apply()

    assert done.code == 0, done.text
    assert office.journal()[-1]["kind"] == "run-finished"


def test_a_digest_by_hand_is_void_when_a_role_permits_something_else(office: Office) -> None:
    office.desk.make("siem", "SOC")
    drift = office.scheduled("drift")
    roles = office.desk.console.world.roles
    roles[ROLES["Viewer"]] = replace(roles[ROLES["Viewer"]], permissions=("*",))

    refused = office.by_hand("--digest", drift.outputs["digest"])

    assert refused.code == 3, refused.text
    assert office.desk.written() == []


def pushed(
    office: Repository, change: Callable[[bytes], bytes], *, executable: bool = False
) -> None:
    """Somebody with write access pushes to the journal's branch."""
    office.git("fetch", "-q", "origin", f"+{BRANCH}:{BRANCH}")
    office.git("checkout", "-q", BRANCH)
    path = office.work / "journal.jsonl"
    path.write_bytes(change(path.read_bytes()))
    path.chmod(0o755 if executable else 0o644)
    office.commit("x")
    office.git("push", "-q", "origin", BRANCH)
    office.git("checkout", "-q", "main")


@pytest.mark.parametrize("how", ["cut", "executable", "garbage"])
def test_a_journal_that_somebody_touched_stops_every_apply(office: Office, how: str) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.merge(pull)
    office.desk.console.changes.clear()
    match how:
        case "cut":
            pushed(office, lambda content: b"".join(content.splitlines(keepends=True)[:1]))
        case "executable":
            pushed(office, lambda content: content, executable=True)
        case _:
            pushed(office, lambda content: content + b"{}\n")

    stopped = office.apply()

    assert stopped.code == 1, stopped.text
    assert office.desk.written() == []


def test_while_a_run_may_be_writing_another_waits(office: Office) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    office.merge(pull)
    pushed(office, without_the_end)

    waiting = office.apply()
    assert waiting.code == 3, waiting.text
    assert "has not ended" in waiting.text

    office.desk.clock.passes(minutes=31)
    later = office.apply()
    assert later.code == 0, later.text
    assert "never told its end" in later.text


def without_the_end(content: bytes) -> bytes:
    """Add the start of a run to the journal, as the branch shows it while the run writes."""
    lines = content.splitlines()
    started = next(json.loads(line) for line in lines if b'"run-started"' in line)
    previous = "sha256:" + hashlib.sha256(lines[-1]).hexdigest()
    new = {**started, "sequence": len(lines) + 1, "previous": previous, "run": "f" * 16}
    return content + rfc8785.dumps(new) + b"\n"
