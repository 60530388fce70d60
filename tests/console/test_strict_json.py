import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.console.strict_json import MAX_DEPTH, parse
from reconciler.errors import NotUnderstoodError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text() | st.just(0.5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": 1, "a": 1}', "repeated"),
        (b'{"x": [{"id": "1", "id": "2"}]}', "repeated"),
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e999", "out of range"),
        (b"0." + b"1" * 60, "digits"),
        (b"9" * 5000, "digits"),
        (b"[" * 100_000, "nested"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "nested"),
        (b'"\xff"', "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b"", "character 0"),
        (b'{"a": 1', "character"),
        (b"{'a': 1}", "character"),
        (b"1 2", "character"),
        (b'"\n"', "character"),
        (b"<html>", "character 0"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(NotUnderstoodError, match=reason):
        parse(body)


def test_an_id_above_two_to_the_53_keeps_all_its_digits() -> None:
    assert parse(b"1640000000000000901") == 1640000000000000901


def test_the_deepest_allowed_nesting_is_read() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@given(st.binary())
def test_any_bytes_give_a_value_or_our_error(body: bytes) -> None:
    with contextlib.suppress(NotUnderstoodError):
        parse(body)
