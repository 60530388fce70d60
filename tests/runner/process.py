"""Runs one script as a runner does."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

SHELLS = {
    "": ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
    "python": ["python"],
}
"""`shell` -> the command; no word at all is not the same as `bash`."""


def run_script(
    script: str, shell: str, at: Path, folder: Path, env: Mapping[str, str], patience: float
) -> tuple[int, str, str]:
    """Run a script from the file `at` in a folder. Return exit code, stdout and stderr."""
    at.write_text(script if script.endswith("\n") else f"{script}\n", encoding="utf-8")
    with subprocess.Popen(
        [*SHELLS[shell], str(at)], cwd=folder, env=dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nstill running after {patience:g} seconds\n".encode()
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
