"""`reconciler demo` in the worst of working directories (T01)."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from reconciler.resources import resource

POLICIES = str(resource("policies"))
TRAPS = (
    "yaml.py", "httpx.py", "click.py", "json.py", "subprocess.py", "uvicorn.py", "tenacity.py",
    "sitecustomize.py", "usercustomize.py", "conftest.py", "reconciler/__init__.py",
    "reconciler/__main__.py", "encodings/__init__.py", "git", "head",
)  # fmt: skip
MARK = "import pathlib; pathlib.Path(__file__).with_suffix('.sprung').write_text('sprung')\n"


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A folder in which every file that could be run by accident leaves a mark."""
    folder = tmp_path / "trapped"
    for name in TRAPS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MARK)
        path.chmod(0o755)
    (folder / ".env").write_text("SENTINELONE_URL=https://evil.example\n")
    (folder / "pyproject.toml").write_text("[tool.reconciler]\nurl = 'https://evil.example'\n")
    return folder


@pytest.fixture
def nothing_left(tmp_path: Path) -> Any:
    """A folder for temporary files, and the check that it is empty again."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def test_the_demo_tells_its_story_and_leaves_nothing_behind(
    start: Any, trapped: Path, nothing_left: Path, console: Any
) -> None:
    before = sorted(trapped.rglob("*"))
    with start("demo", cwd=trapped, extra={"TMPDIR": str(nothing_left)}) as process:
        out, err = process.communicate(timeout=120)
    text = out.decode()

    assert process.returncode == 0, text + err.decode()
    assert re.findall(r"\(exit code (\d)\)", text) == ["0", "0", "0", "2"]
    assert "Plan: " in text
    assert "No changes." in text
    assert "Drift: " in text
    assert err.startswith(b"Saved to reviewed.plan.json;")
    assert err.count(b"\n") == 1
    assert sorted(trapped.rglob("*")) == before
    # The console of whoever runs it was not asked anything.
    assert console.requests == []


def test_the_demo_ends_its_simulator_when_its_reader_goes_away(
    start: Any, trapped: Path, nothing_left: Path
) -> None:
    with start("demo", cwd=trapped, extra={"TMPDIR": str(nothing_left)}) as process:
        first = process.stdout.readline()
        url = re.search(rb"http://127\.0\.0\.1:(\d+)", first)
        process.stdout.close()
        err = process.stderr.read()
        process.wait(120)

    assert url
    assert b"Traceback" not in err
    assert process.returncode in {0, 1}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url[1])), timeout=5)


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_no_command_runs_what_lies_in_the_working_directory(
    start: Any, trapped: Path, command: str
) -> None:
    with start(command, "--policies", POLICIES, cwd=trapped) as process:
        out, _ = process.communicate(timeout=120)

    assert b"valid" in out or b"Plan: " in out
    assert list(trapped.rglob("*.sprung")) == []
