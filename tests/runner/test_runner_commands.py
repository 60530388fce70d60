"""What a runner takes for a command, and what it makes of the files."""

import pytest
from runner.commands import Annotation, Command, FileError, listen, masked, pairs_of, parse


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("::error::x", Command("error", {}, "x")),
        (" \t::error file=a,line=3::x::y", Command("error", {"file": "a", "line": "3"}, "x::y")),
        ("::notice title=a%3Ab%2C%25::1%0A%0D%25", Command("notice", {"title": "a:b,%"}, "1\n\r%")),
        ("text ##[error]x", Command("error", {}, "x")),
        ("##[warning file=a;line=1]x%5D", Command("warning", {"file": "a", "line": "1"}, "x]")),
        ("::group::", Command("group", {}, "")),
        ("text ::error::x", None),
        (": :error::x", None),
        ("::unknown::x", None),
        ("::error x", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_line_is_this_command(line: str, command: Command | None) -> None:
    assert parse(line) == command


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_end_of_line_starts_a_line(end: str) -> None:
    assert [a.message for a in listen(f"text{end}::error::x{end}").annotations] == ["x"]


def test_both_streams_are_read_and_stopping_one_stops_only_that() -> None:
    said = listen(
        "::stop-commands::word\n::error::a\n::other::\n::word::\n::error::b", "::error::c"
    )
    assert [each.message for each in said.annotations] == ["b", "c"]
    assert [each.name for each in said.commands] == ["stop-commands", "error", "error"]


def test_ten_of_each_level_are_shown_and_the_others_kept_apart() -> None:
    said = listen("::error::x\n" * 12 + "::warning file=a::y\n" * 3)
    assert [each.level for each in said.annotations] == ["error"] * 10 + ["warning"] * 3
    assert len(said.dropped) == 2
    assert said.annotations[-1] == Annotation("warning", "y", {"file": "a"})


def test_a_long_annotation_is_cut() -> None:
    assert len(listen("::error::" + "x" * 5000).annotations[0].message) == 4096


def test_what_is_to_be_masked_is_masked_line_by_line() -> None:
    said = listen("::add-mask::one%0Atwo\n::add-mask:: ")
    assert masked("one two onetwo\none\ntwo", said.masks) == "*** *** ******\n***"


def test_old_commands_set_outputs_or_are_refused() -> None:
    said = listen("::set-output name=a::1\n::set-env name=PATH::x\n::add-path::/x")
    assert said.outputs == {"a": "1"}
    assert [each.name for each in said.refused] == ["set-env", "add-path"]
    assert [each.level for each in said.annotations] == ["error", "error"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1\nb=2=3\n", {"a": "1", "b": "2=3"}),
        ("a<<E\n1\n2\nE\nb=\n", {"a": "1\n2", "b": ""}),
        ("a<<E\nE\n\n\n", {"a": ""}),
        ("a=x<<E\n", {"a": "x<<E"}),
        ("a<<E=\n1\nE=\n", {"a": "1"}),
        ("a=1\r\n", {"a": "1\r"}),
        ("a=1\na=2", {"a": "2"}),
    ],
)
def test_a_file_holds_these_pairs(text: str, pairs: dict[str, str]) -> None:
    assert pairs_of(text) == pairs


@pytest.mark.parametrize("text", ["nothing\n", "a<<E\n1\n", "=1\n", "<<E\nE\n", "a<<\n1\n\n"])
def test_a_file_that_is_wrong_fails_the_step(text: str) -> None:
    with pytest.raises(FileError):
        pairs_of(text)
