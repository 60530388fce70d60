"""What the child that answers questions about the checkout gets to see."""

import os
from pathlib import Path

import pytest

from reconciler.documents.git import Git

SECRETS = ["GITHUB_TOKEN", "CI_JOB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "AWS_SECRET_ACCESS_KEY"]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A git that writes down its environment."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/told\n")
    program.chmod(0o700)
    return tmp_path / "told"


def test_no_secret_of_a_job_reaches_git_on_a_checkout(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_CONFIG_KEY_0 is none: somebody says by it whose checkout may be read."""
    monkeypatch.setenv("PATH", f"{told.parent / 'bin'}:{os.environ['PATH']}")
    kept = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "a.b", "GIT_CONFIG_VALUE_0": "c"}
    given = {**os.environ, **kept, **dict.fromkeys(SECRETS, "s3cret")}

    assert Git(told.parent, given).ask("status") == b""

    seen = told.read_text("utf-8")
    assert "s3cret" not in seen
    assert all(f"{name}={value}\n" in seen for name, value in kept.items())
