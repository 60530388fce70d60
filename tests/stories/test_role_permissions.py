"""What roles permit is shown, ranked and bound; a console that does not tell it stops nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.documents.plan_file import sealed

SAVED = "reviewed.json"
SOC, TRIAGE = "1820000000000000303", "1820000000000000304"
VIEWER = "1820000000000000302"
ALL = 4
"""Writes of the whole plan."""


@pytest.fixture
def company(desk: Any) -> Any:
    """The small company, whose SOC may mitigate and whose custom role Triage may make users."""
    roles = desk.console.world.roles
    roles[SOC] = replace(roles[SOC], permissions=("Sites.view", "Threats.*"))
    roles[TRIAGE] = replace(
        roles[SOC],
        id=TRIAGE,
        name="Triage",
        predefined=False,
        permissions=("Sites.view", "Users.create"),
    )
    return desk


@pytest.fixture
def saved(company: Any) -> Path:
    """A plan made with the view-only token; from here on the desk has the other one."""
    token, company.token = company.token, company.console.token_for("reconciler-plan")
    assert company.run("plan", "--out", SAVED).code == 0
    company.token = token
    path: Path = company.folder / SAVED
    return path


def permit(desk: Any, role_id: str, *permissions: str) -> None:
    """Somebody edits a role in the console."""
    roles = desk.console.world.roles
    roles[role_id] = replace(roles[role_id], permissions=permissions)


def hide_pages(desk: Any, status: str = "403") -> None:
    """From here on the console gives nobody the pages of a role."""
    desk.console.rehearse(f"{status}@GET /rbac/role/*")


def edit(path: Path, change: Any) -> None:
    """Edit a saved plan by hand, and seal it again."""
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(sealed(tree)))


def operation(tree: dict[str, Any], name: str) -> Any:
    return next(each for each in tree["operations"] if each["principal"]["name"] == name)


def planned(desk: Any) -> Any:
    told = desk.run("plan", "--format", "json")
    assert told.code == 0, told.text
    return json.loads(told.out)


def test_a_plan_tells_what_every_change_permits(company: Any) -> None:
    tree = planned(company)

    (effect,) = operation(tree, "bo@acme.example")["effects"]
    assert [effect["before"]["name"], effect["after"]["name"]] == ["Viewer", "SOC"]
    assert effect["gained"] == {"Threats": ["ChangeVerdict", "Mitigate"]}
    assert effect["lost"]["Users"] == ["View"]
    assert [(role["name"], role["permissions"]) for role in tree["roles"]] == [
        ("SOC", 4),
        ("Viewer", 13),
    ]
    assert company.methods() == {"GET"}


def test_only_the_roles_that_matter_are_asked_for(company: Any) -> None:
    planned(company)

    asked = [path for _, path in company.console.requests if "/rbac/role/" in path]
    assert sorted(path.rpartition("/")[2] for path in asked) == [VIEWER, SOC]


def test_a_custom_role_that_may_make_users_ranks_as_admin_does(company: Any) -> None:
    company.edit(
        "access.yaml", "role: SOC\n    sites: [Acme/Berlin]", "role: Triage\n    tenant: true"
    )

    tree = planned(company)

    changes = operation(tree, "bo@acme.example")["changes"]
    assert [(change["role"]["name"], change["risk"]) for change in changes] == [
        ("Triage", "high"),
        ("Viewer", "low"),
    ]
    assert {"Triage": True}.items() <= {r["name"]: r["gives_access"] for r in tree["roles"]}.items()


@pytest.mark.parametrize("status", ["403", "404"])
@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_pages_that_cannot_be_read_are_a_note_and_change_no_exit_code(
    company: Any, command: str, status: str
) -> None:
    arguments = [command, "--auto-approve"] if command == "apply" else [command]
    hide_pages(company, status)

    told = company.run(*arguments)

    assert told.code == (2 if command == "drift" else 0), told.text
    assert "what 2 roles permit could not be read" in told.out
    assert told.out.count(f"answered {status}") == 1
    assert len(company.written()) == (ALL if command == "apply" else 0)


def test_a_console_that_fails_over_a_role_is_one_clear_error(company: Any) -> None:
    company.console.rehearse("500@GET /rbac/role/*")

    told = company.run("apply", "--auto-approve")

    assert told.code == 1
    assert "error: GET /rbac/role/" in told.err
    assert company.written() == []


# What a saved plan binds (T35).


def test_a_reviewed_plan_is_applied_while_its_roles_permit_the_same(
    company: Any, saved: Path
) -> None:
    told = company.run("apply", str(saved), "--auto-approve")

    assert told.code == 0, told.text
    assert len(company.written()) == ALL


@pytest.mark.parametrize(
    "permissions", [("Sites.view", "Threats.*", "Users.edit"), ("Sites.view",), ("*",)]
)
def test_a_role_that_permits_something_else_since_the_plan_refuses(
    company: Any, saved: Path, permissions: tuple[str, ...]
) -> None:
    permit(company, SOC, *permissions)

    told = company.run("apply", str(saved), "--auto-approve")

    assert told.code == 3, told.text
    said = f'The role "SOC" (id:{SOC}) permits something else than when it was planned.'
    assert said in told.err
    assert company.written() == []


def test_a_role_that_the_plan_does_not_touch_may_change(company: Any, saved: Path) -> None:
    permit(company, TRIAGE, "*")

    assert company.run("apply", str(saved), "--auto-approve").code == 0
    assert len(company.written()) == ALL


def test_only_planned_leaves_out_whoever_would_get_the_changed_role(
    company: Any, saved: Path
) -> None:
    permit(company, SOC, "*")

    told = company.run("apply", str(saved), "--auto-approve", "--only-planned")

    assert told.code == 0, told.text
    assert company.holds("bo@acme.example") == ["Viewer Berlin"]
    assert company.holds("lena@acme.example") is None
    assert company.holds("siem") == ["Viewer Berlin", "Viewer Lyon"]
    assert "or what a role permits" in told.out


def test_only_planned_leaves_out_a_changed_role_also_where_the_gain_is_the_same(
    company: Any, saved: Path
) -> None:
    """Bo goes from Viewer to SOC; both come to permit one thing more, so his gain is as it was."""
    permit(company, SOC, "Sites.view", "Threats.*", "Reports.create")
    permit(company, VIEWER, "*.view", "Reports.create")

    told = company.run("apply", str(saved), "--auto-approve", "--only-planned")

    assert told.code == 3, told.text
    assert "bo@acme.example: something else would be done now" in told.out
    assert company.written() == []


@pytest.mark.parametrize("status", ["403", "404"])
def test_a_token_that_cannot_read_pages_applies_what_another_planned(
    company: Any, saved: Path, status: str
) -> None:
    permit(company, SOC, "*")
    hide_pages(company, status)

    told = company.run("apply", str(saved), "--auto-approve")

    assert told.code == 0, told.text
    assert len(company.written()) == ALL


@pytest.mark.parametrize("more", [(), ("--only-planned",)])
def test_nor_does_it_miss_the_risk_that_it_cannot_see(company: Any, more: tuple[str, ...]) -> None:
    permit(company, SOC, "Users.edit")
    assert company.run("plan", "--out", SAVED).code == 0
    changes = operation(json.loads(Path(SAVED).read_text()), "bo@acme.example")["changes"]
    assert [change["risk"] for change in changes] == ["medium", "low"]
    hide_pages(company)

    told = company.run("apply", SAVED, "--auto-approve", *more)

    assert told.code == 0, told.text
    assert len(company.written()) == ALL


@pytest.mark.parametrize("more", [(), ("--only-planned",)])
def test_a_token_that_reads_more_than_the_planning_one_applies(
    company: Any, more: tuple[str, ...]
) -> None:
    hide_pages(company)
    assert company.run("plan", "--out", SAVED).code == 0
    assert [
        role["digest"] for role in json.loads((company.folder / SAVED).read_text())["roles"]
    ] == [
        None,
        None,
    ]
    company.console.rehearse()

    told = company.run("apply", SAVED, "--auto-approve", *more)

    assert told.code == 0, told.text
    assert len(company.written()) == ALL


def change_risk(tree: dict[str, Any]) -> None:
    for change in operation(tree, "bo@acme.example")["changes"]:
        change["risk"] = "high"


def hide_gain(tree: dict[str, Any]) -> None:
    for effect in operation(tree, "bo@acme.example")["effects"]:
        effect["gained"] = {}


def drop_effects(tree: dict[str, Any]) -> None:
    operation(tree, "bo@acme.example")["effects"] = []


def claim_access(tree: dict[str, Any]) -> None:
    tree["roles"][0]["gives_access"] = True


def forget_roles(tree: dict[str, Any]) -> None:
    tree["roles"] = []


def forget_digests(tree: dict[str, Any]) -> None:
    hide_gain(tree)
    for role in tree["roles"]:
        role["digest"] = None


def invent_role(tree: dict[str, Any]) -> None:
    hide_gain(tree)
    tree["roles"].append({**tree["roles"][0], "id": "77", "name": "Zero"})


FORGERIES = (
    change_risk,
    hide_gain,
    drop_effects,
    claim_access,
    forget_roles,
    forget_digests,
    invent_role,
)


@pytest.mark.parametrize("forge", FORGERIES)
def test_what_a_plan_says_of_permissions_cannot_be_edited(
    company: Any, saved: Path, forge: Any
) -> None:
    edit(saved, forge)

    told = company.run("apply", str(saved), "--auto-approve")

    assert told.code == 3, told.text
    assert company.written() == []


@pytest.mark.parametrize("forge", [change_risk, drop_effects])
def test_nor_where_neither_token_can_read_pages(company: Any, forge: Any) -> None:
    hide_pages(company)
    assert company.run("plan", "--out", SAVED).code == 0
    edit(company.folder / SAVED, forge)

    told = company.run("apply", SAVED, "--auto-approve")

    assert told.code == 3, told.text
    assert company.written() == []


def test_a_target_that_the_policies_dropped_does_not_end_the_reading_of_roles(company: Any) -> None:
    assert company.run("plan", "--out", SAVED, "--target", "bo@acme.example").code == 0
    company.edit("access.yaml", "bo@acme.example, ", "")

    told = company.run("apply", SAVED, "--auto-approve", "--only-planned")

    assert told.code == 3, told.text
    assert company.written() == []
