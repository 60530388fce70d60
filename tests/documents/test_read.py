"""Bytes to values: one meaning, and no way to make the parser fall over."""

import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from reconciler.documents.nodes import plain
from reconciler.documents.prescan import MAX_BYTES, text_of
from reconciler.documents.read import MAX_DEPTH, read
from reconciler.errors import PolicyError, Problem

Problems = Callable[[dict[str, str | bytes]], tuple[Problem, ...]]


def _read(text: str) -> Any:
    return plain(read(text, "a.yaml", "a.yaml").root)


def _problem(raw: bytes) -> Problem:
    with pytest.raises(PolicyError) as caught:
        read(text_of(raw, "a.yaml"), "a.yaml", "a.yaml")
    return caught.value.problems[0]


def test_the_c_parser_is_in_use() -> None:
    parser: Any = YAML(typ="safe").Parser
    assert (parser.__module__, parser.__name__) == ("ruamel.yaml.clib._ruamel_yaml", "CParser")


def test_scalars_keep_their_written_form() -> None:
    numbers = ["012", "1_000", "12:30", "1e3", "2026-11-22", "0x1F", ".5", "+1", "5.", "0o7"]
    words = [*numbers, "NO", "on", "Yes", "TRUE", "~", "=", ".nan"]
    assert _read(f"[{', '.join(words)}]") == words


def test_only_plain_json_words_and_numbers_are_typed() -> None:
    text = "[true, false, null, 0, -12, 0.10, 'true', 'null', '12', \"0.1\"]"
    assert _read(text) == [True, False, None, 0, -12, 0.1, "true", "null", "12", "0.1"]


