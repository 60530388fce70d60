"""`reconciler explain`."""

from pathlib import Path

import click

from reconciler.cli.asking import Sources, asking, commit_read, commits_of, known_of
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode
from reconciler.planning.answers import explain
from reconciler.rendering.answers import Question, answers_tree
from reconciler.rendering.answers_text import explain_text
from reconciler.rendering.as_json import to_json


@click.command("explain")
@click.argument("principal")
@click.option(
    "--on", metavar="SCOPE", help="Only what reaches `tenant`, an Account or an Account/Site."
)
@asking
@pass_session
def command(
    session: Session,
    principal: str,
    on: str | None,
    policies: Path,
    source: str,
    snapshot: Path | None,
    snapshot_max_age: int,
    at: str | None,
    form: str,
) -> int:
    """Tell why somebody has access or lacks it, and where that is written.

    PRINCIPAL is an e-mail address, or `service:` and a name. Each grant comes with file and
    line, the group and the pattern it came through, its window, and the commit that wrote it.
    With a console or a snapshot, names are resolved and what is really held is told as well.

    \b
    Examples:
      reconciler explain ana@acme.example
      reconciler explain ana@acme.example --on "Acme EMEA/Berlin" --from console
      reconciler explain service:siem-export --at v2026.10
    """
    sources = Sources(policies, source == "console", snapshot, snapshot_max_age, at)
    known = known_of(session, sources)
    scope = known.scope(on) if on else None
    if scope:
        known.check_named(scope)
    answer = explain(known, principal, scope)
    question = Question(
        known.instant,
        principal=answer.name,
        on=scope,
        commit=commit_read(session, sources),
        origin=known.actual.origin if known.actual else None,
        problems=known.problems,
        commits=commits_of(session, sources, [answer]),
    )
    tree = answers_tree(question, [answer])
    text = to_json(tree) if form == "json" else explain_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    return ExitCode.DONE
