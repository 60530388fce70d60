"""Two snapshots one day apart, and beside them what people and machines read of them.

`pytest tests/snapshots --bless` writes the expected texts anew; then read the diff.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.main import run
from reconciler.console.snapshot import actual_of
from reconciler.documents.snapshot_file import read_snapshot_file
from reconciler.rendering.as_csv import original
from reconciler.rendering.difference import Side, difference_tree
from reconciler.rendering.difference_text import difference_text
from reconciler.rendering.inventory import inventory_tree
from reconciler.rendering.inventory_text import inventory_text
from reconciler.resources import resource
from reconciler.settings import Runtime

HERE = Path(__file__).resolve().parent
BEFORE, AFTER = str(HERE / "before.json"), str(HERE / "after.json")
KINDS = ("accounts", "sites", "roles", "principals", "grants")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]

CASES = {
    "diff.txt": (2, "diff", BEFORE, AFTER),
    "diff.json": (2, "diff", BEFORE, AFTER, "--format", "json"),
    "diff-all-fields.txt": (2, "diff", BEFORE, AFTER, "--all-fields"),
    "diff-backwards.txt": (2, "diff", AFTER, BEFORE),
    "diff-same.txt": (0, "diff", AFTER, AFTER),
    "list.txt": (0, "list", AFTER),
    "list.json": (0, "list", AFTER, "--format", "json"),
    "list.csv": (0, "list", AFTER, "--format", "csv"),
    **{f"list-{kind}.txt": (0, "list", AFTER, "--kind", kind) for kind in KINDS},
    **{f"list-{kind}.csv": (0, "list", AFTER, "--kind", kind, "--format", "csv") for kind in KINDS},
}


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the product without any console."""

    def command(*arguments: str) -> tuple[int, str, str]:
        runtime = Runtime({}, lambda: NOON, lambda _s: None, lambda: 0.0)
        return run(("snapshot", *arguments), runtime), *capsys.readouterr()

    return command


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_is_what_was_agreed(
    told: Run, name: str, request: pytest.FixtureRequest
) -> None:
    expected_code, *arguments = CASES[name]
    code, out, err = told(*map(str, arguments))
    assert (code, err) == (expected_code, "")
    expected = HERE / name
    if request.config.getoption("--bless"):
        expected.write_text(out, encoding="utf-8")
    assert out == expected.read_text("utf-8")


def test_every_golden_has_its_case() -> None:
    found = {path.name for path in HERE.iterdir() if path.suffix in {".txt", ".csv", ".json"}}
    assert found == {*CASES, "before.json", "after.json"}


@pytest.mark.parametrize("path", [BEFORE, AFTER])
def test_the_snapshots_fit_the_published_schema(path: str) -> None:
    schema = json.loads((resource("schemas") / "snapshot.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(Path(path).read_text("utf-8")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_says_the_same_as_json_and_as_csv(told: Run, kind: str) -> None:
    whole = json.loads(told("list", AFTER, "--format", "json")[1])
    alone = json.loads(told("list", AFTER, "--format", "json", "--kind", kind)[1])
    assert alone[kind] == whole[kind]
    assert alone.keys() & {*KINDS} == {kind}
    table = told("list", AFTER, "--format", "csv", "--kind", kind)[1]
    rows = list(csv.DictReader(io.StringIO(table)))
    assert not [each for row in rows for each in row.values() if each.startswith("=")]
    assert [read_back(row) for row in rows] == [written(row) for row in whole[kind]]


def read_back(row: dict[str, str]) -> dict[str, str]:
    plain = {key: original(value) for key, value in row.items()}
    return {key: v.removeprefix("id:") if key.endswith("id") else v for key, v in plain.items()}


def written(row: dict[str, Any]) -> dict[str, str]:
    words = {True: "true", False: "false", None: ""}
    return {key: words.get(v, str(v)) if type(v) is not int else str(v) for key, v in row.items()}


def edited(tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> str:
    tree = json.loads(Path(AFTER).read_text("utf-8"))
    edit(tree)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (lambda tree: tree.update(taken_at="2026-11-24T09:00:00Z"), 0, "No differences."),
        (lambda tree: tree["records"]["users"].reverse(), 0, "No differences."),
        (lambda tree: tree.update(origin="https://other.example"), 0, "two consoles"),
        (lambda tree: tree["identity"].update(level="account", scope_ids=["7"]), 0, "not gone"),
        (lambda tree: tree["records"]["roles"][1].pop("pages"), 0, "does not hold what 4 of"),
        (lambda tree: tree["records"]["users"][0].update({"__odd": 1}), 2, "__odd: (absent) -> 1"),
        (lambda tree: tree["records"]["users"][0].update(emailVerified=None), 2, "true -> null"),
        (
            lambda tree: tree["records"]["users"][0].update(fullName="\x1b[31m"),
            2,
            '"\\u001b[31m"',
        ),
        (lambda tree: tree["records"]["users"].pop(), 2, "- eve@acme.example"),
    ],
)
def test_what_counts_as_a_difference(
    told: Run, tmp_path: Path, edit: Callable[[dict[str, Any]], object], code: int, said: str
) -> None:
    found, out, _ = told("diff", AFTER, edited(tmp_path, edit))
    assert found == code, out
    assert said in out


def test_a_user_and_a_service_user_of_one_id_are_two(told: Run, tmp_path: Path) -> None:
    def twin(tree: dict[str, Any]) -> None:
        tree["records"]["service_users"][1]["id"] = tree["records"]["users"][0]["id"]

    code, out, _ = told("diff", AFTER, edited(tmp_path, twin), "--format", "json")
    principals = json.loads(out)["principals"]
    assert code == 2
    assert [len(principals[key]) for key in ("added", "removed", "changed")] == [1, 1, 0]


def test_a_snapshot_that_cannot_be_read_stops_the_comparison(told: Run, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    for arguments in (("diff", AFTER, "x.json"), ("diff", "x.json", AFTER), ("list", "x.json")):
        code, out, err = told(*(str(tmp_path / a) if a == "x.json" else a for a in arguments))
        assert (code, out) == (1, "")
        assert "cannot be read as a snapshot" in err


def test_colour_adds_nothing_but_colour() -> None:
    sides = []
    for path in (BEFORE, AFTER):
        tree = read_snapshot_file(Path(path))
        sides.append(Side(tree, actual_of(tree)))
    tree = difference_tree(*sides)
    listed = inventory_tree(sides[1].actual, NOON)
    for painted, plain in (
        (difference_text(tree, color=True), difference_text(tree, color=False)),
        (inventory_text(listed, None, color=True), inventory_text(listed, None, color=False)),
    ):
        assert painted != plain
        assert re.sub(r"\x1b\[[0-9;]+m", "", painted) == plain