def test_a_number_too_long_for_any_id_stays_text() -> None:
    assert _read("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_colons_and_question_marks_inside_words_are_read_as_yaml_1_2_does() -> None:
    text = "[group:a, service:id:7, a::b, A/B?, A?b, {k: v:w}, {\"j\":1}, 'q:r?s', a?b: c]"
    assert _read(text) == [
        *["group:a", "service:id:7", "a::b", "A/B?", "A?b"],
        *[{"k": "v:w"}, {"j": 1}, "q:r?s", {"a?b": "c"}],
    ]


def test_private_use_characters_of_the_file_are_not_mistaken_for_ours() -> None:
    assert _read("[\ue000, a:\ue001, '\ue002?b', \"\\ue003:\"]") == [
        *["\ue000", "a:\ue001", "\ue002?b", "\ue003:"]
    ]


def test_a_file_with_every_private_use_character_is_refused() -> None:
    everything = "".join(map(chr, range(0xE000, 0xF900)))
    assert _problem(f"a: '{everything}'".encode()).code == "private-use"


def test_an_escaped_private_use_character_is_not_read_as_a_colon() -> None:
    assert _read('["\\uE000\\U0000e001", a:b]') == ["\ue000\ue001", "a:b"]


def test_every_value_knows_its_place() -> None:
    root = read("a:\n  - b: group:x\n    c: [d, e]\n", "a.yaml", "a.yaml").root
    entry = root.value["a"].value[0]
    assert (entry.value["b"].line, entry.value["b"].column) == (2, 8)
    assert (entry.value["c"].key_line, entry.value["c"].key_column) == (3, 5)
    second = entry.value["c"].value[1]
    assert (second.line, second.column) == (3, 12)


@pytest.mark.parametrize(
    ("raw", "code", "place"),
    [
        (b"version: 1\nowners: [a\xff]\n", "not-utf-8", "a.yaml:2:11"),
        ("version: 1\n".encode("utf-16"), "not-utf-8", "a.yaml:1:1"),
        ("version: 1\n".encode("utf-16-le"), "control-character", "a.yaml:1:2"),
        (b"version: 1\0\n", "control-character", "a.yaml:1:11"),
        (b"version: 1\rusers: {}\n", "control-character", "a.yaml:1:11"),
        (b"#" * (MAX_BYTES + 1), "file-too-large", "a.yaml"),
        (b"\xef\xbb\xbf", "empty-file", "a.yaml:1:1"),
        ("a: \uffff".encode(), "yaml-syntax", "a.yaml:1:1"),
    ],
)
def test_only_sound_utf_8_reaches_the_parser(raw: bytes, code: str, place: str) -> None:
    problem = _problem(raw)
    assert (problem.code, str(problem.place)) == (code, place)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    assert _read(text_of(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "a.yaml")) == {"a": 1, "b": 2}


def test_the_deepest_nesting_is_read_and_one_more_is_not() -> None:
    deepest: Any = "x"
    for _ in range(MAX_DEPTH):
        deepest = [deepest]
    assert _read("[" * MAX_DEPTH + "x" + "]" * MAX_DEPTH) == deepest
    assert _problem(b"[" * (MAX_DEPTH + 1)).code == "too-deep"


@pytest.mark.parametrize("unit", ["[", "{", "[a,", "- ", "? ", "{a: ", "[? ", "[\n", "a: [", "[{"])
def test_a_hundred_thousand_brackets_are_refused_with_their_place(unit: str) -> None:
    problem = _problem((unit * 100_000).encode())
    assert problem.place is not None
    assert problem.place.line >= 1
    assert problem.code in {"too-deep", "key-not-text", "yaml-syntax"}


def test_deep_indentation_is_refused() -> None:
    assert _problem("".join(" " * i + "a:\n" for i in range(1000)).encode()).code == "too-deep"


def test_a_flood_of_problems_is_cut() -> None:
    with pytest.raises(PolicyError) as caught:
        _read("[" + ", ".join(f"!t{number} x" for number in range(5000)) + "]")
    assert len(caught.value.problems) == 100


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
@example(raw=b"a: \xf4\x90")
@example(raw=b"!<")
@example(raw=b'"\\x')
@example(raw=b"%TAG ! a")
@example(raw=b"- ? :")
@example(raw=b"? ? ?")
@example(raw=b"&")
@example(raw=b"a: |9")
def test_arbitrary_bytes_load_or_are_refused_with_a_place(raw: bytes) -> None:
    _load_or_refuse(raw)


_PIECES = st.sampled_from(
    [*"[]{}:,?-&*!|>'\"%@`#~ \n\t\\", "  ", "- ", ": ", "a", "1", "é", "\ue000"]
)


@settings(max_examples=500)
@given(text=st.lists(_PIECES, max_size=40).map("".join))
def test_arbitrary_yaml_like_text_loads_or_is_refused_with_a_place(text: str) -> None:
    _load_or_refuse(text.encode())


def _load_or_refuse(raw: bytes) -> None:
    try:
        document = read(text_of(raw, "a.yaml"), "a.yaml", "a.yaml")
    except PolicyError as error:
        places = [problem.place for problem in error.problems]
    else:
        places = [document.place(document.root)]
    assert places
    assert all(place and place.file == "a.yaml" and place.line for place in places)


@settings(max_examples=500)
@given(text=st.lists(_PIECES, max_size=25).map("".join))
@example(text="[group:a, b?c]")
@example(text="[a?: b]")
def test_what_is_read_means_what_the_pure_parser_says(text: str) -> None:
    """The pure parser reads YAML 1.2; ours may refuse more, but must not read otherwise.

    What is no mapping is no policy: there the two differ about a comment after a block scalar.
    """
    try:
        ours = _read(text_of(text.encode(), "a.yaml"))
        theirs = _written(YAML(typ="safe", pure=True).compose(text))
    except (PolicyError, YAMLError):
        return
    if isinstance(theirs, dict):
        assert _as_written(ours) == theirs


def _written(node: Any) -> Any:
    if isinstance(node, ScalarNode):
        return _NULLS.get(node.value, node.value) if node.style is None else node.value
    if isinstance(node, MappingNode):
        return {key.value: _written(value) for key, value in node.value}
    return [_written(item) for item in node.value]


_NULLS = {"": "null"}


def _as_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_written(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_as_written(child) for child in value]
    return {None: "null"}.get(value, str(value))


_WORD = st.text(string.ascii_letters + string.digits + " .:?/*@_-'\"#{}[]&!|>%éß", max_size=12)
_VALUES = st.recursive(
    _WORD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORD, inner, max_size=4)
)


@settings(max_examples=200)
@given(value=_VALUES)
def test_what_is_written_in_quotes_is_read_back_as_it_was(value: Any) -> None:
    assert _read(_quoted(value)) == value


def _quoted(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(k)}: {_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return "'" + re.sub("'", "''", value) + "'"


def test_an_alias_bomb_is_refused_at_its_first_anchor(problems_of: Problems) -> None:
    names = string.ascii_lowercase
    bomb = "a: &a [x]\n" + "".join(
        f"{names[i]}: &{names[i]} [{','.join(['*' + names[i - 1]] * 9)}]\n" for i in range(1, 10)
    )
    problems = problems_of({"bomb.yaml": bomb})
    assert problems[0].code == "anchor"
    assert str(problems[0].place).endswith("bomb.yaml:1:4")
    assert len(problems) == 19


def test_an_unreadable_file_names_itself(problems_of: Problems, tmp_path: Path) -> None:
    (problem,) = problems_of({"a/b.yaml": b"\xff"})
    assert str(problem.place) == f"{tmp_path}/a/b.yaml:1:1"
