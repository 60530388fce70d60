"""`reconciler who-can`."""

from pathlib import Path

import click

from reconciler.cli.asking import Sources, asking, commit_read, commits_of, known_of
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode
from reconciler.planning.answers import who_can
from reconciler.planning.powers import is_role, power, unread_note
from reconciler.rendering.answers import Question, answers_tree
from reconciler.rendering.answers_text import who_can_text
from reconciler.rendering.as_json import to_json


@click.command("who-can")
@click.argument("wanted", metavar="ROLE|PERMISSION")
@click.option(
    "--on", required=True, metavar="SCOPE", help="`tenant`, an Account or an Account/Site."
)
@asking
@pass_session
def command(
    session: Session,
    wanted: str,
    on: str,
    policies: Path,
    source: str,
    snapshot: Path | None,
    snapshot_max_age: int,
    at: str | None,
    form: str,
) -> int:
    """List everybody who has a role or a permission on a scope, or on one above it.

    A permission is named by identifier or title. What roles permit only a console knows, or a
    snapshot; with one of them, whoever is in no policy is listed too.

    \b
    Examples:
      reconciler who-can Admin --on tenant
      reconciler who-can SOC --on "Acme EMEA/Berlin" --snapshot console.json
      reconciler who-can Users.create --on "Acme EMEA" --from console
    """
    sources = Sources(policies, source == "console", snapshot, snapshot_max_age, at)
    known = known_of(session, sources)
    if sources.is_console and not is_role(known, wanted):
        # Role pages cost a request each, so they are read only for a permission.
        known = known_of(session, sources, permissions=True)
    scope = known.scope(on)
    known.check_named(scope)
    found = power(known, wanted)
    answers = who_can(known, found.is_of, scope)
    note = unread_note(known, found)
    question = Question(
        known.instant,
        wanted=wanted,
        permission=found.permission,
        on=scope,
        commit=commit_read(session, sources),
        origin=known.actual.origin if known.actual else None,
        notes=(note,) if note else (),
        problems=known.problems,
        commits=commits_of(session, sources, answers),
    )
    tree = answers_tree(question, answers)
    text = to_json(tree) if form == "json" else who_can_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    return ExitCode.DONE
