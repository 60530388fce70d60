"""What a CI runner reads after a step: nothing of data may be a command to it (T06)."""

import contextlib
from pathlib import Path

import click
import pytest

from reconciler.cli.runner import SUMMARY, Runner
from reconciler.errors import SettingsError


def runner(folder: Path) -> Runner:
    return Runner.of(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_OUTPUT": str(folder / "output"),
        }
    )


def test_the_summary_and_the_outputs_grow(tmp_path: Path) -> None:
    here = runner(tmp_path)
    here.summarise("one\n")
    here.summarise("two")
    here.output({"exit-code": "0"})
    here.output({"verdict": "grants,revokes"})
    assert (tmp_path / "summary").read_text() == "one\n\ntwo\n\n"
    assert (tmp_path / "output").read_text() == "exit-code=0\nverdict=grants,revokes\n"


@pytest.mark.parametrize(
    ("name", "value"), [("a", "x\ny=1"), ("a", "x\r"), ("a", "é"), ("a\nb", "x"), ("A", "x")]
)
def test_an_output_of_another_alphabet_is_a_defect_of_ours(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the name of the output is all it says
        runner(tmp_path).output({name: value})
    assert not (tmp_path / "output").exists()


def test_a_summary_that_the_host_would_drop_is_left_out(tmp_path: Path) -> None:
    runner(tmp_path).summarise("x" * (SUMMARY + 1))
    assert not (tmp_path / "summary").exists()


def test_what_is_printed_inside_a_fence_is_no_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(RuntimeError), runner(tmp_path).fenced():
        click.echo("::error::forged")
        raise RuntimeError
    first, forged, last = capsys.readouterr().out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert (first, forged, last) == (f"::stop-commands::{token}", "::error::forged", f"::{token}::")
    assert len(token) == 32


def test_elsewhere_nothing_is_fenced_or_annotated(capsys: pytest.CaptureFixture[str]) -> None:
    here = Runner.of({"GITHUB_OUTPUT": "/nowhere"})
    with here.fenced():
        here.annotate("::error::x\n")
    here.summarise("x")
    here.output({"a": "b"})
    assert capsys.readouterr().out == ""


def test_a_runners_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "summary").mkdir()
    with pytest.raises(SettingsError, match="cannot be written"):
        runner(tmp_path).summarise("x")
