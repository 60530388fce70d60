"""`reconciler validate`."""

from pathlib import Path

import click

from reconciler.cli.files import Files, load_files
from reconciler.cli.options import compared
from reconciler.cli.session import Session, pass_session
from reconciler.errors import ExitCode
from reconciler.rendering.messages import problems_text


@click.command("validate")
@compared
@pass_session
def command(session: Session, policies: Path, guardrails: Path | None, base: str | None) -> int:
    """Check the policy files, without token and network.

    Reports every problem at once, as file:line:column with the remedy. Whether the named
    people, roles and sites exist is checked by `plan`, which asks the console.
    """
    policy = load_files(session, Files(policies, guardrails, base)).policy
    click.echo(problems_text(policy.warnings, color=session.color_err), err=True, nl=False)
    people = {member.name for entry in policy.assignments for member in entry.members}
    click.echo(
        f"{policies}: valid. {len(policy.assignments)} assignments for {len(people)} principals, "
        f"{len(policy.former)} former."
    )
    return ExitCode.DONE
