"""`explain` and `who-can` over files, past commits, a console and a snapshot of it."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@acme.example"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout.decode().strip()


def commit(desk: Any, subject: str) -> str:
    git(desk.folder, "add", "policies")
    git(desk.folder, "commit", "-q", "--allow-empty", "-m", subject)
    return git(desk.folder, "rev-parse", "HEAD")


@pytest.fixture
def committed(desk: Any) -> Any:
    """The desk's policies under git, with a commit before the last one."""
    git(desk.folder, "init", "-q", "-b", "main")
    commit(desk, "The first policies")
    commit(desk, "Nothing new")
    return desk


@pytest.fixture
def snapshot(desk: Any) -> str:
    told = desk.run("snapshot", "--out", "console.json")
    assert told.code == 0, told.text
    desk.console.requests.clear()
    return "console.json"


NO_CONSOLE = {"SENTINELONE_URL": "", "SENTINELONE_TOKEN": ""}


# explain


def test_explain_needs_no_token_and_no_network(desk: Any) -> None:
    told = desk.run("explain", "bo@acme.example", **NO_CONSOLE)

    assert (told.code, told.err) == (0, "")
    assert told.out == (
        "bo@acme.example\n  SOC on Acme/Berlin  in force\n    policies/access.yaml:7:33\n"
    )
    assert desk.console.requests == []


def test_explain_tells_whether_the_console_agrees(desk: Any) -> None:
    told = desk.run("explain", "bo@acme.example", "--from", "console")

    assert told.code == 0
    assert "  SOC on Acme/Berlin  asked for now, but the console does not have it\n" in told.out
    assert "  Viewer on Acme/Berlin  in no policy, the console has it\n" in told.out
    assert desk.methods() == {"GET"}


def test_explain_reads_a_snapshot_without_a_token(desk: Any, snapshot: str) -> None:
    told = desk.run("explain", "mia@acme.example", "--snapshot", snapshot, **NO_CONSOLE)

    assert told.code == 0
    assert told.out == (
        "mia@acme.example  unlisted: in no policy\n"
        "  SOC on Acme/Lyon  in no policy, the console has it\n"
    )
    assert desk.console.requests == []


def test_explain_tells_the_commit_and_reads_a_past_one(committed: Any) -> None:
    first = git(committed.folder, "rev-parse", "HEAD")
    committed.edit("access.yaml", "  lena@acme.example: {name: Lena Fischer}\n", "")
    committed.edit("access.yaml", ", lena@acme.example", "")
    committed.edit("access.yaml", "users:\n", "")
    committed.edit("access.yaml", "former: [", "former: [lena@acme.example, ")
    last = commit(committed, "Lena does not come")

    now = committed.run("explain", "lena@acme.example", "--format", "json")
    past = committed.run("explain", "lena@acme.example", "--at", first[:12])

    (answer,) = json.loads(now.out)["answers"]
    assert (answer["standing"], answer["commit"]["id"]) == ("former", last)
    assert "former: must hold nothing" not in past.out
    assert f"      {first[:10]}" not in past.out  # the first commit wrote the line, not HEAD
    assert "Ada: The first policies" in past.out
    assert "policies/access.yaml:7:50" in past.out
    assert last not in past.out


def test_explain_on_a_scope_tells_what_is_inherited(desk: Any) -> None:
    told = desk.run("explain", "ada@acme.example", "--on", "Acme/Berlin")
    none = desk.run("explain", "ana@acme.example", "--on", "Acme/Lyon")

    assert "Admin on tenant  in force, inherited from the tenant\n" in told.out
    assert none.code == 0
    assert "holds nothing on Acme/Lyon now" in none.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explain", "bo@acme.exampel"), "Did you mean"),
        (("explain", "bo@acme.example", "--at", "nowhere"), "git knows no such commit"),
        (("explain", "bo@acme.example", "--on", "Acme/*"), "no pattern"),
        (("explain", "bo@acme.example", "--from", "console", "--snapshot", "x"), "two places"),
        (("explain", "bo@acme.example", "--snapshot", "x.json"), "x.json"),
        (("explain", "zz@acme.example", "--from", "console"), "neither in the policies nor on"),
        (("who-can", "Sock", "--on", "tenant"), 'names a role "Sock"'),
        (("who-can", "SOC", "--on", "Acme/Berln", "--from", "console"), 'Did you mean "Acme/Ber'),
        (("who-can", "SOC"), "Missing option '--on'"),
        (("who-can", "Users.creat", "--on", "tenant", "--from", "console"), "No role and no perm"),
    ],
)
def test_what_cannot_be_answered_is_told_with_a_remedy(
    desk: Any, arguments: tuple[str, ...], told: str
) -> None:
    answer = desk.run(*arguments)

    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err


