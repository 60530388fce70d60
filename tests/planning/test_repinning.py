"""Two states of the pins compared, and what there is to pin."""

from dataclasses import replace

import pytest
from builders import (
    BERLIN,
    EMEA,
    LYON,
    NOW,
    ROLES,
    SITES,
    SOC,
    TRIAGE,
    US,
    VIEWER,
    assign,
    gone,
    grant,
    parked,
    pinned,
    service,
    user,
    world,
)

from reconciler.domain.access import Level
from reconciler.domain.guardrails import Guardrails
from reconciler.domain.names import PrincipalName
from reconciler.domain.permissions import Permission, RolePermissions
from reconciler.domain.pins import Pins
from reconciler.domain.policy import Policy
from reconciler.domain.state import Site
from reconciler.planning.pinning import make_pins, to_pin
from reconciler.planning.repinning import Move, PinChange, pin_changes

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
ASKED = assign("ana@acme.example", "SOC", "EMEA/Berlin")
PINS = pinned(world(ANA), ASKED)
VIEW = Permission("Users", "Users.view", "View")


def soc_pinned(name: str, digest: str | None) -> Pins:
    """The pins with SOC under another name and permitting something else."""
    roles = [replace(p, name=name, digest=digest) if p.id == SOC.id else p for p in PINS.roles]
    return replace(PINS, roles=tuple(roles))


def test_the_same_pins_have_no_changes() -> None:
    assert pin_changes(PINS, PINS) == ()


def test_places_are_no_change() -> None:
    elsewhere = replace(PINS.view.place, line=7)
    assert pin_changes(PINS, replace(PINS, view=replace(PINS.view, place=elsewhere))) == ()


