# ruff: noqa: INP001 -- a script, not part of the package
"""Show the product at work, without a console: `python3 .ci/demo.py [arguments of the demo]`."""

import os
import sys
from pathlib import Path

# Stated, because PYTHONSAFEPATH leaves a script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main(arguments: list[str]) -> None:
    """Become `reconciler demo`; its exit code is this script's."""
    environment.prepare(environment.RUNTIME, environment.DEVELOPMENT)
    sys.stdout.flush()
    command = str(environment.SCRIPTS / "reconciler")
    os.execv(command, (command, "demo", *arguments))  # noqa: S606 -- no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