def test_names_that_the_console_lacks_are_warnings(desk: Any) -> None:
    desk.edit("access.yaml", "Acme/Berlin, Acme/Lyon", "Acme/Berlin, Acme/Nowhere")

    told = desk.run("explain", "service:siem", "--from", "console")

    assert told.code == 0
    assert 'No site "Acme/Nowhere"' in told.out


# who-can


def test_who_can_lists_everybody_there_and_above(desk: Any) -> None:
    told = desk.run("who-can", "admin", "--on", "Acme/Berlin", **NO_CONSOLE)

    assert told.code == 0
    assert told.out.startswith("3 principals have admin on Acme/Berlin.\n")
    assert "ada@acme.example\n  Admin on tenant  in force, inherited from the tenant" in told.out


def test_who_can_beside_a_console_marks_whoever_is_in_no_policy(desk: Any) -> None:
    told = desk.run("who-can", "SOC", "--on", "Acme/Lyon", "--from", "console")

    assert told.code == 0
    assert "eve@acme.example  former: must hold nothing  policies/access.yaml:" in told.out
    assert "mia@acme.example  unlisted: in no policy" in told.out
    assert desk.methods() == {"GET"}


def test_who_can_knows_permissions_from_the_console(desk: Any) -> None:
    arguments = ("--on", "tenant", "--from", "console", "--format", "json")
    pages = json.loads(desk.run("who-can", "Users.create", *arguments).out)

    assert [answer["principal"]["name"] for answer in pages["answers"]] == [
        "service:reconciler",
        "ada@acme.example",
        "noor@acme.example",
    ]
    assert pages["question"]["permission"]["identifier"].casefold() == "users.create"
    assert desk.methods() == {"GET"}


def test_who_can_knows_permissions_from_a_snapshot(desk: Any, snapshot: str) -> None:
    arguments = ("--on", "tenant", "--snapshot", snapshot)
    told = desk.run("who-can", "Users.create", *arguments, **NO_CONSOLE)

    assert told.code == 0
    assert told.out.startswith("3 principals have the permission")


def test_nobody_is_an_answer(desk: Any) -> None:
    told = desk.run("who-can", "SOC", "--on", "tenant")

    assert (told.code, told.out) == (0, "Nobody has SOC on tenant.\n")


@pytest.mark.parametrize("scope", ["Acme/Berln", "Berlin"])
def test_a_scope_that_no_policy_names_is_an_error_without_a_console(desk: Any, scope: str) -> None:
    for question in (("who-can", "SOC"), ("explain", "bo@acme.example")):
        told = desk.run(*question, "--on", scope)

        assert (told.code, told.out) == (1, "")
        assert f'--on "{scope}": no policy names it.' in told.err
        assert 'Did you mean "Acme/Berlin"?' in told.err


def test_who_has_a_role_is_told_from_who_only_should(desk: Any) -> None:
    arguments = ("who-can", "SOC", "--on", "Acme/Berlin", "--from", "console")
    told, tree = desk.run(*arguments), json.loads(desk.run(*arguments, "--format", "json").out)

    assert told.out.startswith(
        "1 principal has SOC on Acme/Berlin; 2 should by the policies, but the console does not "
        "have it.\n\nana@acme.example\n"
    )
    assert tree["summary"] == {"have": 1, "lack": 2}
    assert {each["principal"]["name"]: each["has_access"] for each in tree["answers"]} == {
        "ana@acme.example": True,
        "bo@acme.example": False,
        "lena@acme.example": False,
    }


def test_a_past_commit_is_told_in_full(committed: Any) -> None:
    told = committed.run("explain", "bo@acme.example", "--at", "HEAD~1", "--format", "json")

    first = git(committed.folder, "rev-parse", "HEAD~1")
    assert json.loads(told.out)["evidence"]["commit"] == first


