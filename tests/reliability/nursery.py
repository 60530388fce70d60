"""Processes of the product without the half second that importing it takes.

One process imports the whole product and then forks: every child has its own pid, memory, threads
and descriptors, and runs the command line of the product from its first word. The parent has one
thread and nothing open, so a child starts as a process does whose imports are done.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import reconciler

TESTS = Path(__file__).resolve().parents[1]
_PATIENCE = 120
"""Seconds after which a child is ended by an alarm."""


class Nursery:
    """Starts children and waits for them; from outside."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator["Nursery"]:
        """Start on the first request, and end with the `with` block."""
        made = cls()
        try:
            yield made
        finally:
            if made._process is not None:
                made._process.communicate()

    def start(
        self, words: list[str], environ: Mapping[str, str], out: Path, *, is_traced: bool = False
    ) -> int:
        """Start one command line with its output going to a file; return its pid.

        With `is_traced` it waits for somebody to trace it before it begins.
        """
        asked = {"words": words, "environ": dict(environ), "out": str(out), "traced": is_traced}
        return self._ask(asked)

    def wait(self, pid: int) -> int:
        """Return the exit code; below 0, the signal that ended it."""
        return self._ask({"wait": pid})

    def _ask(self, what: dict[str, object]) -> int:
        if self._process is None:
            path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]).rstrip(
                os.pathsep
            )
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "reliability.nursery"],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def main() -> None:
    """Serve requests until there are no more; a child leaves here with the product's exit code."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.startswith("reconciler.simulator") and "__main__" not in module.name:
            importlib.import_module(module.name)
    with os.fdopen(os.dup(0), encoding="utf-8") as requests:
        for line in requests:
            asked = json.loads(line)
            if "wait" in asked:
                _, status = os.waitpid(asked["wait"], 0)
                answer = os.waitstatus_to_exitcode(status)
            else:
                answer = os.fork()
                if answer == 0:
                    break
            os.write(1, f"{answer}\n".encode())
        else:
            return
    _live(**asked)


def _live(words: list[str], environ: dict[str, str], out: str, *, traced: bool) -> None:
    """Be the product."""
    from reconciler.cli.main import run  # noqa: PLC0415 - only a child is one
    from reconciler.settings import Runtime  # noqa: PLC0415 - as above

    signal.alarm(_PATIENCE)
    os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
    written = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.environ.clear()
    os.environ.update(environ)
    while traced and "TracerPid:\t0\n" in Path("/proc/self/status").read_text(encoding="ascii"):
        time.sleep(0.005)
    if traced:
        # Seen as a tracer a moment before it has taken hold.
        time.sleep(0.02)
    sys.exit(run(words, Runtime.real()))


if __name__ == "__main__":
    main()
