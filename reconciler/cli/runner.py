"""What a CI runner is told besides the log: job summary, outputs, annotations."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.errors import SettingsError

SUMMARY = 1024 * 1024
"""Bytes of one step's summary; GitHub drops a longer one whole ("Workflow commands")."""

_PLAIN = re.compile(r"[A-Za-z0-9._:,/ -]*", re.ASCII)
"""No value of another alphabet becomes an output: no line feed can smuggle in a second one."""
_NAME = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Runner:
    """The files that the runner reads after the step, where it has such files."""

    summary_file: Path | None = None
    output_file: Path | None = None
    is_github: bool = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Runner":
        """Find them by the runner's variables."""
        summary, output = environ.get("GITHUB_STEP_SUMMARY"), environ.get("GITHUB_OUTPUT")
        is_github = environ.get("GITHUB_ACTIONS") == "true"
        if not is_github:
            return cls()
        return cls(Path(summary) if summary else None, Path(output) if output else None, is_github)

    def summarise(self, markdown: str) -> None:
        """Add to the job summary; raises SettingsError when it cannot be written."""
        if self.summary_file is not None and len(markdown.encode()) <= SUMMARY:
            _append(self.summary_file, markdown.rstrip("\n") + "\n\n")

    def output(self, values: Mapping[str, str]) -> None:
        """Hand values to later steps. Raises ValueError for what is not in the plain alphabet."""
        for name, value in values.items():
            if not _NAME.fullmatch(name) or not _PLAIN.fullmatch(value):
                raise ValueError(name)
        if self.output_file is not None:
            lines = "".join(f"{name}={value}\n" for name, value in values.items())
            _append(self.output_file, lines)

    def annotate(self, commands: str) -> None:
        """Print workflow commands, whose values are escaped already; elsewhere nothing."""
        if self.is_github and commands:
            click.echo(commands, nl=False)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Let nothing that is printed meanwhile be taken for a command (T06)."""
        if not self.is_github:
            yield
            return
        token = secrets.token_hex(16)
        click.echo(f"::stop-commands::{token}")
        try:
            yield
        finally:
            click.echo(f"::{token}::")


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(
            f"The runner's file {path} cannot be written: {error.strerror or error}."
        ) from error
