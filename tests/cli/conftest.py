"""The product as processes in folders of its own, beside a simulated console."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.resources import resource
from reconciler.simulator.serve import Running, running

POLICIES = str(resource("policies"))


@pytest.fixture
def console() -> Iterator[Running]:
    with running() as served:
        yield served


@pytest.fixture
def environ(console: Running, tmp_path: Path) -> dict[str, str]:
    """The environment of this process, with the simulated console."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SENTINELONE_")}
    own = {"SENTINELONE_URL": console.url, "SENTINELONE_TOKEN": console.token}
    return clean | own | {"RECONCILER_STATE": str(tmp_path / ".state")}


@pytest.fixture
def start(tmp_path: Path, environ: dict[str, str]) -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start the product; keywords as for Popen, `extra` goes on top of the environment."""

    def begin(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        env = environ | options.pop("extra", {})
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        given: dict[str, Any] = {"cwd": tmp_path, "stdin": subprocess.DEVNULL, **pipes, **options}
        command = [sys.executable, "-P", "-m", "reconciler", *arguments]
        process: subprocess.Popen[bytes] = subprocess.Popen(command, env=env, **given)
        return process

    return begin


@pytest.fixture
def shell(tmp_path: Path, environ: dict[str, str]) -> Callable[[str], Any]:
    """Run a line of shell in which `reconciler` is the product and $POLICIES the sample."""

    def execute(line: str) -> "subprocess.CompletedProcess[str]":
        script = f'reconciler() {{ "{sys.executable}" -P -m reconciler "$@"; }}\n{line}\n'
        return subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environ | {"POLICIES": POLICIES},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return execute
