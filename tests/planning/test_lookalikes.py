"""Addresses that look like one the policies name (T33)."""

import pytest
from builders import BERLIN, SOC, VIEWER, assign, gone, grant, newcomer, plan, service, user, world

from reconciler.domain.plan import Plan
from reconciler.planning.lookalikes import skeleton

ANA = user("10", "ana@acme.example", grant(SOC, BERLIN))
STANDING = assign("ana@acme.example", "SOC", "EMEA/Berlin")


def warned(made: Plan) -> list[str]:
    return [warning.message for warning in made.warnings if warning.code == "look-alike"]


@pytest.mark.parametrize(
    ("address", "character"),
    [
        ("\u0430na@acme.example", "U+0430 CYRILLIC SMALL LETTER A"),
        ("\u0410na@acme.example", "U+0410 CYRILLIC CAPITAL LETTER A"),
        ("an\u03b1@acme.example", "U+03B1 GREEK SMALL LETTER ALPHA"),
        ("\uff41na@acme.example", "U+FF41 FULLWIDTH LATIN SMALL LETTER A"),
        ("a\u039da@acme.example", "U+039D GREEK CAPITAL LETTER NU"),
        ("ana@\u0430cme.example", "U+0430 CYRILLIC SMALL LETTER A"),
        ("ana@xn--cme-5cd.example", "U+0430 CYRILLIC SMALL LETTER A"),
    ],
)
def test_a_user_who_looks_like_somebody_named_is_pointed_out(address: str, character: str) -> None:
    other = user("77", address, grant(VIEWER))

    made = plan(world(ANA, other), STANDING)

    (message,) = warned(made)
    assert message.startswith(f'"{address}" (id:77) on the console looks like "ana@acme.example"')
    assert message.endswith(f"it holds {character}.")
    assert made.is_empty


@pytest.mark.parametrize(
    "address",
    [
        "ana@acme.example",
        "ANA@acme.example",
        "\u0431na@acme.example",
        "ann@acme.example",
        "\u00e4na@acme.example",
        "ana@xn--\u00e4.example",
        "ana@acme.xn--99999999",
    ],
)
def test_a_user_who_looks_like_nobody_is_not(address: str) -> None:
    made = plan(world(user("77", address, grant(SOC, BERLIN))), assign(address, "SOC", "EMEA/B*"))

    assert warned(made) == []


def test_an_address_that_the_policies_name_themselves_is_agreed_to() -> None:
    other = user("77", "\u0430na@acme.example", grant(SOC, BERLIN))

    made = plan(
        world(ANA, other), STANDING, assign("\u0430na@acme.example", "SOC", "EMEA/Berlin", line=2)
    )

    assert warned(made) == []


def test_leavers_and_people_to_be_invited_are_looked_at_too() -> None:
    people = [user("77", "\u0435ve@acme.example"), user("78", "l\u0435na@acme.example")]

    made = plan(
        world(ANA, *people),
        STANDING,
        former=(gone("eve@acme.example"),),
        users=(newcomer("lena@acme.example"),),
    )

    assert len(warned(made)) == 2


def test_service_users_have_no_address() -> None:
    made = plan(world(ANA, service("77", "\u0430na@acme.example")), STANDING)

    assert warned(made) == []


@pytest.mark.parametrize("address", ["rn@x.example", "1l@x.example", "o0@x.example"])
def test_look_alikes_within_ascii_are_not_seen(address: str) -> None:
    assert skeleton(address) == address
