"""How a run in CI can end badly: nothing is written, or what was written is on record and told."""

import signal
from pathlib import Path
from typing import Any

import pytest
from stories.office import Office

SIEM = ("sites: [Acme/Berlin, Acme/Lyon]", "sites: [Acme/Lyon]")
LESS = {"policies/access.yaml": SIEM}
VIEWER = """\
version: 1
assignments:
  - {members: [mia@acme.example], role: Viewer, sites: [Acme/Lyon]}
"""
BRANCH = "reconciler-journal"


def merged(office: Office, **edits: tuple[str, str]) -> Any:
    """A request is planned, told, approved and merged."""
    more = {f"policies/{name}.yaml": edit for name, edit in edits.items()}
    pull = office.open("Less", LESS | more)
    office.publish(office.plan(pull))
    office.merge(pull)
    return pull


def kinds(office: Office) -> list[str]:
    return [record["kind"] for record in office.journal()]


def test_what_was_written_stays_on_record_when_the_last_push_fails(office: Office) -> None:
    pull = merged(office)
    hook = office.bare / "hooks" / "pre-receive"
    hook.write_text('#!/bin/sh\n[ ! -e "$0.seen" ] && touch "$0.seen"\n')
    hook.chmod(0o755)

    ended = office.apply()
    office.publish(ended)

    assert ended.code == 4, ended.text
    assert "The journal of this run is in" in ended.told.err
    assert office.desk.holds("siem") == ["Viewer Lyon"]
    assert kinds(office)[-1] != "run-finished"
    kept = (ended.folder / "journal" / "journal.jsonl").read_text("utf-8")
    assert '"run-finished"' in kept
    assert ended.result["verdict"] == ["failed"]
    assert len(office.comments(pull)) == 2


def test_an_interrupted_apply_ends_its_operation_and_pushes_its_journal(
    office: Office, proxy: Any, faults: Any, end: Any
) -> None:
    merged(office, more=("", VIEWER))
    started: list[Any] = []
    ask = faults.before(lambda: started[0].send_signal(signal.SIGTERM))
    proxy.when(ask, method="POST|PUT|DELETE")
    process, folder = office.start()
    started.append(process)
    end(process)

    out, err = process.communicate(timeout=120)

    assert process.returncode == 128 + signal.SIGTERM, out + err
    assert "Traceback" not in out + err
    assert len(office.desk.written()) == 1
    assert kinds(office)[-1] == "run-finished"
    told = [record["data"].get("result") for record in office.journal()]
    assert told.count("not attempted") == 1
    assert '"verdict":["failed"]' in (folder / "result.json").read_text("utf-8")


def test_a_second_run_that_pushed_meanwhile_is_not_overwritten(
    office: Office, proxy: Any, faults: Any
) -> None:
    merged(office)
    office.git("checkout", "-q", "--orphan", BRANCH)
    office.commit("Another run")

    def push() -> None:
        office.git("push", "--quiet", "origin", BRANCH)

    proxy.when(faults.before(push), method="GET", skip=3)

    refused = office.apply()

    assert refused.code == 3, refused.text
    assert "Somebody else has added to the journal's branch" in refused.text
    assert "Nothing was written" in refused.text
    assert office.desk.written() == []
    assert office.git("log", "--format=%s", BRANCH, at=office.bare) == "Another run"


def test_nothing_is_written_that_a_required_sink_did_not_hear_of(office: Office, sink: Any) -> None:
    merged(office)
    sink.answers.extend([403] * 9)

    refused = office.apply("", "", "--require-sink", RECONCILER_SINK=sink.url)

    assert refused.code == 3, refused.text
    assert "Nothing was written, because --require-sink is given." in refused.told.err
    assert office.desk.written() == []
    assert "run-started" in kinds(office)


