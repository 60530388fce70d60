"""The one layout: what it looks like, that it says the same, and that it is its own layout."""

import io
import json
import re
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.documents.fmt import _is_same, format_text
from reconciler.documents.nodes import plain
from reconciler.documents.pins_file import pins_text
from reconciler.documents.prescan import MAX_BYTES, text_of
from reconciler.documents.read import read
from reconciler.documents.written import written
from reconciler.errors import PolicyError, Problem

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED = sorted((ROOT / "tests" / "examples" / "accepted").rglob("*.yaml"))
SHIPPED = sorted((ROOT / "policies").rglob("*.yaml"))


def formatted(text: str) -> str:
    return format_text(text_of(text.encode(), "a.yaml"), "a.yaml")


def said(text: str) -> str:
    return json.dumps(plain(read(text, "a.yaml", "a.yaml").root), sort_keys=True)


def problem_of(text: str) -> Problem:
    with pytest.raises(PolicyError) as caught:
        formatted(text)
    return caught.value.problems[0]


LONG = [f"somebody-{number}@acme.example" for number in range(5)]
LAYOUTS = {
    "dashes are indented": (
        "version: 1\nowners:\n- a\n-   b\n",
        "version: 1\nowners:\n  - a\n  - b\n",
    ),
    "two blanks a level": (
        "version: 1\ngroups:\n      soc:\n         - a\n      it:   [b]\n",
        "version: 1\ngroups:\n  soc:\n    - a\n  it: [b]\n",
    ),
    "one blank line for several, none where something opens or ends": (
        "\n\nversion: 1\n\n\n\nowners:\n\n  - a\n\n  - b\n\n\n",
        "version: 1\n\nowners:\n  - a\n\n  - b\n",
    ),
    "no blanks at the end of a line": (
        "version: 1  \nowners:\t\n  - a \t\n",
        "version: 1\nowners:\n  - a\n",
    ),
    "version comes first, the head stays above it": (
        "# head\n\nowners: [a]\n\n# of version\nversion: 1 # one\nformer: []\n# end\n",
        "# head\n\n# of version\nversion: 1 # one\nowners: [a]\nformer: []\n# end\n",
    ),
    "version in quotes is version": ('a: 1\n"version": 1\n', '"version": 1\na: 1\n'),
    "lists in brackets stay": ("version: 1\nowners: [ a,b , ]\n", "version: 1\nowners: [a, b]\n"),
    "lists in brackets may come from several lines": (
        "version: 1\nowners: [a,\n  b,\n\n  c]\n",
        "version: 1\nowners: [a, b, c]\n",
    ),
    "a list that does not fit gets lines": (
        f"former: [{', '.join(LONG)}]\n",
        "former:\n" + "".join(f"  - {name}\n" for name in LONG),
    ),
    "a list that just fits stays": (f"former: [{'a' * 90}]\n", None),
    "one column more is too many": (f"former: [{'a' * 91}]\n", f"former:\n  - {'a' * 91}\n"),
    "a mapping that does not fit gets lines, what is in it need not": (
        f"users: {{a@b.c: {{name: {'A' * 80}}}, d@e.f: {{name: D}}}}\n",
        f"users:\n  a@b.c: {{name: {'A' * 80}}}\n  d@e.f: {{name: D}}\n",
    ),
    "a dash counts": (
        f"a:\n- [{'a' * 94}]\n- [{'a' * 95}]\n",
        f"a:\n  - [{'a' * 94}]\n  - - {'a' * 95}\n",
    ),
    "a pair in a list gets its braces": ("a: [b: c]\n", "a: [{b: c}]\n"),
    "comments in brackets keep their item": (
        "a: [b, # of b\n  # of c\n  c # behind c\n  ] # behind\nd: e\n",
        "a:\n  - b # of b\n  # of c\n  - c # behind c\n  # behind\nd: e\n",
    ),
    "a comment behind brackets keeps its place": ("a: [b,\n  c]   # d\n", "a: [b, c] # d\n"),
    "a comment in empty brackets stays": ("a: [ # b\n  ]\n", "a: [] # b\n"),
    "blank lines in empty brackets go": ("a: [ # b\n\n  ]\nc: 1\n", "a: [] # b\nc: 1\n"),
    "comments stand as deep as their columns show": (
        "a:\n- b: 1\n  # of b\n# of a\nc: 1\n",
        "a:\n  - b: 1\n    # of b\n# of a\nc: 1\n",
    ),
    "a comment beside flush dashes is of the next key": (
        "a:\n- b\n# of c\nc: 1\n",
        "a:\n  - b\n# of c\nc: 1\n",
    ),
    "a comment without a place goes above": (
        "a:\n  - # why\n    b: 1\n    c: # because\n      2\n",
        "a:\n  # why\n  - b: 1\n    # because\n    c: 2\n",
    ),
    "a comment behind a key that opens stays behind it": ("a: # b\n  - c\n", None),
    "comments are not touched": ("#a\n#   b  #c\nversion: 1 #d\n", None),
    "quotes stay": ("""a: ["b", 'c', d, "\\u00e9", 'it''s']\n""", None),
    "written forms stay": ("a: [~, TRUE, +1, 012, 0x1F, 1e3, null, 2026-11-22, NO]\n", None),
    "colons and question marks in words stay": ("a: [group:soc, Acme/B?]\n", None),
    "nothing is nothing": (
        "a:\nb: {c: , d: 1}\ne:\n-\n-   f\n",
        "a:\nb: {c: , d: 1}\ne:\n  -\n  - f\n",
    ),
    "a long text is not broken": (f"a: {'word ' * 40}end\n", None),
    "a text over several lines is indented": (
        'a: one\n     two\n\n     three # c\nb: "four\n  five\\\n  \\  six"\n',
        'a: one\n  two\n\n  three # c\nb: "four\n  five\\\n  \\  six"\n',
    ),
    "an escaped blank at the end of a line stays": ('a: "b\\ \n  c"\n', None),
    "texts in blocks are moved as one": (
        "a:\n    b: |  # c\n          d\n            e\n\n          f\n\n\n    g: >-\n     h\n",
        "a:\n  b: | # c\n    d\n      e\n\n    f\n\n  g: >-\n    h\n",
    ),
    "a text in a block keeps what its sign says": (
        "a:\n   - |2\n       b\n   - |+\n     c\n\n\n   - d\n",
        "a:\n  - |2\n      b\n  - |+\n    c\n\n\n  - d\n",
    ),
    "a sign may count other blanks than two": (
        "a:\n     b: |3\n          c\n        d\n",
        "a:\n  b: |3\n       c\n     d\n",
    ),
    "a comment after kept line breaks is not part of them": ("a: |+\n  b\n# c\nd: 1\n", None),
    "windows line ends go within texts too": (
        'a: "b\r\n  c"\r\nd: |\r\n  e\r\n  f\r\n',
        'a: "b\n  c"\nd: |\n  e\n  f\n',
    ),
    "an empty text in a block": ("a: >-\nb: 1\n", None),
    "lists in lists": (
        "-a:\n-   -   - b\n        - c\n    - d\n",
        "-a:\n  - - - b\n      - c\n    - d\n",
    ),
    "explicit keys become plain": ("? a\n: - b\n", "a:\n  - b\n"),
    "document marks go": ("--- # a\nb: 1\n...\n# c\n", "# a\nb: 1\n# c\n"),
    "a mapping in brackets is opened at the top": ("{b: 1, version: 1}", "version: 1\nb: 1\n"),
    "an empty mapping": ("# a\n{} # b\n", "# a\n{}\n# b\n"),
    "windows line ends and a byte order mark go": (
        "\ufeffa: 1\r\nb: 2 # c\r\n",
        "a: 1\nb: 2 # c\n",
    ),
    "the last line ends": ("a: 1", "a: 1\n"),
    "characters beyond the first plane count as one": (
        "a: [😀, 'b', \"😀\"] # 😀\nc:   d\n",
        "a: [😀, 'b', \"😀\"] # 😀\nc: d\n",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout(name: str) -> None:
    before, after = LAYOUTS[name]
    assert formatted(before) == (before if after is None else after)
    assert formatted(formatted(before)) == formatted(before)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_shipped_policies_are_in_layout(path: Path) -> None:
    assert formatted(path.read_text()) == path.read_text()


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_an_accepted_example_can_be_laid_out_and_says_the_same(path: Path) -> None:
    text = text_of(path.read_bytes(), "a.yaml")
    result = formatted(text)
    assert said(result) == said(text)
    assert formatted(result) == result


def test_pins_are_written_in_layout() -> None:
    people = {"ana@acme.example": {"id": "12345678901234567890", "email": "ana@acme.example"}}
    text = pins_text({"version": 1, "origin": "x", "users": people, "sites": {"A/B": {"id": "1"}}})
    assert formatted(text) == text


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: [", "yaml-syntax", "a.yaml:2:1"),
        ("a: 1\nb: &x 2\n", "anchor", "a.yaml:2:4"),
        ("a: 1\n---\nb: 1\n", "several-documents", "a.yaml:2:1"),
        ("a: 1\na: 2\n", "repeated-key", "a.yaml:2:1"),
        ("# nothing\n", "empty-file", "a.yaml:1:1"),
        ("\n- a\n", "not-a-mapping", "a.yaml:2:1"),
        ("? a\n  b\n: 1\n", "cannot-format", "a.yaml"),
        ("? |\n  a\n: 1\n", "cannot-format", "a.yaml"),
        ("a: |\n  b", "cannot-format", "a.yaml"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(text: str, code: str, place: str) -> None:
    problem = problem_of(text)
    assert (problem.code, str(problem.place)) == (code, place)
    assert problem.message
    assert problem.remedy


def test_what_would_be_too_large_in_layout_is_refused() -> None:
    text = "a:\n" + "- b\n" * (MAX_BYTES // 5)
    assert len(text) < MAX_BYTES
    assert problem_of(text).code == "file-too-large"


@pytest.mark.parametrize(
    "result",
    [
        'a: "1" # b\n',
        "a: true # b\n",
        "a: 1.0 # b\n",
        "a: 1\n",
        "a: 1 # c\n",
        "a: 1 # b\n# b\n",
        "a: 1 # b\nc:\n",
        "a: [1 # b\n",
    ],
)
def test_a_layout_that_says_something_else_is_seen(result: str) -> None:
    text = "a:  1 # b\n"
    document = written(text, "a.yaml")
    assert _is_same("a: 1 # b\n", "a.yaml", said(text), document)
    assert not _is_same(result, "a.yaml", said(text), document)


class Messy:
    """Writes a value as people would not; `style` decides what stays, `space` what does not."""

    def __init__(self, style: Random, space: Random) -> None:
        self.style, self.space, self.count = style, space, 0

    def text(self, value: dict[str, Any]) -> str:
        lines = [*self.above(0), *self.block(value, 0), *self.above(0)]
        return "\n".join([*[""] * self.space.randint(0, 2), *lines]) + self.space.choice(["", "\n"])

    def blanks(self, least: int = 0) -> str:
        return " " * self.space.randint(least, 4)

    def comment(self) -> str:
        self.count += 1
        return f"# c{self.count}: [not, {{yaml}}"

    def behind(self) -> str:
        return self.blanks(1) + self.comment() if self.style.random() < 0.2 else ""

    def above(self, indent: int) -> list[str]:
        lines = []
        for _ in range(self.style.choice([0, 0, 0, 1, 2])):
            lines += self.gap()
            lines.append(" " * indent + self.comment() + self.blanks())
        return [*lines, *self.gap()]

    def gap(self) -> list[str]:
        return [self.blanks()] * self.space.randint(1, 3) if self.style.random() < 0.2 else []

    def block(self, value: Any, indent: int) -> list[str]:
        lines = []
        margin = " " * indent
        entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        for key, inner in entries:
            lines += self.above(indent)
            head = "-" if key is None else f"{self.scalar(key)}:"
            if not inner or isinstance(inner, str) or self.style.random() < 0.4:
                lines.append(f"{margin}{head}{self.blanks(1)}{self.flow(inner)}{self.behind()}")
                continue
            is_flush = key is not None and isinstance(inner, list) and self.style.random() < 0.3
            depth = indent + (0 if is_flush else self.space.randint(1, 4))
            lines.append(f"{margin}{head}{self.behind()}")
            lines += self.block(inner, depth)
            if not is_flush:
                lines += self.above(depth)
        return lines

    def flow(self, value: Any) -> str:
        if isinstance(value, str):
            return self.scalar(value)
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        items = [
            ("" if key is None else f"{self.scalar(key)}: ") + self.flow(inner)
            for key, inner in pairs
        ]
        text = items[0] if items else ""
        for item in items[1:]:
            text += f",{self.fold()}{item}"
        text += "," if items and self.space.random() < 0.2 else ""
        start, end = "{}" if isinstance(value, dict) else "[]"
        return f"{start}{self.fold()}{text}{self.fold()}{end}"

    def fold(self) -> str:
        if self.style.random() < 0.03:
            return f" {self.comment()}\n{' ' * 40}"
        return self.space.choice(["", " ", "  ", f"\n{' ' * 40}"])

    def scalar(self, text: str) -> str:
        if re.fullmatch(r"[a-zé]\w*(:\w+)?", text) and self.style.random() < 0.5:
            return text
        if self.style.random() < 0.5:
            return "'" + text.replace("'", "''") + "'"
        return json.dumps(text, ensure_ascii=False)


def messy_from(style: int, space: int) -> Messy:
    return Messy(Random(style), Random(space))  # noqa: S311 - layouts are no secret


_WORDS = st.sampled_from(
    ["a", "group:soc", "é", "", "x: y", "a # b", "it's", "- ", "😀", "a" * 45, "[", '"']
)
_VALUES = st.recursive(
    _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=25,
)
_POLICIES = st.dictionaries(_WORDS, _VALUES, min_size=1, max_size=5)
_SEEDS = st.integers(0, 2**32)


@settings(max_examples=150, deadline=None)
@given(value=_POLICIES, style=_SEEDS, spaces=st.tuples(_SEEDS, _SEEDS))
def test_whatever_is_written_says_the_same_in_the_same_layout(
    value: dict[str, Any], style: int, spaces: tuple[int, int]
) -> None:
    results = set()
    for space in spaces:
        messy = messy_from(style, space)
        before = messy.text(value)
        after = formatted(before)
        assert json.loads(said(after)) == value
        assert sorted(re.findall(r"# c\d+", after)) == sorted(
            f"# c{n + 1}" for n in range(messy.count)
        )
        assert formatted(after) == after
        results.add(after)
    assert len(results) == 1


@settings(max_examples=150, deadline=None)
@given(value=_POLICIES, style=_SEEDS, space=_SEEDS)
def test_a_layout_is_tidy_and_the_pure_parser_reads_it_too(
    value: dict[str, Any], style: int, space: int
) -> None:
    text = formatted(messy_from(style, space).text(value))
    lines = text.removesuffix("\n").split("\n")
    assert text.endswith("\n")
    assert all(line == line.rstrip() for line in lines)
    assert "" not in (lines[0], lines[-1])
    assert not any(one == two == "" for one, two in pairwise(lines))
    assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 for line in lines)
    assert YAML(typ="safe", pure=True).load(io.StringIO(text)) == value


_PIECES = st.sampled_from(
    [
        *(
            "a",
            "b: ",
            "c:",
            "- ",
            "-",
            "\n",
            "\n",
            "\n  ",
            "\n    ",
            "\n ",
            " ",
            "[",
            "]",
            "{",
            "}",
        ),
        *(
            ", ",
            ",",
            "#x",
            " # y",
            '"q"',
            "'s'",
            '"m\n  n"',
            "? ",
            ": ",
            "|\n   t\n",
            "|2\n    z\n",
        ),
        *("|+\n   k\n\n", ">-\n    u\n\n", "group:x", "~", "version: 1\n", "a?", "\t", "😀", "\\"),
        *("--- ", "\r\n", "null", "01", "\ue000", "...\n"),
    ]
)


@settings(max_examples=600, deadline=None)
@given(text=st.lists(_PIECES, max_size=20).map("".join))
@example(text="a: |+\n   k\n\n\n")
@example(text="k: v\na?b: |+\n   k\n\n\n    #x\n")
@example(text="? a\n  b\n: c\n")
def test_arbitrary_text_is_refused_or_gets_a_layout_of_its_own(text: str) -> None:
    try:
        result = formatted("k: v\n" + text)
    except PolicyError as error:
        assert all(problem.place for problem in error.problems)  # noqa: PT017 - or it is laid out
        return
    assert said(result) == said(text_of(("k: v\n" + text).encode(), "a.yaml"))
    assert formatted(result) == result
