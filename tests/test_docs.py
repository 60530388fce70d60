"""The documents are executed: every command in them works and tells what is written there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
MARK = "@@ {} "


def commands_of(text: str) -> list[tuple[str, list[str]]]:
    """Return each command of the console blocks with the lines of output shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return found


def is_told(line: str, output: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in line.split("…"))
    return re.search(f"^{pattern}$", output, re.MULTILINE) is not None


def run(commands: list[str], folder: Path) -> list[tuple[int, str]]:
    """Run the commands in one shell; return exit code and output of each."""
    script = "\n".join(
        f"{command}\nprintf '\\n{MARK.format(number)}%s\\n' $?"
        for number, command in enumerate(commands)
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SENTINEL", "SIMULATOR"))}
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1; trap 'kill -9 $(jobs -p) 2> /dev/null' EXIT\n{script}"],
        cwd=folder,
        env={**clean, "PATH": places},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    parts = re.split(r"^@@ \d+ (\d+)$", done.stdout, flags=re.MULTILINE)
    return [(int(code), text) for text, code in zip(parts[::2], parts[1::2], strict=False)]


def test_there_are_documents_with_commands() -> None:
    assert all(commands_of(path.read_text("utf-8")) for path in DOCUMENTS)
    assert "rehearse.md" in {path.name for path in DOCUMENTS}


@pytest.mark.skipif(not shutil.which("curl"), reason="the documents use curl")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_every_command_works_and_tells_what_is_shown(document: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = document.read_text("utf-8")
    for name, content in re.findall(r"`([\w.-]+)`:\n\n```json\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(content, encoding="utf-8")
    commands = commands_of(text)

    results = run([command for command, _ in commands], tmp_path)

    assert len(results) == len(commands), results[-1:]
    for (command, shown), (code, output) in zip(commands, results, strict=True):
        assert code == 0, f"{command}\n{output}"
        for line in shown:
            assert is_told(line, output), f"{command}\n{line}\nis not in\n{output}"


def test_links_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
            assert "://" in target or (path.parent / target).exists(), f"{path}: {target}"
