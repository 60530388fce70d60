"""`reconciler snapshot`, `snapshot diff` and `snapshot list`."""

from pathlib import Path

import click

from reconciler.cli.console import read_client
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import actual_of
from reconciler.console import snapshot as snapshots
from reconciler.console.redact import HIDDEN
from reconciler.console.whole import read_whole
from reconciler.documents.snapshot_file import read_snapshot_file, taken_at, write_snapshot_file
from reconciler.errors import ExitCode
from reconciler.rendering.as_json import to_json
from reconciler.rendering.difference import Side, difference_tree, is_same
from reconciler.rendering.difference_text import difference_text
from reconciler.rendering.inventory import KINDS, inventory_csv, inventory_tree
from reconciler.rendering.inventory_text import inventory_text
from reconciler.settings import console_settings

_TOKEN = 16
"""Characters that a token has at least."""

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("snapshot", invoke_without_command=True)
@click.option(
    "--out",
    type=_FILE,
    metavar="FILE",
    help="Where to write it, readable for you alone; - is standard output.",
)
@click.pass_context
def command(context: click.Context, out: Path | None) -> int:
    """Write down what the console has, without secrets. Cannot write to the console.

    `plan`, `drift` and others read a snapshot with --snapshot FILE, without token and network:
    for pull requests of forks, for tests, and to look back. It holds personal data of
    everybody on the console.

    \b
    Examples:
      reconciler snapshot --out console.json
      reconciler snapshot diff yesterday.json console.json
      reconciler snapshot list --kind sites
      reconciler plan --snapshot console.json
      reconciler simulator --world console.json
    """
    if context.invoked_subcommand is not None:
        if out is not None:
            raise click.UsageError("--out belongs to `reconciler snapshot` alone.")
        return ExitCode.DONE
    if out is None:
        raise click.UsageError("Name a file with --out FILE; --out - writes to standard output.")
    return _take(context.ensure_object(Session), out)


@command.command("diff")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--all-fields", is_flag=True, help="Also what changes by itself, such as the last login."
)
@pass_session
def diff(session: Session, before: Path, after: Path, form: str, all_fields: bool) -> int:
    """Show what changed from one snapshot to another. Exits with 2 when anything did.

    Everybody and everything is paired by id, so a rename is told as a rename.
    """
    tree = difference_tree(_side(before), _side(after), every_field=all_fields)
    text = to_json(tree) if form == "json" else difference_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    return ExitCode.DONE if is_same(tree) else ExitCode.DIFFERENCES


@command.command("list")
@click.argument("file", required=False, type=_FILE)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="Only this list. Without it: a summary and the principals; with json all lists.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
)
@pass_session
def listing(session: Session, file: Path | None, kind: str | None, form: str) -> int:
    """List everything that is there: accounts, sites, roles, principals, grants.

    From FILE, or from the console without it. Ages are counted from when it was read.
    """
    if file is None:
        # What roles permit costs a request each, so only where it is shown.
        is_shown = kind == "roles" or (kind is None and form == "json")
        actual = actual_of(session, None, session.progress(), permissions=is_shown)
        instant = session.instant()
    else:
        tree = read_snapshot_file(file)
        actual, instant = snapshots.actual_of(tree), taken_at(tree)
    told = inventory_tree(actual, instant)
    if form == "json":
        left_out = {each for each in KINDS if kind not in {None, each}}
        text = to_json({key: value for key, value in told.items() if key not in left_out})
    elif form == "csv":
        text = inventory_csv(told, kind or "principals")
    else:
        text = inventory_text(told, kind, color=session.color_out)
    click.echo(text, nl=False)
    return ExitCode.DONE


def _take(session: Session, out: Path) -> int:
    with read_client(session) as client:
        records, notes = read_whole(client, session.progress())
    tree = snapshots.snapshot_tree(records, session.instant())
    text = _without_own_token(session, to_json(tree))
    if str(out) == "-":
        click.echo(text, nl=False)
    else:
        write_snapshot_file(out, text)
        people = len(records.users) + len(records.service_users)
        click.echo(f"Saved to {out}: {people} principals, {len(records.roles)} roles.", err=True)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    return ExitCode.DONE


def _without_own_token(session: Session, text: str) -> str:
    """Hide our own token, whatever its form, in case the console echoes it."""
    own = console_settings(session.runtime.environ).token.reveal()
    # A shorter one is no token, and might stand anywhere.
    return text.replace(to_json(own).strip()[1:-1], HIDDEN) if len(own) >= _TOKEN else text


def _side(path: Path) -> Side:
    tree = read_snapshot_file(path)
    return Side(tree, snapshots.actual_of(tree))