def test_a_required_sink_hears_of_a_run_in_ci(office: Office, sink: Any) -> None:
    merged(office)

    applied = office.apply("", "", "--require-sink", RECONCILER_SINK=sink.url)

    assert applied.code == 0, applied.text
    assert len([event for taken in sink.taken for event in taken.events]) >= 3


def test_what_the_console_refuses_is_told_on_the_request(
    office: Office, proxy: Any, faults: Any
) -> None:
    pull = merged(office)
    proxy.when(faults.status(403), method="PUT")

    failed = office.apply()
    office.publish(failed)

    assert failed.code == 4, failed.text
    assert failed.result["verdict"] == ["failed"]
    assert "failed" in office.comments(pull)[1]
    assert kinds(office)[-1] == "run-finished"


def test_guardrails_that_came_between_refuse_a_reviewed_plan(office: Office) -> None:
    """Judged by the tip before the merge, whatever stood there when the request was planned."""
    pull = office.open("Less", LESS)
    office.publish(office.plan(pull))
    strict = "version: 1\nnothing_left: delete\nmax_revokes: 0\n"
    rules = office.open("Strict", {"policies/guardrails.yaml": ("", strict)})
    office.publish(office.plan(rules))
    office.merge(rules)
    assert office.apply().code == 0
    office.merge(pull)

    refused = office.apply()
    office.publish(refused)

    assert refused.code == 3, refused.text
    assert "max_revokes" in office.comments(pull)[1]
    assert office.desk.written() == []
    assert office.journal()[-1]["kind"] == "refused"


def test_a_plan_of_a_push_is_refused(office: Office) -> None:
    told = office.scheduled("plan")

    assert told.code == 1
    assert "plans pull requests, and this run is of none" in told.text


@pytest.mark.parametrize(
    ("more", "told", "code"),
    [
        ({"GITHUB_ACTIONS": "false"}, "runs in GitHub Actions or GitLab CI", 1),
        ({"GITHUB_EVENT_PATH": "/no/such/file"}, "GITHUB_EVENT_PATH cannot be read", 1),
        ({"GITHUB_SHA": "f" * 40}, "is not a checkout of ffffffff", 3),
        ({"SENTINELONE_URL": "ftp://nowhere"}, "SENTINELONE_URL", 1),
        ({"SENTINELONE_URL": ""}, "SENTINELONE_URL", 1),
    ],
)
def test_what_a_runner_set_wrongly_is_named(
    office: Office, more: dict[str, str], told: str, code: int
) -> None:
    drift = office.scheduled("drift", **more)

    assert drift.code == code, drift.text
    assert told in drift.text
    assert "fix:" in drift.text


def test_a_broken_address_leaves_a_folder_that_a_comment_is_made_of(office: Office) -> None:
    pull = office.open("Less", LESS)
    office.publish(office.plan(pull))

    failed = office.plan(pull, SENTINELONE_URL="ftp://nowhere")
    assert failed.result["console"] == ""
    office.publish(failed)

    [comment] = office.comments(pull)
    assert "SENTINELONE_URL" in comment
    office.publish(office.plan(pull))
    assert len(office.comments(pull)) == 1


def test_a_checkout_that_somebody_wrote_into_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dirty(commit: str, name: str, *more: str) -> Path:
        folder = type(office).checkout(office, commit, name, *more)
        (folder / "policies" / "evil.yaml").write_text(VIEWER, "utf-8")
        return folder

    monkeypatch.setattr(office, "checkout", dirty)

    refused = office.scheduled("apply")

    assert refused.code == 3, refused.text
    assert "holds something else than the commit" in refused.text


@pytest.mark.parametrize(
    ("before", "told"),
    [("0" * 40, "does not say which tip"), ("f" * 40, "does not hold ffffffff")],
)
def test_a_push_after_an_unknown_tip_could_have_changed_anything(
    office: Office, before: str, told: str
) -> None:
    merged(office)

    refused = office.apply("", before)

    assert refused.code == 3, refused.text
    assert told in refused.text
    assert office.desk.written() == []
