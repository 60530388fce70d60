"""`pin` against a console: what it writes, what it shows, and what a plan makes of it later."""

from collections.abc import Callable
from typing import Any

import pytest
from stories.desk import ROLES

from reconciler.documents.load import load
from reconciler.simulator.world import export, parse

Tree = dict[str, Any]


@pytest.fixture
def become(desk: Any) -> Callable[[Callable[[Tree], None]], None]:
    """Change the console behind everybody's back."""

    def change(edit: Callable[[Tree], None]) -> None:
        tree = export(desk.console.world)
        edit(tree)
        desk.console.console.world = parse(tree)

    return change


@pytest.fixture
def pins(desk: Any) -> str:
    """Pin, and return the text of the file."""
    told = desk.run("pin")
    assert told.code == 0, told.text
    return pins_of(desk)


def pins_of(desk: Any) -> str:
    text: str = (desk.folder / "policies" / "pins.yaml").read_text("utf-8")
    return text


def named(things: list[Tree], name: str) -> Tree:
    return next(each for each in things if name in {each.get("name"), each.get("email")})


def custom_role(tree: Tree) -> None:
    """Make SOC a role of the company's own, and let ana, eve and mia go on holding it."""
    named(tree["roles"], "SOC")["predefined"] = False


def test_pins_hold_everything_the_policies_name_and_nothing_is_written(
    desk: Any, pins: str
) -> None:
    read = load(desk.folder / "policies").pins

    assert read is not None
    assert read.origin == desk.console.url
    labels = {pin.name.label for pin in read.principals}
    assert {"ana@acme.example", "eve@acme.example", "service:siem"} < labels
    assert labels.isdisjoint({"lena@acme.example", "mia@acme.example", "service:stray"})
    assert [pin.name for pin in read.scopes] == ["Acme", "Acme/Berlin", "Acme/Lyon"]
    assert [(pin.name, pin.digest is None) for pin in read.roles] == [
        ("tenant/Admin", False),
        ("tenant/SOC", False),
        ("tenant/Viewer", False),
    ]
    assert (read.view.accounts, read.view.sites, read.view.principals) == (1, 2, 10)
    assert pins.startswith("# yaml-language-server: $schema=../schemas/pins.schema.json\n")
    assert desk.methods() == {"GET"}
    assert desk.written() == []


def test_the_first_pins_are_summed_up(desk: Any) -> None:
    told = desk.run("pin")

    assert told.out == "policies/pins.yaml: pinned 8 principals, 1 account, 2 sites, 3 roles.\n"


def test_pinning_twice_writes_the_same_and_says_so(desk: Any, pins: str) -> None:
    path = desk.folder / "policies" / "pins.yaml"
    path.write_text(pins + "# a remark of ours\n", encoding="utf-8")

    told = desk.run("pin")

    assert told.code == 0
    assert "up to date, 8 principals" in told.out
    assert path.read_text("utf-8").endswith("# a remark of ours\n")
    path.unlink()
    desk.run("pin")
    assert path.read_text("utf-8") == pins
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.usefixtures("pins")
def test_a_plan_with_fresh_pins_is_the_plan_without(desk: Any) -> None:
    with_pins = desk.run("plan")
    (desk.folder / "policies" / "pins.yaml").unlink()

    assert desk.run("plan") == with_pins


@pytest.mark.usefixtures("pins")
def test_check_writes_nothing_and_exits_with_two_on_a_difference(desk: Any, become: Any) -> None:
    assert desk.run("pin", "--check").code == 0
    before = pins_of(desk)
    become(lambda tree: named(tree["sites"], "Berlin").update(name="Mitte"))

    told = desk.run("pin", "--check")

    assert told.code == 2
    assert 'site "Acme/Berlin" is called "Acme/Mitte" now' in told.out
    assert "differs from the console" in told.out
    assert pins_of(desk) == before


def test_check_without_pins_is_a_difference(desk: Any) -> None:
    told = desk.run("pin", "--check")
    assert told.code == 2
    assert (
        told.out == "policies/pins.yaml: there are no pins yet; write them with `reconciler pin`.\n"
    )
    assert not (desk.folder / "policies" / "pins.yaml").exists()


@pytest.mark.usefixtures("pins")
def test_an_address_given_to_somebody_else_stops_the_plan_until_pinned_again(
    desk: Any, become: Any
) -> None:
    become(lambda tree: named(tree["users"], "bo@acme.example").update(id="1820000000000009999"))

    stopped = desk.run("plan")
    again = desk.run("pin")

    assert stopped.code == 1
    assert "identity-changed" in stopped.err
    assert "1820000000000009999" in stopped.err
    assert again.out.startswith('! principal "bo@acme.example" had the id 1820000000000001004')
    assert desk.run("plan").code == 0


@pytest.mark.usefixtures("pins")
def test_apply_is_stopped_as_the_plan_is(desk: Any, become: Any) -> None:
    become(lambda tree: named(tree["users"], "bo@acme.example").update(id="1820000000000009999"))

    told = desk.run("apply", "--auto-approve")

    assert told.code == 1
    assert "identity-changed" in told.err
    assert desk.written() == []


