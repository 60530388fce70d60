# ruff: noqa: INP001 -- a script, not part of the package
"""Run what takes too long for every change: `python3 .ci/weekly.py [pytest's arguments]`."""

import subprocess
import sys
from pathlib import Path

# Stated, because PYTHONSAFEPATH leaves a script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main(arguments: list[str]) -> int:
    """Return pytest's exit code; none found (5) is a failure too."""
    environment.prepare(environment.WEEKLY)
    python = str(environment.SCRIPTS / "python")
    command = (python, "-m", "pytest", "-m", "weekly", *arguments)
    return subprocess.run(command, check=False, cwd=environment.ROOT).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
