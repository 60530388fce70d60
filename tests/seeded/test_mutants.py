"""The mistakes that `.ci/mutation.py` makes: of every kind, one at a time, and in running code."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "mutants.py"


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    spec = importlib.util.spec_from_file_location("mutants_of_the_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclass looks itself up there.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return lambda source: list(module.mutants(Path("a.py"), source))


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("return a < b", {"a <= b", "a >= b", "return None"}),
        ("return a in b", {"a not in b", "return None"}),
        ("return a and b", {"a or b", "a", "b", "return None"}),
        ("return not a", {"a", "return None"}),
        ("return a - b", {"a + b", "return None"}),
        ("return any(a)", {"all(a)", "return None"}),
        ("return sorted(a, key=b)", {"list(a)", "return None"}),
        ("return [x for x in a if b]", {"for x in a", "return None"}),
        ("return a if b else 1", {"a if not b else 1", "2", "return None"}),
        ("return 'word'", {"'word~'", "return None"}),
        ("return 'some prose', f'{a} word'", {"return None"}),
        ("if a: b()", {"if not a:", "pass"}),
        ("a += 1", {"pass", "2"}),
        ("yield a", {"yield from ()"}),
        ("for x in a: continue", {"break"}),
        ("raise a", {"pass"}),
        ("'''A docstring.'''", set()),
    ],
)
def test_every_kind_of_mistake_is_made(
    mutants: Callable[[str], list[Any]], line: str, made: set[str]
) -> None:
    assert {one.after for one in mutants(f"def f(a, b):\n    {line}\n")} == made


def test_a_mistake_is_made_in_its_function_and_on_its_lines_alone(
    mutants: Callable[[str], list[Any]],
) -> None:
    method = "class C:\n    def f(self):\n        if 1:\n            return 2\n\n"
    source = method + "def f():\n    return 1\n"

    found = mutants(source)

    assert [(one.function, [*one.lines], one.before) for one in found] == [
        ("C.f", [3], "if 1:"),
        ("C.f", [3], "1"),
        ("C.f", [4], "return 2"),
        ("C.f", [4], "2"),
        ("f", [7], "return 1"),
        ("f", [7], "1"),
    ]


def test_a_running_function_becomes_wrong(mutants: Callable[[str], list[Any]]) -> None:
    source = "def f(a):\n    return a < 3\n"
    space: dict[str, Any] = {}
    exec(compile(source, "a.py", "exec"), space)  # noqa: S102 -- the source is three lines above
    (boundary,) = (one for one in mutants(source) if one.after == "a <= 3")

    assert space["f"](3) is False
    space["f"].__code__ = boundary.code("a.py")
    assert space["f"](3) is True