def test_a_role_silently_turned_into_admin_is_shown_refused_and_agreed_to(
    desk: Any, become: Any
) -> None:
    become(custom_role)
    desk.run("pin")
    become(lambda tree: named(tree["roles"], "SOC").update(permissions=["*"]))

    planned = desk.run("plan")
    drifted = desk.run("drift")
    again = desk.run("pin")

    assert planned.code == 3
    assert "pinned_role" in planned.out
    assert drifted.code == 3
    assert again.out.startswith(
        '! role "tenant/SOC" permits something else than when it was pinned.\n'
        "    It now gives power over access itself.\n"
        "    Held by ana@acme.example, eve@acme.example, mia@acme.example.\n"
    )
    assert desk.run("plan").code == 0


def test_a_changed_role_is_drift_although_every_grant_is_as_it_should_be(
    desk: Any, become: Any
) -> None:
    become(custom_role)
    desk.write("guardrails.yaml", "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\n")
    desk.write(
        "access.yaml",
        "version: 1\nassignments:\n"
        "  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, "
        "tenant: true}\n"
        "  - {members: [service:reconciler-plan], role: Viewer, tenant: true}\n"
        "  - {members: [ana@acme.example], role: SOC, sites: [Acme/Berlin]}\n"
        "  - {members: [eve@acme.example, mia@acme.example], role: SOC, sites: [Acme/Lyon]}\n"
        "  - {members: [bo@acme.example, service:siem], role: Viewer, sites: [Acme/Berlin]}\n"
        "  - {members: [service:stray], role: Viewer, sites: [Acme/Lyon]}\n",
    )
    desk.run("pin")
    assert desk.run("drift").code == 0
    become(lambda tree: named(tree["roles"], "SOC").update(permissions=["*"]))

    told = desk.run("drift")

    assert told.code == 2
    assert "mia@acme.example" in told.out
    assert told.out.endswith(
        "Drift: 0 missing, 0 not in the policies, 0 unlisted, 1 changed role.\n"
    )


@pytest.mark.usefixtures("pins")
def test_a_token_that_sees_less_takes_nothing_away(desk: Any, become: Any) -> None:
    def vanish(tree: Tree) -> None:
        lyon = named(tree["sites"], "Lyon")
        extra = {**lyon, "id": "1820000000000000299", "name": "Extra"}
        tree["sites"].append(extra)

    become(vanish)
    desk.run("pin")
    become(lambda tree: tree["sites"].remove(named(tree["sites"], "Extra")))

    refused = desk.run("plan")
    granted = desk.run("plan", "--no-revokes")

    assert refused.code == 3
    assert "2 of 3 sites" in refused.out
    assert granted.code == 0


@pytest.mark.usefixtures("pins")
def test_pins_of_another_console_are_told_and_can_be_made_anew(desk: Any) -> None:
    text = pins_of(desk).replace(desk.console.url, "https://other.sentinelone.net")
    desk.write("pins.yaml", text)

    stopped = desk.run("plan")
    again = desk.run("pin")

    assert stopped.code == 1
    assert "policies/pins.yaml: other-console" in stopped.err
    assert f"~ origin: https://other.sentinelone.net when pinned, {desk.console.url} now." in (
        again.out
    )
    assert desk.run("plan").code == 0


@pytest.mark.usefixtures("pins")
def test_nothing_is_pinned_while_the_policies_name_what_is_not_there(
    desk: Any, become: Any
) -> None:
    """Pinned by its new name alone, a renamed site's old name would be anybody's."""
    before = pins_of(desk)
    become(lambda tree: named(tree["sites"], "Berlin").update(name="Mitte"))
    desk.edit("access.yaml", "role: SOC\n", "role: Sock\n")

    told = desk.run("pin")

    assert told.code == 1
    assert "unknown-site" in told.err
    assert "unknown-role" in told.err
    assert pins_of(desk) == before


def test_names_that_no_policy_can_hold_are_left_out_with_a_note(desk: Any, become: Any) -> None:
    def odd(tree: Tree) -> None:
        role = named(tree["roles"], "SOC")
        for number, name in enumerate(["Twin", "Twin", "Evil \u202e"]):
            made = {**role, "id": f"182000000000000039{number}", "name": name, "predefined": False}
            tree["roles"].append(made)

    become(odd)

    told = desk.run("pin")

    assert told.code == 0
    assert told.err.count('note: "tenant/Twin" cannot be told by its name alone') == 2
    assert 'note: "tenant/Evil \\u202e" cannot' in told.err
    assert desk.run("plan").code == 0


def test_permission_pages_that_cannot_be_read_are_a_note(desk: Any) -> None:
    desk.console.rehearse(*(f"403@GET /rbac/role/{role}" for role in ROLES.values()))

    told = desk.run("pin")

    assert told.code == 0
    assert "note: what 3 roles permit could not be read" in told.err
    assert "digest:" not in pins_of(desk)


def test_pins_that_cannot_be_read_are_not_overwritten(desk: Any) -> None:
    desk.write("pins.yaml", "<<<<<<< ours\n")

    told = desk.run("pin")

    assert told.code == 1
    assert "policies/pins.yaml:1:1" in told.err
    assert pins_of(desk) == "<<<<<<< ours\n"


def test_a_folder_that_cannot_be_written_is_one_clear_error(desk: Any) -> None:
    (desk.folder / "policies" / "pins.yaml").mkdir()

    told = desk.run("pin")

    assert told.code == 1
    assert "pins.yaml" in told.err