def test_what_needs_attention_comes_first() -> None:
    others = world(
        replace(ANA, id="77"),
        user("11", "bo@acme.example", grant(SOC, LYON)),
        sites=tuple(replace(s, name="Mitte") if s == BERLIN else s for s in SITES),
    )
    bo = assign("bo@acme.example", "Viewer", "EMEA/Lyon")

    found = pin_changes(
        PINS, pinned(others, ASKED, bo, assign("ana@acme.example", "SOC", "id:101"))
    )

    assert [(each.move, each.kind, each.name, each.before, each.after) for each in found] == [
        (Move.IDENTITY, "principal", "ana@acme.example", "10", "77"),
        (Move.RENAMED, "site", "EMEA/Berlin", "101", "EMEA/Mitte"),
        (Move.VIEW, "principals", "", "1", "2"),
        (Move.ADDED, "principal", "bo@acme.example", "", "11"),
        (Move.ADDED, "role", "tenant/Viewer", "", "2"),
        (Move.ADDED, "site", "EMEA/Lyon", "", "102"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [("sha256:1", "sha256:2"), (None, "sha256:2"), ("sha256:1", None)],
)
def test_permissions_that_changed_came_or_went_are_told_whatever_the_name(
    before: str | None, after: str | None
) -> None:
    expected = PinChange(Move.PERMISSIONS, "role", "tenant/X", before or "", after or "")
    one = soc_pinned("tenant/X", before)

    assert pin_changes(one, soc_pinned("tenant/X", after)) == (expected,)
    found = pin_changes(soc_pinned("tenant/SOC", before), soc_pinned("tenant/X", after))
    assert found == (expected, PinChange(Move.RENAMED, "role", "tenant/SOC", "3", "tenant/X"))


def test_a_role_that_was_only_renamed_permits_the_same() -> None:
    (change,) = pin_changes(soc_pinned("tenant/A", "sha256:1"), soc_pinned("tenant/B", "sha256:1"))

    assert change.move is Move.RENAMED


def test_a_role_name_that_was_given_away_has_another_identity() -> None:
    roles = tuple(replace(pin, id="33") if pin.id == SOC.id else pin for pin in PINS.roles)

    (change,) = pin_changes(PINS, replace(PINS, roles=roles))

    assert change == PinChange(Move.IDENTITY, "role", "tenant/SOC", "3", "33")


def test_an_address_that_is_spelled_anew_is_renamed() -> None:
    people = tuple(replace(p, name=PrincipalName.user("Ana@acme.example")) for p in PINS.principals)

    (change,) = pin_changes(PINS, replace(PINS, principals=people))

    assert change == PinChange(
        Move.RENAMED, "principal", "ana@acme.example", "10", "Ana@acme.example"
    )


def test_an_emptied_section_is_told_pin_by_pin() -> None:
    found = pin_changes(PINS, replace(PINS, scopes=()))

    assert [(each.move, each.name) for each in found] == [
        (Move.REMOVED, "EMEA"),
        (Move.REMOVED, "US"),
        (Move.REMOVED, "EMEA/Berlin"),
    ]


def test_another_console_and_another_level_are_part_of_the_view() -> None:
    view = replace(PINS.view, level=Level.SITE)

    found = pin_changes(PINS, replace(PINS, origin="https://b.sentinelone.net", view=view))

    assert [(each.kind, each.before, each.after) for each in found] == [
        ("level", "tenant", "site"),
        ("origin", "https://acme.sentinelone.net", "https://b.sentinelone.net"),
    ]


def test_custom_roles_are_pinned_and_predefined_ones_when_named() -> None:
    known = (RolePermissions(TRIAGE.id, (VIEW,)),)

    pins = pinned(replace(world(ANA), permissions=known), ASKED)

    assert [(pin.name, pin.digest) for pin in pins.roles] == [
        ("EMEA/Triage", known[0].digest),
        ("tenant/SOC", None),
    ]


def test_deleted_accounts_are_not_pinned_and_still_counted_in_the_view() -> None:
    accounts = (EMEA, replace(US, state="deleted"))

    pins = pinned(replace(world(ANA), accounts=accounts), ASKED)

    assert [pin.name for pin in pins.scopes if pin.level is Level.ACCOUNT] == ["EMEA"]
    assert pins.view.accounts == 2


def test_who_holds_a_name_together_with_others_is_left_out() -> None:
    actual = world(ANA, service("55", "siem"), service("56", "siem"), replace(ANA, id="11"))
    asked = assign("service:id:55", "SOC", "EMEA/Berlin")
    chosen = to_pin(Policy((ASKED, asked)), Guardrails(), actual, None, NOW)

    pins, left = make_pins(chosen, actual)

    assert pins.principals == ()
    assert left == ("ana@acme.example",)


def test_a_service_user_named_by_id_is_pinned_by_its_name() -> None:
    pins = pinned(world(service("55", "siem")), assign("service:id:55", "SOC", "EMEA/Berlin"))

    assert [(pin.name.label, pin.id) for pin in pins.principals] == [("service:siem", "55")]


def test_leavers_are_pinned_and_the_place_where_people_are_parked() -> None:
    actual = world(ANA)
    leaving = Policy(former=(gone("ana@acme.example"),))

    chosen = to_pin(leaving, Guardrails(nothing_left=parked()), actual, None, NOW)

    assert chosen.principals == (ANA,)
    assert chosen.sites == {LYON.scope}
    assert chosen.roles == {VIEWER, TRIAGE}


def test_what_was_renamed_is_pinned_by_its_new_name_before_the_policies_have_it() -> None:
    sites = tuple(replace(s, name="Mitte") if s == BERLIN else s for s in SITES)
    roles = tuple(replace(r, name="Analyst") if r == SOC else r for r in ROLES)
    actual = world(ANA, sites=sites, roles=roles)

    chosen = to_pin(Policy((ASKED,)), Guardrails(), actual, PINS, NOW)

    assert [note.code for note in chosen.notes] == ["unknown-role", "unknown-site"]
    assert [(scope.id, scope.name) for scope in chosen.sites] == [("101", "EMEA/Mitte")]
    assert {(role.id, role.name) for role in chosen.roles} == {("3", "Analyst"), ("4", "Triage")}


def test_a_name_that_was_given_away_is_pinned_as_it_is_now() -> None:
    new = Site("999", "Berlin", "100", "EMEA", "active")
    sites = (*(replace(s, name="Old") if s == BERLIN else s for s in SITES), new)

    chosen = to_pin(Policy((ASKED,)), Guardrails(), world(ANA, sites=sites), PINS, NOW)

    assert [scope.id for scope in chosen.sites] == ["999"]
    assert chosen.notes == ()


def test_what_is_nowhere_is_noted_and_left() -> None:
    asked = assign("nobody@acme.example", "Nothing", "EMEA/Nowhere")
    wide = assign("ana@acme.example", "Nothing")

    chosen = to_pin(Policy((asked, wide)), Guardrails(), world(ANA), PINS, NOW)

    assert {note.code for note in chosen.notes} == {"unknown-site", "unknown-role"}
    assert not chosen.sites
    assert chosen.roles == {TRIAGE}
