# ruff: noqa: INP001 -- a script, not part of the package
"""Plant small mistakes into `planning`, one at a time, and count those that the tests notice.

`python3 .ci/mutation.py [--sample N] [--seed N] [--only TEXT]` takes about half an hour for all
of them. pytest collects the tests once; each mistake is made in a forked child, which exchanges
the code of one function and runs only the tests that reach the line, quickest first, until one
fails. The slowest tests are left out and properties try few examples, so a mistake that survives
here may still be noticed by the whole suite, never the other way round.
"""

import os
import subprocess
import sys
from pathlib import Path

# Stated, because PYTHONSAFEPATH leaves a script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment

TESTS = ("tests/planning", "tests/laws", "tests/workflow")


def main(arguments: list[str]) -> int:
    """Run the tests with the plugin beside this script; return pytest's exit code."""
    environment.prepare(environment.DEVELOPMENT, environment.WEEKLY)
    command = (
        *("nice", "-n", "10", str(environment.SCRIPTS / "python"), "-m", "pytest", "-q", "-s"),
        *("-p", "mutating", "-p", "no:cacheprovider", "-p", "no:xdist"),
        *("--hypothesis-profile=mutation", *arguments, *TESTS),
    )
    # The seed of all sets and mappings, so that a mutant meets the same order every time.
    own = {"PYTHONPATH": str(environment.ROOT / ".ci"), "PYTHONHASHSEED": "0"}
    return subprocess.run(  # noqa: S603 -- our own words
        command, check=False, cwd=environment.ROOT, env={**os.environ, **own}
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
