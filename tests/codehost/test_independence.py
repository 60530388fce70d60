"""The hosts and the runner know nothing of what they test."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path
    for folder in ("codehost", "runner")
    for path in (TESTS / folder).glob("*.py")
    if not path.name.startswith("test_")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_of_the_product_is_imported(path: Path) -> None:
    names = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else []
        )
    }  # fmt: skip
    assert not [name for name in names if name.partition(".")[0] == "reconciler"]
