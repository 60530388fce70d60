"""The hooks that a policies repository takes from here, run as pre-commit runs them.

Every day their commands run by what the manifest says of them; once a week pre-commit itself makes
an environment from a clone of this tree, and stands before a real commit.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
HOOKS: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
LOOSE = "version: 1\nowners:\n- a\n"
INVALID = "version: 1\nowner: [a]\n"
QUIET = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": "/nonexistent"}


class Repository:
    """A repository with the shipped policies, all of them staged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "policies", folder / "policies")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")

    def git(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        who = ("-c", "user.name=a", "-c", "user.email=a@acme.example")
        return self.run("git", *who, *arguments, **environ)

    def run(self, *command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SENTINELONE_"))}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=kept | QUIET | environ,
            capture_output=True,
            text=True,
            check=False,
        )

    def stage(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.git("add", "-A")

    def hook(self, name: str, changed: list[str] | None = None) -> tuple[int, str] | None:
        """Run a hook on changed files, by default all; None when it would not run."""
        (hook,) = [hook for hook in HOOKS if hook["id"] == name]
        files = changed or self.git("ls-files").stdout.splitlines()
        files = [file for file in files if re.search(hook["files"], file)]
        if not files and not hook.get("always_run"):
            return None
        program, *words = shlex.split(hook["entry"])
        assert program in project()["scripts"]
        words += hook.get("args", [])
        passed = files if hook.get("pass_filenames", True) else []
        done = self.run(sys.executable, "-P", "-m", program, *words, *passed)
        return done.returncode, done.stdout + done.stderr


def project() -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_manifest_names_two_hooks_and_says_all_about_them() -> None:
    assert [hook["id"] for hook in HOOKS] == ["reconciler-fmt", "reconciler-validate"]
    known = {
        *(
            "id",
            "name",
            "description",
            "entry",
            "args",
            "language",
            "files",
            "pass_filenames",
            "always_run",
        ),
        *("require_serial", "minimum_pre_commit_version"),
    }
    for hook in HOOKS:
        assert set(hook) <= known
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert hook["language"] == "python"
        assert hook["require_serial"] is True
        assert re.fullmatch(r"\d+\.\d+\.\d+", hook["minimum_pre_commit_version"])


def test_the_shipped_policies_pass(repository: Repository) -> None:
    for hook in HOOKS:
        ran = repository.hook(hook["id"])
        assert ran is not None
        assert ran[0] == 0, ran


def test_a_file_that_is_not_in_layout_is_stopped_and_stays(repository: Repository) -> None:
    repository.stage("policies/emea/new.yaml", LOOSE)
    ran = repository.hook("reconciler-fmt", ["README.md", "policies/emea/new.yaml"])
    assert ran is not None
    code, told = ran
    assert code == 1
    assert "policies/emea/new.yaml\n" in told
    assert (repository.folder / "policies" / "emea" / "new.yaml").read_text() == LOOSE


def test_other_files_than_the_changed_ones_do_not_stop_a_commit(repository: Repository) -> None:
    repository.stage("policies/emea/new.yaml", LOOSE)
    ran = repository.hook("reconciler-fmt", ["policies/tenant.yaml"])
    assert ran is not None
    assert ran[0] == 0


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("policies/new.yaml", INVALID, "policies/new.yaml:2:1: unknown-key:"),
        ("policies/new.yml", "version: 1\n", "policies/new.yml: yml-file:"),
        ("policies/guardrails.yaml", "version: 1\nmax_revokes: x\n", "policies/guardrails.yaml:2:"),
    ],
)
def test_invalid_policies_are_stopped(
    repository: Repository, name: str, text: str, told: str
) -> None:
    repository.stage(name, text)
    ran = repository.hook("reconciler-validate", [name])
    assert ran is not None
    assert ran[0] == 1
    assert told in ran[1]


@pytest.mark.parametrize("name", ["README.md", "docs/policies/a.yaml", ".github/workflows/a.yml"])
def test_a_change_elsewhere_formats_nothing(repository: Repository, name: str) -> None:
    assert repository.hook("reconciler-fmt", [name]) is None


def test_a_commit_that_only_deletes_a_file_is_checked_too(repository: Repository) -> None:
    """Such a commit gives a hook no file name."""
    ran = repository.hook("reconciler-validate", ["README.md"])
    assert ran is not None
    assert ran[0] == 0


@pytest.fixture
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds what this tree would hold if it were committed now."""
    folder = tmp_path_factory.mktemp("published")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    who = ("-c", "user.name=a", "-c", "user.email=a@acme.example")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(["git", "-C", str(folder), *who, *words], check=True)
    return folder


@pytest.mark.weekly
def test_pre_commit_installs_the_hooks_and_stops_a_real_commit(
    repository: Repository, published: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environ = {"PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit"))}
    head = subprocess.run(
        ["git", "-C", str(published), "rev-parse", "HEAD"], capture_output=True, check=True
    )
    ids = "".join(f"      - id: {hook['id']}\n" for hook in HOOKS)
    source = f"  - repo: {published}\n    rev: {head.stdout.decode().strip()}\n    hooks:\n{ids}"
    repository.stage(".pre-commit-config.yaml", f"repos:\n{source}")
    pre_commit = (sys.executable, "-m", "pre_commit")
    assert repository.run(*pre_commit, "install", **environ).returncode == 0

    good = repository.git("commit", "-m", "good", **environ)
    assert good.returncode == 0, good.stdout + good.stderr
    assert len(re.findall(r"\.\.Passed$", good.stdout + good.stderr, re.MULTILINE)) == 2

    repository.stage("policies/new.yaml", INVALID.replace("[a]", "\n- a"))
    bad = repository.git("commit", "-m", "bad", **environ)
    assert bad.returncode == 1
    told = bad.stdout + bad.stderr
    assert len(re.findall(r"\.\.Failed$", told, re.MULTILINE)) == 2
    assert "policies/new.yaml:2:1: unknown-key:" in told
    assert repository.git("rev-list", "--count", "HEAD").stdout.strip() == "1"
