"""The README is executed: every command in it works as written."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.documents.load import load
from reconciler.simulator.serve import running

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(
    r"^\$ (.+)$", "\n".join(re.findall(r"```console\n(.*?)```", README, re.DOTALL)), re.MULTILINE
)
EXPECTED = {"reconciler drift --format json": 2}


def test_the_two_scripts_of_the_first_screen_exist_and_the_gate_runs_one_of_them() -> None:
    first_screen = README[: README.index("A plan puts")]
    scripts = re.findall(r"^\$ python3 (\S+)$", first_screen, re.MULTILINE)

    assert scripts == [".ci/demo.py", ".ci/test.py"]
    assert all((ROOT / script).is_file() for script in scripts)
    assert "python3 .ci/test.py" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_command_works_in_the_order_it_is_written(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    with running() as console:
        environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "SENTINELONE_URL": console.url,
            "SENTINELONE_TOKEN": console.token,
        }
        for command in COMMANDS:
            if not command.startswith("reconciler "):
                continue
            done = subprocess.run(
                shlex.split(command),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                check=False,
                stdin=subprocess.DEVNULL,
                text=True,
            )
            assert done.returncode == EXPECTED.get(command, 0), f"{command}\n{done.stderr}"


def test_the_demo_script_shows_the_whole_story() -> None:
    if not (ROOT / ".venv" / "made-from").is_file():
        pytest.skip("only in the environment that .ci/test.py makes")
    done = subprocess.run(
        [sys.executable, ".ci/demo.py"], cwd=ROOT, capture_output=True, check=False, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "Plan: 8 to grant, 5 to revoke, 1 to invite, 0 to delete, 2 unlisted." in done.stdout
    assert "No changes. 2 unlisted." in done.stdout
    assert "Drift: 1 missing, 1 not in the policies, 2 unlisted." in done.stdout


def test_the_picture_of_a_plan_is_one_the_tool_draws(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    with running() as console:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "reconciler", "plan"],
            cwd=tmp_path,
            check=True,
            env={**os.environ, "SENTINELONE_URL": console.url, "SENTINELONE_TOKEN": console.token},
            capture_output=True,
            text=True,
        )
    picture = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[0]

    assert set(picture.splitlines()) <= set(done.stdout.splitlines())


def test_the_policy_in_the_readme_is_valid(tmp_path: Path) -> None:
    (tmp_path / "soc.yaml").write_text(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0])

    policy = load(tmp_path).policy

    assert len(policy.assignments) == 3
