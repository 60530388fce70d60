"""What somebody may have meant: near is told, far is not."""

import pytest

from reconciler.planning.nearest import nearest

PEOPLE = (
    "ana@acme.example",
    "bo@acme.example",
    "noor@acme.example",
    "service:soar",
    "service:siem",
)
PLACES = ("EMEA/Berlin", "EMEA/Lyon", "US/Austin", "EMEA")


@pytest.mark.parametrize(
    ("text", "known", "found"),
    [
        ("bo", PEOPLE, ["bo@acme.example"]),
        ("Ana", PEOPLE, ["ana@acme.example"]),
        ("ann@acme.example", PEOPLE, ["ana@acme.example"]),
        ("ana@acme.exmple", PEOPLE, ["ana@acme.example"]),
        ("ana@other.example", PEOPLE, ["ana@acme.example"]),
        ("zz@acme.example", PEOPLE, []),
        ("siem", PEOPLE, ["service:siem"]),
        ("service:sime", PEOPLE, ["service:siem"]),
        ("service:nope", PEOPLE, []),
        ("service:", PEOPLE, []),
        ("Berlin", PLACES, ["EMEA/Berlin"]),
        ("EMEA/Berlim", PLACES, ["EMEA/Berlin"]),
        ("EMEA/Oslo", PLACES, []),
        ("UK/Austin", PLACES, ["US/Austin"]),
        ("", PLACES, []),
    ],
)
def test_what_tells_names_apart_decides(
    text: str, known: tuple[str, ...], found: list[str]
) -> None:
    assert nearest(text, known) == found


def test_at_most_three_are_named_the_nearest_first() -> None:
    known = ("site-10", "site-11", "site-12", "site-13", "site-1")
    assert nearest("site-1", known)[0] == "site-1"
    assert len(nearest("site-1", known)) == 3


def test_a_name_known_twice_is_named_once() -> None:
    assert nearest("Admim", ["Admin", "Admin"]) == ["Admin"]
