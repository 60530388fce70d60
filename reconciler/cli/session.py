"""What every command shares: the runtime, colour, progress, and the way to the console."""

import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

import click

from reconciler.settings import Runtime

QUIET_SECONDS = 2.0
"""Progress shows only on what takes longer, and then at most once in this time."""

NARROWEST = 40
"""Columns below which results are not laid out any narrower."""


@dataclass(slots=True)
class Progress:
    """Progress lines on stderr; called from several threads."""

    runtime: Runtime
    _last: float = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._last = self.runtime.monotonic()

    def __call__(self, line: str) -> None:
        """Show a line, unless the last one is too recent."""
        with self._lock:
            elapsed = self.runtime.monotonic()
            if elapsed - self._last < QUIET_SECONDS:
                return
            self._last = elapsed
        click.echo(f"… {line}", err=True)


@dataclass(frozen=True, slots=True)
class Session:
    """One command line being run."""

    runtime: Runtime

    @property
    def color_out(self) -> bool:
        """True when results may be coloured."""
        return self._color(sys.stdout)

    @property
    def color_err(self) -> bool:
        """True when messages may be coloured."""
        return self._color(sys.stderr)

    @property
    def width_out(self) -> int | None:
        """Columns for results: those of the terminal, or None (any) where nobody looks at one."""
        if not is_terminal(sys.stdout):
            return None
        return max(shutil.get_terminal_size().columns, NARROWEST)

    def instant(self) -> datetime:
        """Return the instant of this run in UTC, in whole seconds: windows are written so."""
        return self.runtime.now().replace(microsecond=0)

    def progress(self) -> Progress:
        """Start a progress display."""
        return Progress(self.runtime)

    def _color(self, stream: TextIO | None) -> bool:
        return is_terminal(stream) and not self.runtime.environ.get("NO_COLOR")


pass_session = click.make_pass_decorator(Session)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person is at a stream; None is a stream closed before we began."""
    return stream is not None and stream.isatty()


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a child: everything but what leads to a token (T18)."""
    return {k: v for k, v in environ.items() if not k.startswith(("SENTINELONE_", "RECONCILER_"))}
