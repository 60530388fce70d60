"""Plan, apply and drift as somebody at a desk lives them; judged by what the console knows."""

import os
import pty
import subprocess
from typing import Any

import pytest

VIEWER = "reconciler-plan"


def test_apply_makes_the_console_hold_what_the_policies_say(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert desk.holds("lena@acme.example") == ["SOC Berlin"]
    assert desk.holds("bo@acme.example") == ["SOC Berlin"]
    assert desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert desk.holds("eve@acme.example") is None
    assert len(desk.written()) == 4


def test_a_second_apply_writes_nothing(desk: Any) -> None:
    desk.run("apply", "--auto-approve")
    written, journal = desk.written(), desk.journal()

    told = desk.run("apply", "--auto-approve")

    assert told.code == 0
    assert "No changes. 2 unlisted." in told.out
    assert (desk.written(), desk.journal()) == (written, journal)


def test_everybody_else_and_every_other_field_stay_byte_identical(desk: Any) -> None:
    before = desk.records()
    desk.run("apply", "--auto-approve")
    after = desk.records()

    assert before.keys() - after.keys() == {"eve@acme.example"}
    assert after.keys() - before.keys() == {"lena@acme.example"}
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert changed == {"bo@acme.example", "siem"}
    for name in changed:
        fields = {key for key, value in before[name].items() if after[name][key] != value}
        # The older fields show the same grants in other words, and the console signs the change.
        same_thing = {"siteRoles", "tenantRoles", "lowestRole", "updatedAt", "updatedBy"}
        assert fields <= {"scope", "scopeRoles"} | same_thing, name


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("plan",), 0),
        (("plan", "--detailed-exitcode"), 2),
        (("plan", "--format", "json"), 0),
        (("plan", "--out", "saved.json"), 0),
        (("drift",), 2),
        (("drift", "--format", "json"), 2),
        (("validate",), 0),
        (("plan", "--target", "nobody@acme.example"), 1),
    ],
)
def test_commands_that_look_send_nothing_but_get_and_need_only_a_view(
    desk: Any, arguments: tuple[str, ...], code: int
) -> None:
    desk.token = desk.console.token_for(VIEWER)

    told = desk.run(*arguments)

    assert told.code == code, told.text
    assert desk.methods() <= {"GET"}
    assert desk.console.changes == []


def test_show_asks_the_console_nothing(desk: Any) -> None:
    desk.run("plan", "--out", "saved.json")
    requests = len(desk.console.requests)
    desk.token = ""

    told = desk.run("show", "saved.json")

    assert told.code == 0
    assert "lena@acme.example" in told.out
    assert len(desk.console.requests) == requests


def test_a_view_only_token_cannot_apply_and_writes_nothing(desk: Any) -> None:
    desk.token = desk.console.token_for(VIEWER)

    told = desk.run("apply", "--auto-approve")

    assert told.code == 4
    assert desk.console.changes == []
    assert "1 failed, 3 not attempted, of 4" in told.out


def test_drift_made_by_hand_is_reported_and_taken_back_by_the_next_apply(desk: Any) -> None:
    desk.run("apply", "--auto-approve")
    desk.make("ana@acme.example", "Admin")

    drift = desk.run("drift")
    applied = desk.run("apply", "--auto-approve")

    assert drift.code == 2
    assert "ana@acme.example" in drift.out
    assert applied.code == 0
    assert desk.holds("ana@acme.example") == ["SOC Berlin"]


def test_drift_without_differences_and_without_unlisted_exits_with_zero(desk: Any) -> None:
    desk.edit("access.yaml", "[service:siem]", "[service:siem, service:stray]")
    desk.edit("access.yaml", "former: [eve@", "former: [mia@acme.example, eve@")
    assert desk.run("apply", "--auto-approve").code == 0

    assert desk.run("drift").code == 0


def test_drift_of_a_target_is_that_of_nobody_else(desk: Any) -> None:
    same = desk.run("drift", "--target", "ana@acme.example")
    different = desk.run("drift", "--target", "bo@acme.example")

    assert (same.code, different.code) == (0, 2), "mia is in no policy, and no target"
    assert same.out.splitlines()[1] == "Only for ana@acme.example."


def test_target_changes_only_whom_it_names(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve", "--target", "BO@acme.example")

    assert told.code == 0
    assert desk.written() == ["PUT bo@acme.example"]


def test_no_revokes_takes_nothing_from_anybody(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve", "--no-revokes")

    assert told.code == 0
    assert desk.holds("eve@acme.example") == ["SOC Lyon"]
    assert desk.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert not any(entry.startswith("DELETE") for entry in desk.written())


@pytest.mark.parametrize("arguments", [("plan",), ("plan", "--detailed-exitcode"), ("apply",)])
def test_a_guardrail_refuses_with_three_and_nothing_is_written(
    desk: Any, arguments: tuple[str, ...]
) -> None:
    desk.write("guardrails.yaml", "version: 1\nnothing_left: delete\nmax_revokes: 0\n")
    approve = ("--auto-approve",) if arguments == ("apply",) else ()

    told = desk.run(*arguments, *approve)

    assert told.code == 3
    assert "max_revokes" in told.text
    assert desk.console.changes == []
    assert [record["kind"] for record in desk.journal()] == ["refused"] * (arguments == ("apply",))


def test_the_guardrails_of_the_base_judge_instead_of_the_folder_s(desk: Any) -> None:
    (desk.folder / "base.yaml").write_text("version: 1\nmax_revokes: 0\nnothing_left: delete\n")

    told = desk.run("apply", "--auto-approve", "--guardrails", "base.yaml")

    assert told.code == 3
    assert desk.console.changes == []


def test_apply_refuses_without_a_terminal_to_ask_on(desk: Any) -> None:
    told = desk.process("apply")

    assert told.code == 3
    assert "--auto-approve" in told.err
    assert desk.console.changes == []


@pytest.mark.parametrize(
    ("typed", "code", "written"),
    [("yes", 0, 4), ("y", 3, 0), ("", 3, 0), ("\x04", 130, 0)],
)
def test_on_a_terminal_only_yes_applies(desk: Any, typed: str, code: int, written: int) -> None:
    ours, theirs = pty.openpty()
    with desk.start("apply", stdin=theirs, stdout=subprocess.PIPE) as process:
        os.close(theirs)
        os.write(ours, typed.encode() + b"\n")
        out, err = process.communicate(timeout=120)
    os.close(ours)

    assert process.returncode == code, out + err
    assert len(desk.written()) == written
    assert "Plan: 3 to grant, 2 to revoke, 1 to invite, 1 to delete, 2 unlisted." in out


def test_a_window_that_an_apply_by_hand_opened_is_told_with_what_closes_it(desk: Any) -> None:
    window = "{members: [mia@acme.example], role: Admin, sites: [Acme/Lyon], until: 2026-11-24}"
    desk.edit("access.yaml", "former:", f"  - {window}\nformer:")

    done = desk.run("apply", "--auto-approve")

    assert done.code == 0
    told = "Admin on Acme/Lyon for mia@acme.example ends 2026-11-25T00:00:00Z; it stays until an "
    assert told in done.out
    assert done.out.endswith("reconciler apply --target mia@acme.example\n")
    assert "it stays until" not in desk.run("apply", "--auto-approve").out
