"""Delivery of the record while a run writes: before it, before each write, and at its end."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from reconciler.audit import events
from reconciler.audit.chain import read_chain
from reconciler.audit.export import FORMS
from reconciler.audit.journal import Journal
from reconciler.cli.session import Session
from reconciler.cli.telling import tell
from reconciler.errors import ExitCode, ReconcilerError, RefusedError, SettingsError
from reconciler.rendering.safe import visible
from reconciler.settings import Runtime
from reconciler.sinks.address import SinkAddress, chosen_sink
from reconciler.sinks.deliver import deliver
from reconciler.sinks.escort import Escort
from reconciler.workflow.execute import Record

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
        help="Ask the console for nothing that the sink has not taken the intent of.",
    )
    return url(form(required(function)))


class Delivers(Protocol):
    """Where the record of one run goes beyond its file, and when."""

    @property
    def is_required(self) -> bool:
        """True when nothing may be asked of the console before its intent has arrived there."""

    def before(self) -> None:
        """Deliver what is on record before the first write. Raises RefusedError: then none is."""

    def escort(self, journal: Journal) -> contextlib.AbstractContextManager[Record]:
        """Return the journal as the writing uses it."""

    def after(self) -> int:
        """Deliver what the run added, and return an exit code."""


def announce(delivery: Delivers, journal: Journal) -> None:
    """Deliver the record so far; raises RefusedError when a required sink does not take it."""
    try:
        delivery.before()
    except RefusedError:
        journal.append("run-finished", events.run_finished([]))
        raise


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the record of one run goes beyond its file."""

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
                "Mend the sink, or run without --require-sink.",
            )
        _warn(error)

    @contextlib.contextmanager
    def escort(self, journal: Journal) -> Iterator[Record]:
        """Return the journal as the writing uses it, when `before` has delivered what is there.

        With a required sink, adding an intent returns when the sink has it, and raises
        RefusedError when it does not take it, then and from then on.
        """
        if self.address is None or not self.is_required:
            yield journal
            return
        runtime = self.runtime
        with Escort(
            journal,
            self.journal,
            self.address,
            monotonic=runtime.monotonic,
            sleep=runtime.sleep,
        ) as escort:
            yield escort

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
