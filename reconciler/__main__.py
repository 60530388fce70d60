"""`python -m reconciler` and the `reconciler` command."""

import os
import signal
import sys
from types import FrameType

from reconciler.cli.main import run
from reconciler.errors import ExitCode
from reconciler.settings import Runtime


def main() -> None:
    """Run the command line of this process and exit with its code."""
    if os.getpid() == 1:
        # In a container the kernel ignores what the first process does not handle itself.
        signal.signal(signal.SIGTERM, _end)
    sys.exit(run(sys.argv[1:], Runtime.real()))


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    """End at once, as SIGTERM ends every other process; `apply` takes it over while it writes."""
    os._exit(ExitCode.TERMINATED)


if __name__ == "__main__":
    main()
