"""When two names mean the same principal (T32), and when they must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.names import PrincipalName, email_key


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Ana@Example.com", "ana@example.com"),
        ("ana@EXAMPLE.com", "ana@example.com"),
        ("ana@bücher.example", "ana@BÜCHER.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("andre\u0301@acme.example", "andr\u00e9@acme.example"),
        ("STRASSE@acme.example", "straße@acme.example"),
    ],
)
def test_two_spellings_of_one_address_are_equal(one: str, two: str) -> None:
    assert PrincipalName.user(one) == PrincipalName.user(two)
    assert hash(PrincipalName.user(one)) == hash(PrincipalName.user(two))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ana@a.example", "ana@b.example"),
        ("\u0430dmin@acme.example", "admin@acme.example"),  # Cyrillic
        ("ana@straße.example", "ana@strasse.example"),  # different domains under IDNA 2008
        ("ana+x@acme.example", "ana@acme.example"),
        ("a.na@acme.example", "ana@acme.example"),
    ],
)
def test_different_addresses_stay_different(one: str, two: str) -> None:
    assert PrincipalName.user(one) != PrincipalName.user(two)


@given(st.text())
def test_any_text_has_a_key_and_the_key_of_a_key_is_itself(text: str) -> None:
    assert email_key(email_key(text)) == email_key(text)


def test_a_lone_surrogate_has_a_key_too() -> None:
    assert email_key("ana@\ud800.example") == email_key("ANA@\ud800.example")


def test_labels_keep_their_spelling() -> None:
    assert PrincipalName.parse("Ana@Acme.example").label == "Ana@Acme.example"
    assert PrincipalName.parse("service:SIEM export").label == "service:SIEM export"
    assert str(PrincipalName.service("id:50")) == "service:id:50"


def test_service_users_are_told_apart_by_letter_case() -> None:
    assert PrincipalName.service("Export") != PrincipalName.service("export")
