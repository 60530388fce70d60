"""Patterns against a brute-force oracle: every short text of two letters."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.globs import matches, overlap, within

TEXTS = ["".join(letters) for size in range(6) for letters in product("ab", repeat=size)]
patterns = st.text("ab*?", max_size=3)


def found(pattern: str) -> set[str]:
    return {text for text in TEXTS if matches(pattern, text)}


@given(patterns, patterns)
def test_two_patterns_overlap_exactly_when_some_text_matches_both(one: str, two: str) -> None:
    assert overlap(one, two) == bool(found(one) & found(two))


@given(patterns, patterns)
def test_a_pattern_said_to_lie_within_another_matches_nothing_else(one: str, two: str) -> None:
    if within(one, two):
        assert found(one) <= found(two)


def test_the_usual_pairs_are_recognised() -> None:
    assert within("EMEA/Branch-0*", "EMEA/Branch-*")
    assert within("EMEA/Branch-0?", "EMEA/Branch-*")
    assert within("EMEA/Branch-0?", "EMEA/Branch-??")
    assert not within("EMEA/Branch-*", "EMEA/Branch-?")
    assert not within("EMEA/*", "EMEA/Branch-*")


def test_brackets_and_line_breaks_are_no_patterns() -> None:
    assert matches("a[b]", "a[b]")
    assert not matches("a[b]", "ab")
    assert matches("a*", "a\nb")
    assert not matches("a", "a\n")


@pytest.mark.usefixtures("impatient")
def test_a_pattern_of_many_wildcards_takes_no_time_beyond_measure() -> None:
    pattern, text = "*a" * 40 + "*b@acme.example", "a" * 60 + "@acme.example"

    assert not matches(pattern, text)
    assert matches(pattern, "a" * 60 + "b@acme.example")
