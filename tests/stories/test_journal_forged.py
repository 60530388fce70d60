"""Somebody who may push to the journal's branch adds to it, and gets nothing applied by that."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from stories.bureau import Bureau
from stories.office import Office
from stories.test_ci_attacked import MIA, applied, pushed
from stories.test_clock_in_ci import LATER, reviewed
from stories.test_in_ci import SIEM, VIEWER, WINDOW

BRANCH = "reconciler-journal"


def chained(content: bytes, more: list[dict[str, Any]]) -> bytes:
    """Add records to a journal as this product would, from their kind and data on."""
    lines = content.splitlines()
    for record in more:
        previous = f"sha256:{sha256(lines[-1]).hexdigest() if lines else '0' * 64}"
        lines.append(rfc8785.dumps(record | {"sequence": len(lines) + 1, "previous": previous}))
    return b"".join(line + b"\n" for line in lines)


def pair(content: bytes) -> list[dict[str, Any]]:
    """Return the start and the end of the first run."""
    records = [json.loads(line) for line in content.splitlines()]
    kinds = ("run-started", "run-finished")
    return [next(one for one in records if one["kind"] == kind) for kind in kinds]


def run_again(name: str, **review: str) -> Callable[[bytes], bytes]:
    """Add a run like the first one, of which the review says something else."""

    def forge(content: bytes) -> bytes:
        started, finished = pair(content)
        started["data"] |= {"operations": 0, "review": started["data"]["review"] | review}
        finished["data"] = {"results": {}}
        return chained(content, [one | {"run": name * 16} for one in (started, finished)])

    return forge


def refuses(office: Office, *words: str) -> None:
    office.desk.console.changes.clear()
    job = office.scheduled()
    assert job.code == 3, job.text
    assert office.desk.written() == []
    assert all(word in job.text for word in words), job.text


def test_a_branch_that_nobody_merged_is_not_applied_for_the_record_names_it(
    office: Office,
) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    evil = office.propose("evil", "evil", {"policies/evil.yaml": ("", LATER)})
    office.git("push", "-q", "origin", "evil")
    tip = office.git("rev-parse", "main", at=office.bare)
    pushed(office, run_again("f", commit=evil))
    pushed(office, run_again("e", commit=tip, trigger="schedule"))

    office.desk.clock.passes(hours=2)

    refuses(office, "which is not on main")


def test_a_merge_that_was_refused_is_not_applied_for_the_record_says_it_was(
    office: Office,
) -> None:
    """Its own run is named, which the host knows, and knows to have ended badly."""
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    pull = office.open("Sneak", {"policies/sneak.yaml": ("", LATER)})
    commit = office.merge(pull)
    job = office.apply(commit)
    assert job.code == 3
    pushed(office, run_again("f", trigger="push", commit=commit, run=job.result["run_url"]))

    office.desk.clock.passes(hours=2)

    refuses(office, f"that {commit[:8]} was applied whole", "did not end well")


@pytest.mark.parametrize("run", ["", "https://elsewhere.example/1", "{prefix}1/../2", "{prefix}99"])
def test_a_run_that_the_host_does_not_know_counts_for_nothing(office: Office, run: str) -> None:
    commit = applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    prefix = office.journal()[0]["data"]["review"]["run"].rpartition("/")[0] + "/"
    pushed(office, run_again("f", commit=commit, run=run.format(prefix=prefix)))

    refuses(office, "the code host knows none of that number")


def test_an_old_record_that_is_added_again_brings_back_nothing_that_was_taken_away(
    office: Office,
) -> None:
    reviewed(office, "On call", "call", WINDOW)
    office.desk.clock.passes(hours=1, minutes=5)
    assert office.scheduled().code == 0
    office.desk.make(MIA, "SOC")
    office.desk.console.changes.clear()
    reviews = [each["data"].get("review", {}) for each in office.journal()]
    merged = next(review for review in reviews if review.get("trigger") == "push")
    pushed(office, run_again("f", **{key: merged[key] for key in ("trigger", "commit", "run")}))

    assert office.scheduled().code == 0

    assert office.desk.written() == []


def test_a_record_of_the_future_does_not_keep_a_window_open(office: Office) -> None:
    reviewed(office, "On call", "call", WINDOW)

    def forge(content: bytes) -> bytes:
        started, finished = pair(content)
        started["data"] |= {"decided": "2099-01-01T00:00:00Z", "operations": 0}
        finished["data"] = {"results": {}}
        return chained(content, [one | {"run": "f" * 16} for one in (started, finished)])

    pushed(office, forge)

    refuses(office, "which is yet to come")


@pytest.mark.parametrize("how", ["in a row", "as a merge"])
def test_a_journal_that_was_rewritten_is_found_however_many_pushes_later(
    office: Office, how: str
) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    applied(office, "Less", SIEM)
    git = office.git
    git("fetch", "-q", "origin", f"+{BRANCH}:{BRANCH}")
    git("checkout", "-q", BRANCH)
    path = office.work / "journal.jsonl"
    first = pair(path.read_bytes())
    if how == "as a merge":
        git("checkout", "-q", "--orphan", "fake")
    for number in range(55):
        again = [first[1] | {"run": f"{each:016x}", "kind": "note"} for each in range(number)]
        path.write_bytes(chained(b"", [*first, *again]))
        office.commit("Innocent")
    if how == "as a merge":
        # The true journal becomes the second parent of what is added to the false one.
        git("merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", "Innocent", BRANCH)
    git("push", "-q", "origin", f"HEAD:{BRANCH}")
    git("checkout", "-q", "main")
    pull = office.open("Viewer", {"policies/b.yaml": ("", VIEWER.replace("Lyon", "Berlin"))})
    office.publish(office.plan(pull))
    office.merge(pull)

    job = office.apply()

    assert job.code == 1, job.text
    assert "is not in it any more" in job.text


def test_a_merge_after_one_that_was_refused_is_applied_and_its_windows_wait_for_a_person(
    office: Office,
) -> None:
    applied(office, "More", {"policies/more.yaml": ("", VIEWER)})
    sneak = office.open("Sneak", {"policies/sneak.yaml": ("", LATER)})
    refused = office.merge(sneak)
    assert office.apply(refused).code == 3
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    job = office.apply(office.merge(pull))
    assert job.code == 0, job.text
    told = job.folder.joinpath("comment.md").read_text("utf-8")
    assert f"{refused[:8]} changed the policies before" in told
    office.desk.console.changes.clear()

    office.desk.clock.passes(hours=2)
    assert office.scheduled().code == 0
    assert office.desk.written() == []
    drift = office.scheduled("drift")
    assert office.by_hand("--digest", drift.outputs["digest"]).code == 0
    assert office.desk.holds(MIA) == ["Admin Lyon"]


def test_on_gitlab_the_run_that_the_record_names_is_asked_for_too(bureau: Bureau) -> None:
    """A job that did not end well stands for no apply, whatever the record says."""
    bureau.begin()
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.requested(request)
    bureau.merge(request)
    applied = bureau.pushed()
    assert applied.jobs["apply"].code == 0, applied.text
    sneak = bureau.open("Sneak", {"policies/sneak.yaml": ("", LATER)})
    commit = bureau.merge(sneak)
    refused = bureau.pushed(commit)
    assert refused.jobs["apply"].code == 3
    job = refused.given["apply"]["CI_JOB_URL"]
    pushed(bureau, run_again("f", trigger="push", commit=commit, run=job))

    clock = bureau.scheduled("windows")

    assert clock.jobs["windows"].code == 3, clock.text
    assert "did not end well" in clock.text
