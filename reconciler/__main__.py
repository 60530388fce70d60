"""`python -m reconciler` and the `reconciler` command."""

import sys

from reconciler.cli.main import run
from reconciler.settings import Runtime


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:], Runtime.real()))


if __name__ == "__main__":
    main()
