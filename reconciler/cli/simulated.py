"""The simulator as a child process: another building, started in safe-path mode (T01)."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.cli.session import child_environment
from reconciler.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulator that serves."""

    url: str
    token: str


def simulator_command(*arguments: str) -> list[str]:
    """Return the command line that starts the simulator.

    `-P` keeps the working directory off the import path, so that a checkout's files never run.
    """
    return [sys.executable, "-P", "-m", "reconciler.simulator", *arguments]


@contextmanager
def simulated(environ: Mapping[str, str]) -> Iterator[Simulated]:
    """Start a simulator of the sample company; it ends with the block, or with this process.

    What the environment says about other simulators does not concern this one.
    """
    clean = {k: v for k, v in environ.items() if not k.startswith("SIMULATOR_")}
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        simulator_command("--watch-stdin", "--no-log"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(clean),
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise SettingsError("The simulator did not start.", "Install the product again.")
            yield Simulated(**json.loads(line))
        finally:
            process.terminate()
