"""Where the actual state comes from: the console, or a snapshot of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli.console import read_client
from reconciler.cli.session import Session
from reconciler.console import snapshot as snapshots
from reconciler.console.reader import read_actual
from reconciler.console.whole import read_whole
from reconciler.documents.snapshot_file import read_snapshot_file, taken_at
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.settings import named_origin
from reconciler.workflow.observe import observe
from reconciler.workflow.snapshot import MAX_AGE, check_usable, observe_snapshot

Progress = Callable[[str], None]
_F = TypeVar("_F", bound=Callable[..., Any])

_HOURS = int(MAX_AGE.total_seconds()) // 3600


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as the command line names it."""

    path: Path
    max_age: timedelta = MAX_AGE


def snapshot_options(function: _F) -> _F:
    """Add --snapshot FILE and --snapshot-max-age HOURS, as `snapshot` and `snapshot_max_age`."""
    path = click.option(
        "--snapshot",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Read this snapshot instead of the console; needs no token and no network.",
    )
    age = click.option(
        "--snapshot-max-age",
        type=click.IntRange(min=1, max=24 * 366),
        default=_HOURS,
        show_default=True,
        metavar="HOURS",
        help="Refuse a snapshot that is older.",
    )
    return path(age(function))


def chosen(path: Path | None, max_age_hours: int) -> Snapshot | None:
    """Turn the two options into one value; None is the console."""
    return None if path is None else Snapshot(path, timedelta(hours=max_age_hours))


def actual_of(
    session: Session,
    snapshot: Snapshot | None,
    progress: Progress,
    *,
    pins: Pins | None = None,
    permissions: bool = False,
) -> Actual:
    """Return the actual state, from the snapshot if there is one, else from the console.

    A snapshot tells what roles permit as far as it holds it; the console is asked for that only
    with `permissions`. Raises a ConsoleError or SettingsError when it cannot be read, RefusedError
    for a snapshot that is too old or of another console than SENTINELONE_URL or the pins.
    """
    if snapshot is not None:
        return _read_snapshot(session, snapshot, pins)[0]
    with read_client(session) as client:
        if not permissions:
            return read_actual(client, progress)
        records, notes = read_whole(client, progress)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    return snapshots.actual_of_records(records)


def observed(session: Session, wanted: Wanted, snapshot: Snapshot | None) -> tuple[Plan, Actual]:
    """Return the plan and what it rests on: the console as `observe` reads it, or a snapshot.

    Raises as `actual_of` does, and PolicyError when names do not resolve.
    """
    if snapshot is None:
        with read_client(session) as client:
            return observe(wanted, client, session.instant(), session.progress())
    actual, taken = _read_snapshot(session, snapshot, wanted.pins)
    return observe_snapshot(wanted, actual, session.instant(), taken)


def _read_snapshot(
    session: Session, snapshot: Snapshot, pins: Pins | None
) -> tuple[Actual, datetime]:
    named = named_origin(session.runtime.environ)
    consoles = {"SENTINELONE_URL": named} if named else {}
    if pins is not None:
        consoles["pins.yaml"] = pins.origin
    tree = read_snapshot_file(snapshot.path)
    actual, taken = snapshots.actual_of(tree), taken_at(tree)
    check_usable(actual, taken, session.instant(), snapshot.max_age, consoles)
    return actual, taken
