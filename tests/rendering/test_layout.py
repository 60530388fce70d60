"""Columns of a terminal: what a text takes of them, and how it is cut and wrapped by them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.rendering.layout import ENDLESS, columns, cut, padded, wrapped
from reconciler.rendering.safe import visible

WORDS = st.text(st.sampled_from("ab :#[管é\u0301\u05d0"), max_size=60).map(visible)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("Admin", 5),
        ("管理者", 6),
        ("o\u0308", 1),
        ("\u00fc", 1),
        ("\uff41", 2),
        ("\U0001f4a5", 2),
        ("a\u20dd", 1),
        ("\u1112\u1161\u11ab", 2),
        ("מנהל", 4),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", 4),
    ],
)
def test_a_wide_letter_takes_two_columns_and_a_mark_none(text: str, width: int) -> None:
    assert columns(text) == width


def test_padding_counts_columns() -> None:
    assert padded("管理", 6) == "管理  "
    assert padded("管理", 3) == "管理"


def test_a_cut_says_that_it_is_one_and_splits_no_letter() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd…"
    assert cut("管理者", 4) == "管…"
    assert cut("ae\u0301f", 3) == "ae\u0301f"
    assert cut("ae\u0301fg", 3) == "ae\u0301…"
    assert cut("ab cd", 4) == "ab…"


def test_a_wrapped_text_breaks_at_blanks_and_is_indented() -> None:
    text = "The plan takes 7 scopes away from people"

    assert wrapped(text, 26, "    ", "  a: ") == [
        "  a: The plan takes 7",
        "    scopes away from",
        "    people",
    ]
    assert wrapped(text, ENDLESS, "    ", "  a: ") == [f"  a: {text}"]
    assert wrapped("", 26, "    ", "  a: ") == ["  a: "]


def test_a_word_longer_than_a_line_is_split() -> None:
    assert wrapped("x" * 45, 20) == ["x" * 20, "x" * 20, "x" * 5]
    assert wrapped(f"ab {'x' * 40}", 20) == ["ab", "x" * 20, "x" * 20]


def test_a_line_always_has_some_room() -> None:
    assert wrapped("x" * 30, 1, " " * 30) == [" " * 30 + "x" * 20, " " * 30 + "x" * 10]


def test_no_break_makes_a_command() -> None:
    assert wrapped(f"{'a' * 20} ::error::b", 22, "  ") == [f"  {'a' * 20}", "  \\x3a:error::b"]
    assert wrapped(f"{'a' * 20}::error::b", 22, "  ") == [f"  {'a' * 20}", "  \\x3a:error::b"]


@given(text=WORDS, width=st.integers(24, 60))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    told = wrapped(text, width, "  ", "a: ")

    words = "".join("".join(told).removeprefix("a: ").replace("\\x3a", ":").split())
    assert words == "".join(text.replace("\\x3a", ":").split())
    # An escape may stand in for a colon where a line would begin with one.
    assert all(columns(line) <= width + 3 for line in told)
    assert all(columns(line) <= width for line in told if "\\x3a" not in line)


@given(text=WORDS, width=st.integers(3, 60))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert columns(cut(text, width)) <= width
