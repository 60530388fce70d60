"""Every output of the sample company, as it was approved: the real commands on its real policies.

`pytest tests/stories/test_sample_outputs.py --bless` writes tests/goldens/sample anew; then read
the diff.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stories.desk import NOW, Clock

from reconciler.cli.formats import DRIFT, PLAN, VALIDATE, Forms
from reconciler.cli.main import run
from reconciler.resources import resource
from reconciler.simulator.serve import Running, running

GOLDENS = Path(__file__).resolve().parent.parent / "goldens" / "sample"
ENDINGS = {
    "text": "txt",
    "json": "json",
    "markdown": "md",
    "html": "html",
    "csv": "csv",
    "junit": "xml",
    "sarif": "sarif",
    "github": "github",
}
STRICT = """\
version: 1
nothing_left: {role: Viewer, site: Acme EMEA/Parking}
max_revokes: 2
protected: [eve@acme.example, chen@acme.example]
"""
MISTAKES = """\
version: 1
assignments:
  - {members: [group:nobody], role: SOC, sites: [Acme EMEA/Berlin]}
  - {members: [ana@acme.example], rôle: SOC, tenant: true}
  - {members: [bo@acme.example], role: SOC, tenant: true, until: 2026-11-23 09:00}
"""
STORIES: dict[str, tuple[Forms[Any], list[str], int]] = {
    "plan": (PLAN, ["plan"], 0),
    "refused": (PLAN, ["plan", "--guardrails", "strict.yaml"], 3),
    "drift": (DRIFT, ["drift"], 2),
    "valid": (VALIDATE, ["validate"], 0),
    "mistakes": (VALIDATE, ["validate", "--policies", "mistakes"], 1),
}


@pytest.fixture
def company() -> Iterator[Running]:
    with running(clock=lambda: NOW) as served:
        yield served


@pytest.fixture
def tell(
    company: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], dict[str, str]]:
    """Run one story: file name -> what stands in it, and on stdout as `-`."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(resource("policies"), tmp_path / "policies")
    (tmp_path / "mistakes").mkdir()
    (tmp_path / "mistakes" / "soc.yaml").write_text(MISTAKES, "utf-8")
    (tmp_path / "strict.yaml").write_text(STRICT, "utf-8")
    environ = {"SENTINELONE_URL": company.url, "SENTINELONE_TOKEN": company.token, "PATH": ""}

    def execute(story: str) -> dict[str, str]:
        forms, arguments, code = STORIES[story]
        reports = {form: tmp_path / f"{story}.{ENDINGS[form]}" for form in forms.names}
        asked = [part for form, path in reports.items() for part in ("--report", f"{form}={path}")]
        assert run([*arguments, *asked], Clock().runtime(environ)) == code, capsys.readouterr().err
        told = {path.name: path.read_text("utf-8") for path in reports.values()}
        told["-"] = capsys.readouterr().out
        # The port is whichever was free.
        return {
            name: text.replace(company.url, "http://127.0.0.1:PORT") for name, text in told.items()
        }

    return execute


@pytest.mark.parametrize("story", STORIES)
def test_every_output_reads_as_it_was_approved(
    story: str, tell: Callable[[str], dict[str, str]], request: pytest.FixtureRequest
) -> None:
    told = tell(story)
    printed = told.pop("-")
    if request.config.getoption("--bless"):
        GOLDENS.mkdir(parents=True, exist_ok=True)
        for name, text in told.items():
            (GOLDENS / name).write_text(text, encoding="utf-8")

    approved = {path.name: path.read_text("utf-8") for path in GOLDENS.glob(f"{story}.*")}
    assert told == approved
    assert printed == told[f"{story}.txt"]


def test_every_approved_output_has_its_story() -> None:
    expected = {
        f"{story}.{ENDINGS[form]}"
        for story, (forms, _, _) in STORIES.items()
        for form in forms.names
    }
    assert {path.name for path in GOLDENS.iterdir()} == expected


def test_the_same_world_gives_the_same_bytes_in_every_form(
    tell: Callable[[str], dict[str, str]],
) -> None:
    assert tell("plan") == tell("plan")
