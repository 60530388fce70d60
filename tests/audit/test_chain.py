"""The chain is read by anybody, from any bytes, and its first fault is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.chain import GENESIS, Chain, hash_of, read_chain
from reconciler.domain.digest import canonical


def chain(count: int) -> list[bytes]:
    """So many good records."""
    lines: list[bytes] = []
    for number in range(1, count + 1):
        previous = hash_of(lines[-1]) if lines else GENESIS
        lines.append(line(sequence=number, previous=previous, data={"number": number}))
    return lines


def line(**fields: Any) -> bytes:
    form = {"time": "2026-11-22T09:00:00Z", "run": "r", "kind": "intent", "data": {}}
    return canonical(form | fields)


def read(*lines: bytes) -> Chain:
    return read_chain(b"".join(each + b"\n" for each in lines))


def test_a_whole_chain_has_every_record_and_a_head() -> None:
    lines = chain(3)

    found = read(*lines)

    assert [record.data["number"] for record in found.records] == [1, 2, 3]
    assert found.head == hash_of(lines[-1])
    assert found.fault is None


def test_an_empty_file_is_an_empty_chain() -> None:
    assert read_chain(b"") == Chain(())
    assert Chain(()).head == GENESIS


def test_what_a_crash_leaves_is_torn_and_no_fault() -> None:
    lines = chain(2)

    found = read_chain(lines[0] + b"\n" + lines[1][:9])

    assert (len(found.records), found.torn, found.fault) == (1, lines[1][:9], None)


@pytest.mark.parametrize(
    ("damage", "record", "word"),
    [
        (lambda lines: [lines[1]], 1, "number 2"),
        (lambda lines: [lines[0], lines[2]], 2, "number 3"),
        (lambda lines: [lines[0], lines[1].replace(b'"r"', b'"q"'), lines[2]], 3, "changed"),
        (lambda lines: [lines[0], b" " + lines[1]], 2, "this product"),
        (lambda lines: [lines[0], lines[1][:-1]], 2, "no record"),
        (lambda lines: [lines[0], b"{}"], 2, "form"),
        (lambda lines: [lines[0], line(sequence="2", previous=GENESIS)], 2, "this product"),
        (lambda _: [line(sequence=1, previous=GENESIS, more=1)], 1, "form"),
        (lambda lines: [lines[0], lines[0]], 2, "number 1"),
    ],
)
def test_the_first_record_that_does_not_fit_is_named(damage: Any, record: int, word: str) -> None:
    found = read(*damage(chain(3)))

    assert found.fault is not None
    assert found.fault.record == record
    assert word in found.fault.what
    assert len(found.records) == record - 1


def test_a_key_that_stands_twice_is_no_canonical_form() -> None:
    twice = chain(1)[0].replace(b'"kind":"intent"', b'"kind":"intent","kind":"intent"')

    found = read(twice)

    assert found.fault is not None
    assert json.loads(twice)["kind"] == "intent"


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    assert read_chain(content).records == ()


@given(data=st.data())
def test_any_change_of_a_byte_changes_the_head_or_is_a_fault(data: st.DataObject) -> None:
    content = b"".join(each + b"\n" for each in chain(4))
    at = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))

    found = read_chain(content[:at] + bytes([other]) + content[at + 1 :])

    assert found.fault is not None or found.head != read_chain(content).head


REENCODED = {
    "UTF-16": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first, without a mark": lambda text: text.encode("utf-16-be"),
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "other line ends": lambda text: text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("how", REENCODED)
def test_a_journal_that_was_only_re_encoded_is_called_so_and_nothing_worse(how: str) -> None:
    text = b"".join(each + b"\n" for each in chain(3)).decode()

    found = read_chain(REENCODED[how](text))

    assert found.records == ()
    assert found.fault is not None
    assert found.fault.what.startswith("was re-encoded (")
    assert found.fault.remedy.startswith("Fetch it as bytes")


@pytest.mark.parametrize("how", REENCODED)
def test_what_is_no_journal_in_any_encoding_is_not_called_re_encoded(how: str) -> None:
    found = read_chain(REENCODED[how]("{}\nno journal\n"))

    assert found.fault is not None
    assert "re-encoded" not in found.fault.what
    assert found.fault.remedy == ""
