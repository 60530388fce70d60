"""Each file or folder under examples/ is a case; adding a case is adding a file.

A refused example stands beside its message, `NAME.txt`; most have an accepted twin of the same
name. `pytest tests/documents --bless` writes the messages anew.
"""

import shutil
from pathlib import Path

import pytest

from reconciler.documents.load import load
from reconciler.errors import PolicyError, Problem

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def _cases(folder: str) -> list[Path]:
    return sorted(path for path in (EXAMPLES / folder).iterdir() if path.suffix != ".txt")


def _root(case: Path, tmp_path: Path) -> Path:
    """Give a case a policies folder; a single file becomes `policy.yaml`, or a reserved name."""
    root = tmp_path / "policies"
    if case.is_dir():
        shutil.copytree(case, root)
        return root
    root.mkdir()
    reserved = case.name.partition("-")[0]
    if reserved in {"guardrails", "pins", "tests"}:
        (root / "policy.yaml").write_text("version: 1\n")
        shutil.copy(case, root / f"{reserved}.yaml")
    else:
        shutil.copy(case, root / "policy.yaml")
    return root


def _rendered(problems: tuple[Problem, ...], root: Path) -> str:
    told = "".join(f"{p.place}: {p.code}: {p.message}\n    {p.remedy}\n" for p in problems)
    return told.replace(f"{root}/", "").replace(str(root), ".")


@pytest.mark.parametrize("case", _cases("accepted"), ids=lambda case: case.stem)
def test_an_accepted_example_loads_and_its_warnings_are_as_written(
    case: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = _root(case, tmp_path)
    policy = load(root).policy
    _compare(case, _rendered(policy.warnings, root), request)


@pytest.mark.parametrize("case", _cases("refused"), ids=lambda case: case.stem)
def test_a_refused_example_says_what_is_wrong_and_what_to_do(
    case: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root = _root(case, tmp_path)
    with pytest.raises(PolicyError) as caught:
        load(root)
    assert all(p.remedy and p.message for p in caught.value.problems)
    _compare(case, _rendered(caught.value.problems, root), request)


def test_every_refused_example_has_an_accepted_twin() -> None:
    refused = {case.stem for case in _cases("refused")}
    assert refused
    assert refused <= {case.stem for case in _cases("accepted")}


def _compare(case: Path, told: str, request: pytest.FixtureRequest) -> None:
    expected = case.with_suffix(".txt")
    if request.config.getoption("--bless"):
        if told:
            expected.write_text(told, encoding="utf-8")
        else:
            expected.unlink(missing_ok=True)
    assert told == (expected.read_text(encoding="utf-8") if expected.exists() else "")
