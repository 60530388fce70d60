"""`reconciler audit export`."""

import json
from pathlib import Path

import click

from reconciler.audit.export import FORMS, exported
from reconciler.cli.commands.audit.sound import sound
from reconciler.cli.options import journal_file
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
    "--after", type=click.IntRange(min=0), default=0, help="Only records after this number."
)
def export(journal: Path, form: str, after: int) -> int:
    """Print what was done as events for a SIEM, one JSON object a line.

    The same journal gives the same events, each with a uid that never changes, so that a SIEM
    can drop what it has already.

    \b
    Examples:
      reconciler audit export > events.jsonl
      reconciler audit export --format ocsf-1.9 --after 132
    """
    for number, event in exported(sound(journal).records, form):
        if number > after:
            click.echo(json.dumps(event, sort_keys=True))
    return ExitCode.DONE
