"""`reconciler audit verify`, `head` and `show`: by anybody, without token and network."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from reconciler.audit.chain import Chain, Record
from reconciler.audit.deeds import EXPORTED, NOT_EXPORTED
from reconciler.audit.query import Query, principals
from reconciler.audit.runs import runs_of
from reconciler.audit.unfinished import RESULTS, unfinished
from reconciler.cli.commands.audit.sound import instant, sound
from reconciler.cli.options import journal_file
from reconciler.cli.session import Session, pass_session
from reconciler.cli.signing import checked
from reconciler.domain.names import PrincipalName
from reconciler.domain.outcome import Result
from reconciler.errors import ExitCode, JournalError
from reconciler.planning.catalog import did_you_mean
from reconciler.rendering.records import record_text
from reconciler.rendering.runs import runs_text
from reconciler.rendering.safe import short, visible

_HEAD = re.compile("sha256:[0-9a-f]{64}")
_UNANCHORED = (
    "No published head was given: a journal forged as a whole, or one whose tail was cut, looks "
    "the same. Compare with a head from a pull request comment or a job summary: --head HASH"
)
_KINDS = click.Choice(sorted({*EXPORTED, *NOT_EXPORTED}))
_RESULTS = click.Choice(sorted({*RESULTS, *map(str, Result)}))


@click.command("verify")
@journal_file
@click.option("--head", metavar="HASH", help="A head that was published; it must be in the chain.")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ed25519 key in PEM: its signature must cover the whole journal. Needs the extra `sign`.",
)
def verify(journal: Path, head: str | None, public_key: Path | None) -> int:
    """Prove that no record was changed, removed, added or moved.

    Without --head a whole chain that was forged anew cannot be told from a true one.

    \b
    Examples:
      reconciler audit verify
      reconciler audit verify --head sha256:9f2c...
      reconciler audit verify --public-key journal.pub.pem
    """
    if head is not None and not _HEAD.fullmatch(head):
        told = f"{head!a} is no head: write it whole, sha256: and 64 digits, as `audit head` does."
        raise click.BadParameter(told, param_hint="--head")
    chain = sound(journal)
    click.echo(_whole(chain, journal))
    click.echo(f"Head: {chain.head}")
    if chain.torn:
        click.echo("The last line is torn: a run died writing it. The next apply sets it aside.")
    endless = _without_end(chain)
    if endless is not None:
        who = f"{short(endless.run)}, started at {short(endless.time)}"
        click.echo(f"The last run, {who}, has no end on record: it died, or is not over yet.")
    for each in unfinished(chain.records):
        who, when = short(each.principal), short(each.time)
        click.echo(f"Unfinished: {who}, intended at {when} (record {each.sequence}).")
    if head is not None:
        click.echo(_since(chain, head, journal))
    if public_key is not None:
        click.echo(checked(chain, journal, public_key))
    if head is None and public_key is None:
        click.echo(_UNANCHORED)
    return ExitCode.DONE


@click.command("head")
@journal_file
def head(journal: Path) -> int:
    """Print the hash of the last record, to be kept elsewhere."""
    click.echo(sound(journal).head)
    return ExitCode.DONE


@click.command("show")
@journal_file
@click.option("--principal", metavar="NAME", help="Only what is about this principal.")
@click.option("--role", metavar="ROLE", help="Only what grants or takes away this role.")
@click.option("--run", metavar="ID", help="Only this run, or all whose id begins like this.")
@click.option("--kind", type=_KINDS, help="Only this kind of record.")
@click.option("--result", type=_RESULTS, help="Only what ended like this.")
@click.option("--since", type=instant, help="Only from this instant on (a date: in UTC).")
@click.option("--until", type=instant, help="Only before this instant (a date: in UTC).")
@click.option(
    "--runs", is_flag=True, help="One line a run instead: who, led by what, how it ended."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@pass_session
def show(
    session: Session,
    journal: Path,
    principal: str | None,
    role: str | None,
    run: str | None,
    kind: str | None,
    result: str | None,
    since: datetime | None,
    until: datetime | None,
    runs: bool,
    form: str,
) -> int:
    """Read the record, whole or in part; json is one object a line.

    With each record that is asked for comes the start of its run, which tells who began it and
    what led to it; only --kind leaves that out.

    \b
    Examples:
      reconciler audit show --principal ana@acme.example --role Admin
      reconciler audit show --runs --since 2026-11-01T00:00:00+01:00
      reconciler audit show --kind outcome --result failed --since 2026-11-01
    """
    query = Query(
        principal=PrincipalName.parse(principal) if principal else None,
        role=role,
        run=run,
        kind=kind,
        result=result,
        since=since,
        until=until,
    )
    records = sound(journal).records
    found: Sequence[Any] = runs_of(records, query) if runs else query.select(records)
    if not found:
        near = _near(query.principal, records)
        click.echo(f"No record of {len(records)} matches.{near}", err=True)
    # In one piece: whoever reads only its beginning, as `head` does, is no error.
    trees = [asdict(each) for each in found]
    if form == "json":
        click.echo("".join(json.dumps(tree, sort_keys=True) + "\n" for tree in trees), nl=False)
    elif runs:
        click.echo(runs_text(trees, color=session.color_out), nl=False)
    else:
        text = "".join(record_text(tree, color=session.color_out) for tree in trees)
        click.echo(text, nl=False)
    return ExitCode.DONE


def _near(asked: PrincipalName | None, records: Sequence[Record]) -> str:
    """Return a suggestion when no record is about whoever is asked for."""
    known = principals(records)
    if asked is None or asked in known:
        return ""
    close = did_you_mean(asked.label, (name.label for name in known))
    return f" {visible(close)}" if close else ""


def _whole(chain: Chain, journal: Path) -> str:
    """Say how much there is that fits; of nothing, that it is nothing."""
    count, runs = len(chain.records), len({record.run for record in chain.records})
    if not count:
        return f"{journal} is empty: no record of any run, which says nothing of what was done."
    of = "1 run" if runs == 1 else f"{runs} runs"
    return f"{journal}: {count} records of {of}, unbroken."


def _without_end(chain: Chain) -> Record | None:
    """Return the start of the last run, when its end is not on record."""
    started = [record for record in chain.records if record.kind == "run-started"]
    ended = {record.run for record in chain.records if record.kind == "run-finished"}
    return started[-1] if started and started[-1].run not in ended else None


def _since(chain: Chain, head: str, journal: Path) -> str:
    """Say where a published head stands in the chain; JournalError when it does not."""
    record = chain.at(head)
    if record:
        more = len(chain.records) - record.sequence
        return f"The published head is record {record.sequence}; {more} were added since."
    raise JournalError(
        f"The journal {journal} does not hold the published head {head}: it was cut back, "
        "replaced, or forged as a whole.",
        "Keep the file as evidence; the true journal is the one that holds that head.",
    )
