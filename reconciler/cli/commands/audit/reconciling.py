"""`reconciler audit reconcile`."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler.audit import reconcile as comparison
from reconciler.audit.chain import Record
from reconciler.audit.writes import actors, instant_of
from reconciler.cli.commands.audit.sound import instant, sound
from reconciler.cli.console import read_client
from reconciler.cli.options import journal_file
from reconciler.cli.session import Session, pass_session
from reconciler.console.answers import ForbiddenError
from reconciler.console.client import ReadClient
from reconciler.domain.access import Level
from reconciler.errors import ExitCode, MissingError
from reconciler.planning.standing import standing
from reconciler.rendering.compared import compared_text
from reconciler.rendering.safe import visible
from reconciler.workflow.activities import Owner, full_names, owner, read_log

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command("reconcile")
@journal_file
@click.option(
    "--since",
    type=instant,
    help="Only from this instant on (a date: in UTC); else from the journal's first record on.",
)
@pass_session
def reconcile(session: Session, journal: Path, since: datetime | None) -> int:
    """Compare the journal with the console's own activity log. Cannot write.

    Finds ghost writes, which are changes under the name of our token that no intent explains;
    writes on record as applied that the log does not show; and what others did to the principals
    that the journal names. Exits with 1 for the first two, with 2 when only others changed
    something. A token at the tenant that may view users and activities is enough. One below the
    tenant does not see the whole log: what it misses is no finding, and not sound either (1).

    \b
    Examples:
      reconciler audit reconcile
      reconciler audit reconcile --since 2026-11-01
    """
    records = sound(journal).records
    first = instant_of(records[0].time) if records else None
    begin = since or first or _EPOCH
    with read_client(session) as client:
        try:
            own = owner(client)
            names, notes = _own_names(client, records, own)
            labels = comparison.nameless(records, client.origin)
            log = read_log(client, begin, labels)
        except (ForbiddenError, MissingError) as error:
            click.echo(f"Nothing was compared: {visible(error.message)}", err=True)
            return ExitCode.DONE
        asked = comparison.Asked(client.origin, names, session.instant(), begin)
    compared = comparison.reconcile(records, log, asked)
    narrow = "" if own.level is Level.TENANT else standing(own.level, own.places)
    told = compared_text(
        asdict(compared), sorted(names), notes, narrow=narrow, color=session.color_out
    )
    click.echo(told, nl=False)
    if compared.ghosts or compared.missing:
        return ExitCode.FAILED
    return ExitCode.DIFFERENCES if compared.others else ExitCode.DONE


def _own_names(
    client: ReadClient, records: Iterable[Record], own: Owner
) -> tuple[frozenset[str], list[str]]:
    """Return the full names that count as ours, and notes; raises ConsoleError."""
    labels = actors(records, client.origin)
    if not labels:
        note = "The journal names no run on this console; as ours counts this token's owner."
        return frozenset({own.full_name}), [note]
    names, unknown = full_names(client, labels)
    return names, [f"Nobody is called {visible(label)} any more." for label in unknown]
