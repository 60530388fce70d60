"""R22: every refusal, every kind of problem and every exit code is documented and has a test.

Read from the source itself, so that a new one without a test is found by name.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reliability.table import Row

from reconciler.errors import ExitCode

ROOT = Path(__file__).resolve().parents[2]
_NAMED = {"Refusal": 0, "Problem": 1}
"""The argument that is the name of the rule."""


def codes() -> Row:
    """Look for what has no test."""
    row = Row("R22", "refusals, problems and exit codes: documented, and with a test", 0)
    tests = "\n".join(_texts(ROOT / "tests", "*.py", "*.json", "*.txt"))
    docs = "\n".join([(ROOT / "README.md").read_text("utf-8"), *_texts(ROOT / "docs", "*.md")])
    rules = dict(_rules())
    for rule, place in sorted(rules.items()):
        row.runs += 1
        if not re.search(rf"\b{re.escape(rule)}\b", tests):
            row.violations.append(f"{rule} ({place}) has no test")
    for code in ExitCode:
        row.runs += 1
        number = int(code)
        if not re.search(rf"code\b.* == .*\b{number}\b|ExitCode\.{code.name}", tests):
            row.violations.append(f"exit code {number} has no test")
        if not re.search(rf"\| *`?[0-9, ]*\b{number}\b", docs):
            row.violations.append(f"exit code {number} is not in the documentation")
    row.note = f"{len(rules)} rules and {len(ExitCode)} exit codes, by search"
    return row


def _rules() -> Iterator[tuple[str, str]]:
    """Every name of a rule that stands as a text in the source, with its place."""
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            position = _NAMED.get(node.func.id)
            if position is None or len(node.args) <= position:
                continue
            name = node.args[position]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def _texts(folder: Path, *patterns: str) -> Iterator[str]:
    for pattern in patterns:
        for path in folder.rglob(pattern):
            if "reliability" not in path.parts:
                yield path.read_text("utf-8", errors="replace")
