"""The marker: what is written is read back, and nothing else is read (T15)."""

import json
from collections.abc import Callable

import pytest
from hostile import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.ci.labels import LABELS
from reconciler.ci.marker import KINDS, LENGTH, VERDICTS, Marker, marked, parse_marker, unmarked
from reconciler.ci.result import Result
from reconciler.resources import resource

Make = Callable[..., Result]

HEX = "0123456789abcdef"
DIGESTS = st.text(HEX, min_size=64, max_size=64).map("sha256:{}".format)
MARKERS = st.builds(
    Marker,
    kind=st.sampled_from(KINDS),
    key=st.text(HEX, min_size=12, max_size=12),
    run=st.text("0123456789", min_size=1, max_size=20),
    head=st.sampled_from([0, 40, 64]).flatmap(lambda n: st.text(HEX, min_size=n, max_size=n)),
    content=st.just("") | DIGESTS,
    file=st.just("") | DIGESTS,
    verdict=st.sampled_from([(), *(tuple(each.split(",")) for each in VERDICTS)]),
)
FULL = Marker(
    "plan", "0123456789ab", "1" * 20, "a" * 64, "sha256:" + "b" * 64, "sha256:" + "c" * 64,
    ("grants", "revokes"),
)  # fmt: skip


@given(marker=MARKERS, text=st.text(st.characters(codec=None)))
def test_what_is_written_is_read_back_whatever_follows(marker: Marker, text: str) -> None:
    body = marked(marker, text)

    assert parse_marker(body) == marker
    assert unmarked(body) == text
    assert len(marker.line) < LENGTH


@given(text=st.text(st.characters(codec=None)))
def test_any_text_is_read_without_harm(text: str) -> None:
    assert parse_marker(text) is None
    assert unmarked(text) == text


@given(marker=MARKERS, at=st.integers(0, 400), char=st.characters(codec=None))
def test_one_letter_more_makes_it_none_or_another(marker: Marker, at: int, char: str) -> None:
    line = marker.line
    changed = line[:at] + char + line[at:]

    found = parse_marker(changed)

    # Digits of the run are the only place where a letter more is another marker; an end of the
    # line at its end is none.
    assert found is None or found.line == changed or changed.rstrip("\r\n") == line


@given(marker=MARKERS, data=st.data())
def test_one_letter_less_makes_it_none_or_another(marker: Marker, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(marker.line) - 1))
    changed = marker.line[:at] + marker.line[at + 1 :]

    found = parse_marker(changed)

    assert found is None or found.line == changed


def test_a_marker_anywhere_but_on_the_first_line_alone_is_none() -> None:
    line = FULL.line
    for text in (
        *(f"\n{line}", f" {line}", f"{line} ", f"x{line}", f"{line}x", f"> {line}", f"- {line}"),
        *(f"```\n{line}\n```", f"`{line}`", f"\ufeff{line}", f"\r{line}", f"{line}\r\r\n"),
        *(f"{line}\x0bx", f"{line}\x85x", f"{line}\u2028x", line + line, line.upper()),
        *(line.replace("run=1", "run=\u0661"), line.replace(" run", "\xa0run")),
        line.replace("-->", "--!>"),
    ):
        assert parse_marker(text) is None, ascii(text)


def test_hosts_may_end_its_line_otherwise() -> None:
    for body in (FULL.line, f"{FULL.line}\n", f"{FULL.line}\r\nx", f"{FULL.line}\nx\r\n"):
        assert parse_marker(body) == FULL


def test_no_hostile_text_is_a_marker() -> None:
    for text in HOSTILE.values():
        assert parse_marker(text) is None, ascii(text)
        assert parse_marker(f"{text}\n{FULL.line}") is None, ascii(text)


def test_it_is_hidden_and_one_block_of_its_own() -> None:
    tokens = MarkdownIt("gfm-like").parse(marked(FULL, "### Plan\n"))

    assert [token.type for token in tokens[:2]] == ["html_block", "heading_open"]
    assert tokens[0].content == f"{FULL.line}\n"


def test_a_result_has_the_marker_of_its_kind(make_result: Make) -> None:
    result = make_result(command="apply", plan_file_digest="sha256:" + "e" * 64)

    assert Marker.of(result).line == (
        f"<!-- sentinelone-reconciler outcome key=0123456789ab head={'a' * 40} run=100 "
        f"content=sha256:{'d' * 64} file=sha256:{'e' * 64} verdict=grants -->"
    )
    assert Marker.of(make_result(command="drift")).kind == "drift"


def test_it_knows_the_verdicts_of_the_published_schema() -> None:
    schema = json.loads((resource("schemas") / "result.schema.json").read_text("utf-8"))

    verdicts = schema["properties"]["verdict"]["enum"]
    assert sorted(",".join(each) for each in verdicts) == sorted(VERDICTS)
    assert set(LABELS) == {word for each in verdicts for word in each}


@pytest.mark.parametrize(("one", "two", "is_newer"), [("10", "9", True), ("9", "9", False)])
def test_runs_are_compared_as_numbers(one: str, two: str, *, is_newer: bool) -> None:
    assert Marker("plan", "a" * 12, one).is_newer(Marker("plan", "a" * 12, two)) is is_newer
