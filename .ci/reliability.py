# ruff: noqa: INP001 -- a script, not part of the package
"""Run the long form of the reliability suite: `python3 .ci/reliability.py [ROW ...] [--help]`.

Without arguments every row of the table runs until its target is reached or two hours are up. With
`--state FILE` what is done is kept, and a run with the same file goes on. `--write` keeps the table
in tests/reliability/RESULTS.md. R2 and R3 need strace (Debian package).
"""

import os
import subprocess
import sys
from pathlib import Path

# Stated, because PYTHONSAFEPATH leaves a script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main(arguments: list[str]) -> int:
    """Return 0 when nothing was violated."""
    environment.prepare(environment.DEVELOPMENT)
    python = str(environment.SCRIPTS / "python")
    command = (python, "-m", "reliability.long", *arguments)
    clean = {**os.environ, "PYTHONPATH": str(environment.ROOT / "tests")}
    return subprocess.run(  # noqa: S603 -- our own interpreter
        command, check=False, cwd=environment.ROOT, env=clean
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
