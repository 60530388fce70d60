"""Pins as a file: what is written is what is read, and a broken disk leaves nothing behind."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from builders import OWN, ROLES, SITES, assign, grant, pinned, user, world
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.documents.build_pins import build_pins
from reconciler.documents.check import check
from reconciler.documents.load import load
from reconciler.documents.pins_file import pins_text, write_pins
from reconciler.documents.prescan import MAX_BYTES
from reconciler.documents.read import read
from reconciler.domain.access import Level, Role
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import Pins
from reconciler.domain.state import Account, Actual, Site
from reconciler.errors import Place, SettingsError
from reconciler.planning.pinning import ToPin, make_pins
from reconciler.planning.repinning import pin_changes, pins_tree
from reconciler.resources import resource

SCHEMA = json.loads((resource("schemas") / "pins.schema.json").read_text("utf-8"))
ANA = user("10", "ana@acme.example", grant(ROLES[2], SITES[0]))
PINS = pinned(world(ANA), assign("ana@acme.example", "SOC", "EMEA/Berlin"))

AWKWARD = """
true << = - #x ' q"q @x %x a: 12 é [a {a !x &x *x ?x | > 😀 null ~ A/B id:5 \\n
"""
awkward = st.sampled_from(
    [
        *AWKWARD.split(),
        *("- a", "a: b", "? x", " lead", "trail ", "a\tb", "e\u0301", "\u202e", "\x85", "\ue000"),
        *("y" * 200, "z" * 2000, "x" * 130 + "?:"),
    ]
)
names = awkward | st.text(min_size=1, max_size=12)


@st.composite
def consoles(draw: st.DrawFn) -> tuple[Actual, ToPin]:
    """A console with awkward names, all of which are to be pinned."""
    accounts = [
        Account(str(100 + n), name, draw(st.sampled_from(["active", "deleted"])))
        for n, name in enumerate(draw(st.lists(names, max_size=4)))
    ]
    sites = [
        Site(str(1000 + n), name, one.id, one.name, "active")
        for n, (name, one) in enumerate(
            (name, one) for one in accounts for name in draw(st.lists(names, max_size=3))
        )
    ]
    roles = [Role(str(500 + n), name) for n, name in enumerate(draw(st.lists(names, max_size=4)))]
    granted = (Permission("Users", "Users.view", ""),)
    permissions = [RolePermissions(role.id, granted) for role in roles if draw(st.booleans())]
    actual = Actual(
        origin="https://acme.sentinelone.net",
        identity=replace(OWN, level=draw(st.sampled_from(Level))),
        accounts=tuple(accounts),
        sites=tuple(sites),
        roles=tuple(roles),
        principals=(ANA,),
        permissions=tuple(permissions),
    )
    chosen = ToPin((ANA,), frozenset(site.scope for site in sites), frozenset(roles), ())
    return actual, chosen


def parsed(text: str) -> Pins:
    document = read(text, "pins.yaml", "pins.yaml")
    assert check(document, "pins") == ()
    return build_pins(document)


@given(consoles())
def test_what_is_written_is_what_is_read(case: tuple[Actual, ToPin]) -> None:
    actual, chosen = case
    pins, left = make_pins(chosen, actual)
    tree = pins_tree(pins)

    again = parsed(pins_text(tree))

    assert pins_tree(again) == tree
    assert pin_changes(pins, again) == ()
    Draft202012Validator(SCHEMA).validate(tree)
    there = [account for account in actual.accounts if account.state != "deleted"]
    assert len(pins.scopes) + len(pins.roles) + len(left) == (
        len(there) + len(actual.sites) + len(actual.roles)
    )


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_places_are_those_of_the_names(tmp_path: Path) -> None:
    (tmp_path / "access.yaml").write_text("version: 1\n", encoding="utf-8")
    (tmp_path / "pins.yaml").write_text(pins_text(pins_tree(PINS)), encoding="utf-8")

    read_pins = load(tmp_path).pins

    assert read_pins is not None
    file = str(tmp_path / "pins.yaml")
    lines = (tmp_path / "pins.yaml").read_text("utf-8").splitlines()
    places = [(pin.name, pin.place) for pin in read_pins.scopes]
    places += [(pin.name, pin.place) for pin in read_pins.roles]
    places += [(pin.name.label, pin.place) for pin in read_pins.principals]
    for name, place in places:
        assert place.file == file
        assert lines[place.line - 1][place.column - 1 :].startswith(name)
    assert read_pins.view.place == Place(file, 9, 1)


def test_a_file_is_readable_for_the_others_who_review_it(tmp_path: Path) -> None:
    write_pins(tmp_path / "pins.yaml", "x\n")

    assert stat.S_IMODE((tmp_path / "pins.yaml").stat().st_mode) & 0o444 == 0o444
    assert (tmp_path / "pins.yaml").read_text("utf-8") == "x\n"


def test_pins_too_large_to_be_read_again_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="more than the 1,048,576 allowed"):
        write_pins(tmp_path / "pins.yaml", "#" * (MAX_BYTES + 1))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["taken", "nowhere/pins.yaml"])
def test_a_path_that_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "taken").mkdir()

    with pytest.raises(SettingsError, match="The pins cannot be saved to") as caught:
        write_pins(tmp_path / name, "x\n")

    assert caught.value.remedy
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
