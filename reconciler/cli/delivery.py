"""Delivery of the record while an apply runs: before its first write, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.audit.chain import read_chain
from reconciler.audit.export import FORMS
from reconciler.cli.afterwards import tell
from reconciler.cli.session import Session
from reconciler.errors import ExitCode, ReconcilerError, RefusedError, SettingsError
from reconciler.rendering.safe import visible
from reconciler.settings import Runtime
from reconciler.sinks.address import SinkAddress, chosen_sink
from reconciler.sinks.deliver import deliver

_F = TypeVar("_F", bound=Callable[..., Any])


def sink_options(function: _F) -> _F:
    """Add --sink, --sink-format and --require-sink, as `sink`, `sink_format`, `require_sink`."""
    url = click.option(
        "--sink",
        metavar="URL",
        help="Deliver the record as events to this address too; else RECONCILER_SINK.",
    )
    form = click.option("--sink-format", type=click.Choice([*FORMS]), help="Form of the events.")
    required = click.option(
        "--require-sink",
        is_flag=True,
        help="Write nothing unless the sink has taken all of the record so far.",
    )
    return url(form(required(function)))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the record of one apply goes beyond its file."""

    runtime: Runtime
    journal: Path
    address: SinkAddress | None
    is_required: bool

    @classmethod
    def of(
        cls, session: Session, journal: Path, sink: str | None, form: str | None, *, required: bool
    ) -> "Delivery":
        """Read options and environment; raises SettingsError, also for a sink that is missing."""
        address = chosen_sink(session.runtime.environ, sink, form)
        if required and address is None:
            raise SettingsError(
                "--require-sink is given, but no sink is", "Name it with --sink or RECONCILER_SINK."
            )
        return cls(session.runtime, journal, address, required)

    def before(self) -> None:
        """Deliver all that is on record, the start of this run included (T67).

        Raises RefusedError when a required sink does not take it; of an optional one it tells.
        """
        error = self._deliver()
        if error is None:
            return
        if self.is_required:
            raise RefusedError(
                f"{error.message} Nothing was written, because --require-sink is given.",
                "Mend the sink, or apply without --require-sink.",
            )
        _warn(error)

    def after(self) -> int:
        """Deliver what this run added. Returns an exit code: 4 when a required sink fails now."""
        error = self._deliver()
        if error is None:
            return ExitCode.DONE
        _warn(error)
        return ExitCode.PARTIAL if self.is_required else ExitCode.DONE

    def _deliver(self) -> ReconcilerError | None:
        if self.address is None:
            return None
        try:
            chain = read_chain(self.journal.read_bytes())
            runtime = self.runtime
            deliver(
                chain,
                self.journal,
                self.address,
                monotonic=runtime.monotonic,
                sleep=runtime.sleep,
            )
        except ReconcilerError as error:
            return error
        except OSError as error:
            return SettingsError(f"The journal cannot be read again: {error.strerror or error}.")
        return None


def _warn(error: ReconcilerError) -> None:
    tell(f"Not delivered: {visible(error.message)} {visible(error.remedy)}\n", err=True)
