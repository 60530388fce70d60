"""What `explain` and `who-can` share: where the answer is looked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli.options import policies
from reconciler.cli.session import Session, child_environment
from reconciler.cli.source import actual_of, chosen, snapshot_options
from reconciler.documents.base import read_policy
from reconciler.documents.history import commit_id, read_lines
from reconciler.documents.load import load
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Commit
from reconciler.domain.state import Actual
from reconciler.errors import Place, SettingsError
from reconciler.planning.answers import Answer, places_of
from reconciler.planning.known import Known

_F = TypeVar("_F", bound=Callable[..., Any])

_FROM = click.option(
    "--from",
    "source",
    type=click.Choice(["policies", "console"]),
    default="policies",
    show_default=True,
    help="`policies` needs no token and no network; `console` tells what is really held as well.",
)
_AT = click.option(
    "--at", metavar="COMMIT", help="Read the policies as this commit of the work tree has them."
)
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the answer is looked for, as the command line says."""

    policies: Path
    is_console: bool
    snapshot: Path | None
    snapshot_max_age: int
    """Hours."""
    at: str | None


def asking(function: _F) -> _F:
    """Add --policies, --from, --snapshot, --snapshot-max-age, --at and --format."""
    return policies(_FROM(snapshot_options(_AT(_FORMAT(function)))))


def known_of(session: Session, sources: Sources, *, permissions: bool = False) -> Known:
    """Read the policies and, where asked for, the console or a snapshot; with role pages or not.

    Raises PolicyError, SettingsError, ConsoleError and RefusedError as those who read do.
    """
    if sources.is_console and sources.snapshot:
        raise SettingsError(
            "--from console and --snapshot are two places to look.", "Give one of them."
        )
    environ = child_environment(session.runtime.environ)
    pins: Pins | None = None
    if sources.at is None:
        loaded = load(sources.policies)
        policy, pins = loaded.policy, loaded.pins
    else:
        # The pins of now say nothing of the names of then.
        policy = read_policy(sources.policies, sources.at, environ)
    actual: Actual | None = None
    if sources.is_console or sources.snapshot:
        snapshot = chosen(sources.snapshot, sources.snapshot_max_age)
        progress = session.progress()
        actual = actual_of(session, snapshot, progress, pins=pins, permissions=permissions)
    return Known.of(policy, actual, session.instant(), pins)


def commit_read(session: Session, sources: Sources) -> str | None:
    """Return the whole id of the past commit that was read; None for the work tree."""
    if sources.at is None:
        return None
    return commit_id(sources.policies, sources.at, child_environment(session.runtime.environ))


def commits_of(
    session: Session, sources: Sources, answers: Iterable[Answer]
) -> Mapping[Place, Commit]:
    """Return what wrote the lines that the answers name, where git knows it."""
    places = {place for answer in answers for place in places_of(answer)}
    environ = child_environment(session.runtime.environ)
    return read_lines(sources.policies, places, sources.at, environ) if places else {}
