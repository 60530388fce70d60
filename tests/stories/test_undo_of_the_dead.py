"""The undo of a run that died: what a later run saw of its last write is not forgotten."""

import json
from pathlib import Path
from typing import Any

import pytest

BO, LENA, SIEM = "bo@acme.example", "lena@acme.example", "service:siem"


def dies(desk: Any, name: str) -> str:
    """Let an apply die right after what it meant to do with somebody; return its id."""
    assert desk.run("apply", "--auto-approve").code == 0
    journal = Path(desk.folder) / ".reconciler/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    last = next(
        number
        for number, each in enumerate(records, start=1)
        if each["kind"] == "intent" and each["data"]["principal"]["name"] == name
    )
    journal.write_bytes(b"".join(lines[:last]))
    return str(records[0]["run"])


def undone(desk: Any, run: str) -> tuple[list[str], str]:
    told = desk.run("plan", "--undo", run, "--format", "json")
    assert told.code == 0, told.text
    tree = json.loads(told.out)
    left = [each["message"] for each in tree["warnings"] if each["code"] == "not-undone"]
    return [each["principal"]["name"] for each in tree["operations"]], " ".join(left)


@pytest.mark.parametrize("name", [BO, SIEM])
def test_what_a_later_run_found_applied_is_undone(desk: Any, name: str) -> None:
    run = dies(desk, name)
    before, left = undone(desk, run)
    assert name not in before
    assert f"{name} may or may not have been changed by the run" in left

    again = desk.run("apply", "--auto-approve")

    assert f"{name}, intended at" in again.err
    after, left = undone(desk, run)
    assert name in after
    assert name not in left
    assert desk.run("plan", "--undo", run, "--out", "undo.json").code == 0
    assert desk.run("apply", "undo.json", "--auto-approve").code == 0
    held = {BO: ["Viewer Berlin"], SIEM: ["Viewer Berlin"]}[name]
    assert desk.holds(name.removeprefix("service:")) == held


def test_what_a_later_run_found_not_applied_is_nothing_to_undo(desk: Any) -> None:
    run = dies(desk, BO)
    desk.make(BO, "Viewer")
    desk.run("apply", "--auto-approve")

    operations, left = undone(desk, run)

    assert BO not in operations
    assert BO not in left


def test_what_a_later_run_found_changed_since_is_left_alone_and_why_is_said(desk: Any) -> None:
    run = dies(desk, BO)
    desk.make(BO, "Admin")
    desk.run("apply", "--auto-approve")

    operations, left = undone(desk, run)

    assert BO not in operations
    assert f"{BO} held neither what it had before nor what the run meant, when a later run " in left


def test_whom_a_dead_run_invited_without_an_answer_stays_and_why_is_said(desk: Any) -> None:
    run = dies(desk, LENA)
    desk.run("apply", "--auto-approve")

    operations, left = undone(desk, run)

    assert LENA not in operations
    assert f"{LENA} was invited, and no answer told which user that made" in left


def test_what_an_unknown_outcome_may_be_somebody_elses_is_not_undone_as_ours(
    desk: Any, proxy: Any, faults: Any
) -> None:
    path = "/service-users/1820000000000002003"
    proxy.when(faults.reset_before, method="PUT", path=path, times=100)
    assert desk.run("apply", "--auto-approve").code == 4
    run = desk.journal()[-1]["run"]
    proxy.start_over()
    entries = [{"id": f"182000000000000020{n}", "roleId": "1820000000000000302"} for n in (1, 2)]
    body = {"data": {"scope": "site", "scopeRoles": entries}}
    status, said = desk.api("PUT", path, body, "ada@acme.example")
    assert status == 200, said
    assert f"{SIEM}, intended at" in desk.run("apply", "--auto-approve").err

    operations, left = undone(desk, run)

    assert SIEM not in operations
    assert f"{SIEM} may or may not have been changed by the run" in left
