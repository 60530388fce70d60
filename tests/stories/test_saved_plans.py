"""A reviewed plan is executed as it was reviewed or not at all; the refusal says what moved."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator.serve import running

SAVED = "reviewed.json"
ALL = 4
"""Writes of the whole plan."""
WRITES = [
    "DELETE eve@acme.example",
    "POST lena@acme.example",
    "PUT /web/api/v2.1/service-users/1820000000000002003",
    "PUT bo@acme.example",
]
"""Those writes, sorted."""
ZEROS = "sha256:" + "0" * 64


@pytest.fixture
def saved(desk: Any) -> Path:
    """A plan made with the view-only token; from here on the desk has the other one."""
    token, desk.token = desk.token, desk.console.token_for("reconciler-plan")
    assert desk.run("plan", "--out", SAVED).code == 0
    desk.token = token
    path: Path = desk.folder / SAVED
    return path


@pytest.fixture
def refused(desk: Any, saved: Path) -> Any:
    """Check that the saved plan is refused, in these words, and that nothing was written."""

    def check(*words: str) -> None:
        told = desk.run("apply", str(saved), "--auto-approve")
        assert told.code == 3, told.text
        for word in words:
            assert word in told.err
        assert desk.written() == []
        assert desk.journal() == []

    return check


def test_a_plan_of_the_view_only_token_is_applied_with_the_other_token(
    desk: Any, saved: Path
) -> None:
    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 0, told.text
    assert len(desk.written()) == ALL


def test_a_plan_is_applied_once(desk: Any, saved: Path) -> None:
    desk.run("apply", str(saved), "--auto-approve")

    again = desk.run("apply", str(saved), "--auto-approve")
    assert (again.code, len(desk.written())) == (3, ALL)
    assert "The saved plan was applied already" in again.err
    part = desk.run("apply", str(saved), "--auto-approve", "--only-planned")
    assert (part.code, len(desk.written())) == (0, ALL)
    assert "Nothing of the plan is done; 4 of 4 planned operations left out" in part.out
    assert "still holds" not in part.out


def test_a_plan_that_holds_in_part_is_refused_with_the_way_to_do_that_part(
    desk: Any, refused: Any
) -> None:
    desk.make("bo@acme.example", "Admin")
    refused("bo@acme.example", "or, with --only-planned, do what of it still holds.")


def test_a_plan_that_was_printed_is_no_saved_one(desk: Any) -> None:
    desk.write("../printed.json", desk.run("plan", "--format", "json").out)

    told = desk.run("apply", "printed.json", "--auto-approve")

    assert (told.code, desk.written()) == (3, [])
    assert "printed.json has no seal" in told.err
    assert "reconciler plan --out FILE" in told.err


def test_options_that_shape_a_plan_are_not_for_a_saved_one(desk: Any, saved: Path) -> None:
    told = desk.run("apply", str(saved), "--target", "bo@acme.example")

    assert (told.code, desk.written()) == (1, [])
    assert "shape a plan when it is made" in told.err


def test_policies_that_changed_refuse(desk: Any, refused: Any) -> None:
    desk.edit("access.yaml", "bo@acme.example, ", "")
    refused("The policy files have changed.")


def test_guardrails_that_changed_refuse(desk: Any, refused: Any) -> None:
    desk.edit("guardrails.yaml", "1.0", "0.9")
    refused("The guardrails have changed.")


@pytest.mark.parametrize("name", ["bo@acme.example", "siem", "eve@acme.example"])
def test_a_planned_principal_that_was_changed_refuses(desk: Any, refused: Any, name: str) -> None:
    desk.make(name, "Admin")
    refused("What would be done for", name, "is not what was planned")


def test_an_invited_person_who_appeared_meanwhile_refuses(desk: Any, refused: Any) -> None:
    entry = {"id": "1820000000000000201", "roleId": "1820000000000000303"}
    body = {"email": "Lena@Acme.example", "fullName": "L", "scope": "site", "scopeRoles": [entry]}
    assert desk.api("POST", "/users", {"data": body}, "ada@acme.example")[0] == 200
    refused("for lena@acme.example")


def test_somebody_managed_whom_the_plan_does_not_change_never_voids_it(
    desk: Any, saved: Path
) -> None:
    desk.make("ana@acme.example", "Admin")

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 0, told.text
    assert [f"{c.method} {c.path}" for c in desk.console.changes if c.actor == "reconciler"]
    assert "ana@acme.example" not in told.out
    assert "- revoke Admin" in desk.run("plan", "--target", "ana@acme.example").out


def test_a_role_that_was_renamed_refuses(desk: Any, refused: Any) -> None:
    roles = desk.console.world.roles
    roles["1820000000000000303"] = replace(roles["1820000000000000303"], name="SOC+")
    roles["1820000000000000399"] = replace(
        roles["1820000000000000303"], id="1820000000000000399", name="SOC"
    )
    refused("the console")


def test_changes_of_people_the_plan_does_not_touch_do_not_void_it(desk: Any, saved: Path) -> None:
    desk.make("mia@acme.example", "Admin")
    desk.make("stray", "Admin")
    users = desk.console.world.users
    users["1820000000000001003"] = replace(
        users["1820000000000001003"],
        full_name="Ana Maria",
        last_login="2026-11-23T08:00:00.000000Z",
    )

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 0, told.text
    assert len(desk.written()) == ALL
    assert desk.holds("mia@acme.example") == ["Admin Lyon"]


def test_another_console_refuses_before_anything_is_asked(desk: Any, refused: Any) -> None:
    with running() as other:
        desk.url, desk.token = other.url, other.token
        refused(f"The saved plan is for {desk.console.url}")
        assert other.requests == []


def test_a_token_that_sees_less_than_the_planning_one_refuses(desk: Any, saved: Path) -> None:
    world = desk.console.world
    robot = world.named("reconciler")
    smaller = replace(
        robot, scope="account", grants=(replace(robot.grants[0], scope_id="1820000000000000101"),)
    )
    world.service_users[robot.id] = smaller

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code in {1, 3}, told.text
    assert desk.written() == []


@pytest.mark.parametrize(("hours", "minutes", "code"), [(24, 0, 0), (24, 1, 3), (-1, 0, 3)])
def test_a_plan_holds_for_24_hours_and_not_before_it_was_made(
    desk: Any, saved: Path, hours: int, minutes: int, code: int
) -> None:
    desk.clock.passes(hours=hours, minutes=minutes)

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == code, told.text
    assert len(desk.written()) == (ALL if code == 0 else 0)


def test_no_flipped_byte_changes_what_is_written(desk: Any, saved: Path) -> None:
    """Every 61th byte, one at a time: refused, or it was only for reading and nothing differs."""
    whole = saved.read_bytes()
    world = desk.console.world
    users, services = dict(world.users), dict(world.service_users)
    applied = []
    for at in range(0, len(whole), 61):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        told = desk.run("apply", str(saved), "--auto-approve", "--journal", f"{at}.jsonl")
        if told.code == 0:
            applied.append(at)
            assert sorted(desk.written()) == WRITES
            world.users, world.service_users = dict(users), dict(services)
            desk.console.changes.clear()
        assert told.code in {0, 1, 3}, told.text
        assert desk.written() == [] or told.code == 0
    assert len(applied) < len(whole) // 61


@pytest.mark.parametrize(
    ("path", "forged"),
    [
        (("content_digest",), ZEROS),
        (("policy_digest",), ZEROS),
        (("guardrails_digest",), ZEROS),
        (("tenant", "origin"), "https://other.sentinelone.net"),
        (("tenant", "account_ids"), ["1820000000000000101", "1820000000000000102"]),
        (("options", "no_revokes"), True),
        (("options", "targets"), ["bo@acme.example"]),
    ],
)
def test_no_binding_field_can_be_edited(
    desk: Any, saved: Path, path: tuple[str, ...], forged: Any
) -> None:
    tree = json.loads(saved.read_text())
    place = tree
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = forged
    saved.write_text(json.dumps(tree))

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 3, told.text
    assert desk.written() == []


def test_a_grant_whose_window_has_closed_since_is_skipped(desk: Any) -> None:
    window = (
        "  - {members: [ana@acme.example], role: Admin, sites: [Acme/Berlin], reason: INC-1,\n"
        "     from: 2026-11-23T08:00:00Z, until: 2026-11-23T12:00:00Z}\nformer:"
    )
    desk.edit("access.yaml", "former:", window)
    assert desk.run("plan", "--out", SAVED).code == 0
    assert "ana@acme.example" in (desk.folder / SAVED).read_text()
    desk.clock.passes(hours=3)

    told = desk.run("apply", SAVED, "--auto-approve")

    assert told.code == 0, told.text
    assert desk.holds("ana@acme.example") == ["SOC Berlin"]
    assert sorted(desk.written()) == WRITES


def test_a_window_that_opened_since_waits_for_the_next_plan(desk: Any) -> None:
    window = (
        "  - {members: [ana@acme.example], role: Admin, sites: [Acme/Berlin], reason: INC-1,\n"
        "     from: 2026-11-23T10:00:00Z, until: 2026-11-23T12:00:00Z}\nformer:"
    )
    desk.edit("access.yaml", "former:", window)
    assert desk.run("plan", "--out", SAVED).code == 0
    desk.clock.passes(hours=1)

    applied = desk.run("apply", SAVED, "--auto-approve")

    assert desk.holds("ana@acme.example") == ["SOC Berlin"]
    assert sorted(desk.written()) == WRITES
    assert applied.code == 0, applied.text
    assert desk.run("apply", "--auto-approve").code == 0
    assert desk.holds("ana@acme.example") == ["Admin Berlin"]


@pytest.mark.parametrize("option", [("--target", "bo@acme.example"), ("--no-revokes",)])
def test_options_that_shape_a_plan_are_wrong_beside_a_saved_one(
    desk: Any, saved: Path, option: tuple[str, ...]
) -> None:
    told = desk.run("apply", str(saved), "--auto-approve", *option)

    assert told.code == 1
    assert desk.written() == []


def test_options_are_part_of_the_saved_plan(desk: Any) -> None:
    assert desk.run("plan", "--out", SAVED, "--target", "bo@acme.example").code == 0

    assert desk.run("apply", SAVED, "--auto-approve").code == 0
    assert desk.written() == ["PUT bo@acme.example"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"{" * 100_000, b"null"])
def test_a_file_that_is_no_plan_fails_and_nothing_is_written(
    desk: Any, saved: Path, content: bytes
) -> None:
    saved.write_bytes(content)

    told = desk.run("apply", str(saved), "--auto-approve")

    assert told.code == 1
    assert "saved plan" in told.err
    assert desk.console.changes == []


def test_a_saved_plan_is_for_its_owner_s_eyes(saved: Path) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
