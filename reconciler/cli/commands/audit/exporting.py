"""`reconciler audit export`."""

import json
from pathlib import Path

import click

from reconciler.audit.chain import Chain
from reconciler.audit.export import FORMS, exported
from reconciler.cli.commands.audit.sound import sound
from reconciler.cli.options import journal_file
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode


@click.command("export")
@journal_file
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMS]),
    default="ocsf-1.8",
    show_default=True,
    help="sdl is the flat form that SentinelOne's own data lake takes.",
)
@click.option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    help="Only records after this number. With --to: what that leaves out counts as not delivered.",
)
@click.option(
    "--to",
    metavar="URL",
    help="Deliver to this address instead of printing: what it has not taken yet.",
)
@pass_session
def export(session: Session, journal: Path, form: str, after: int, to: str | None) -> int:
    """Print or deliver what was done as events for a SIEM, one JSON object a line.

    The same journal gives the same events, each with a uid that never changes, so that a SIEM
    can drop what it has already. With --to, a cursor beside the journal remembers what was
    delivered; after a crash something may be delivered again, and nothing is ever left out.

    \b
    Examples:
      reconciler audit export > events.jsonl
      reconciler audit export --format ocsf-1.9 --after 132
      reconciler audit export --format sdl --to https://ingest.us1.sentinelone.net
    """
    chain = sound(journal)
    if to is not None:
        return _deliver(session, chain, journal, to=to, form=form, after=after)
    for number, event in exported(chain.records, form):
        if number > after:
            click.echo(json.dumps(event, sort_keys=True))
    return ExitCode.DONE


def _deliver(
    session: Session, chain: Chain, journal: Path, *, to: str, form: str, after: int
) -> int:
    # What speaks HTTP is loaded only by those who ask for it.
    from reconciler.sinks.address import sink_address  # noqa: PLC0415 - see above
    from reconciler.sinks.deliver import deliver  # noqa: PLC0415 - see above

    runtime = session.runtime
    address = sink_address(runtime.environ, to, form, source="--to")
    count = deliver(
        chain, journal, address, monotonic=runtime.monotonic, sleep=runtime.sleep, after=after
    )
    click.echo(f"Delivered: {count} events, up to record {len(chain.records)}.")
    return ExitCode.DONE
