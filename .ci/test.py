# ruff: noqa: INP001 -- a script, not part of the package
"""Run the tests in an environment of their own: `python3 .ci/test.py [pytest's arguments]`.

Without arguments the whole suite runs and its branch coverage is demanded; with arguments it is
a partial run, and coverage would say nothing.
"""

import os
import subprocess
import sys
from pathlib import Path

# Stated, because PYTHONSAFEPATH leaves a script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main(arguments: list[str]) -> int:
    """Return pytest's exit code (5, no tests found, is a failure too), or that of the coverage."""
    environment.prepare(environment.DEVELOPMENT)
    if arguments:
        return _python("-m", "pytest", "-n", "auto", *arguments)
    return (
        _python("-m", "coverage", "erase")
        or _python("-m", "coverage", "run", "-m", "pytest", "-n", "auto")
        or _python("-m", "coverage", "combine", "--quiet")
        or _python("-m", "coverage", "report")
    )


def _python(*arguments: str) -> int:
    # The tools come first in the PATH, as in an activated environment.
    path = os.pathsep.join((str(environment.SCRIPTS), os.environ.get("PATH", os.defpath)))
    command = (str(environment.SCRIPTS / "python"), *arguments)
    return subprocess.run(  # noqa: S603 -- our own interpreter
        command, check=False, cwd=environment.ROOT, env={**os.environ, "PATH": path}
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