def test_pins_tell_what_a_renamed_name_means_and_whose_an_address_is(desk: Any) -> None:
    assert desk.run("pin").code == 0
    world = desk.console.world
    berlin = next(site for site in world.sites.values() if site.name == "Berlin")
    world.sites[berlin.id] = replace(berlin, name="Berlin HQ")
    ana, bo = world.named("ana@acme.example"), world.named("bo@acme.example")
    world.users[ana.id] = replace(ana, email=bo.email)
    world.users[bo.id] = replace(bo, email=ana.email)

    told = desk.run("explain", "ana@acme.example", "--from", "console")

    assert told.code == 0, told.text
    assert "SOC on Acme/Berlin HQ" in told.out
    assert '"ana@acme.example" has the id' in told.out
    assert "the name belongs to somebody else" in told.out


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("bo", '"bo@acme.example"'),
        ("service:nope", ""),
        ("anna@acme.example", '"ana@acme.example"'),
    ],
)
def test_a_suggestion_is_near_or_not_made(desk: Any, name: str, suggested: str) -> None:
    told = desk.run("explain", name)

    assert told.code == 1
    assert ("Did you mean" in told.err, suggested in told.err) == (bool(suggested), True)


# the commit in plans


def test_a_plan_tells_your_change_with_its_commit_from_console_drift(committed: Any) -> None:
    committed.edit("access.yaml", "bo@acme.example, ", "bo@acme.example, mia@acme.example, ")
    committed.edit("access.yaml", "service:siem], role: Viewer", "service:siem], role: SOC")
    mine = commit(committed, "Mia moves to Berlin")
    commit(committed, "Nothing either")

    told = committed.run("plan", "--format", "json", "--base", "HEAD~2")

    changes = {
        (operation["principal"]["name"], change["action"], change["scope"]["name"]): (
            change["reason"],
            (change["commit"] or {}).get("subject"),
        )
        for operation in json.loads(told.out)["operations"]
        for change in operation["changes"]
    }
    assert changes["mia@acme.example", "grant", "Acme/Berlin"] == (
        "your change",
        "Mia moves to Berlin",
    )
    assert changes["mia@acme.example", "revoke", "Acme/Lyon"] == (
        "your change",
        "Mia moves to Berlin",
    )
    assert changes["service:siem", "grant", "Acme/Berlin"] == ("your change", "Mia moves to Berlin")
    assert changes["bo@acme.example", "grant", "Acme/Berlin"][0] == "console drift"
    assert changes["bo@acme.example", "revoke", "Acme/Berlin"] == ("console drift", None)
    assert changes["eve@acme.example", "revoke", "Acme/Lyon"] == (
        "offboarding",
        "The first policies",
    )
    assert mine in told.out


def test_a_plan_made_on_one_commit_is_applied_on_another(committed: Any) -> None:
    committed.edit("access.yaml", "bo@acme.example, ", "bo@acme.example, mia@acme.example, ")
    commit(committed, "Mia moves to Berlin")
    saved = committed.run("plan", "--out", "reviewed.json")
    commit(committed, "Nothing either")

    told = committed.run("apply", "reviewed.json", "--auto-approve")

    assert saved.code == 0
    assert told.code == 0, told.text


def test_drift_is_drift_outside_git_too(desk: Any) -> None:
    told = desk.run("drift", "--format", "json")

    operations = json.loads(told.out)["operations"]
    reasons = {change["reason"] for each in operations for change in each["changes"]}
    assert reasons == {"console drift", "offboarding"}


def test_git_sees_no_token(committed: Any, tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text(
        '#!/bin/sh\n{ env; echo "$@"; } >> "$0.log"\nPATH="${PATH#*:}" exec git "$@"\n'
    )
    (fake / "git").chmod(0o755)
    path = f"{fake}:{committed.environ['PATH']}"

    for command in (("plan",), ("drift",), ("explain", "bo@acme.example", "--at", "HEAD")):
        assert committed.run(*command, PATH=path).code in {0, 2}

    log = (fake / "git.log").read_text()
    assert "blame" in log
    assert committed.token not in log
    assert "SENTINELONE" not in log
