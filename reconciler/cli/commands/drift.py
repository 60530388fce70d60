"""`reconciler drift`."""

from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.console import read_client
from reconciler.cli.options import narrowed, plan_options
from reconciler.cli.session import Session, pass_session
from reconciler.documents.load import load
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_text import drift_text
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.observe import observe


@click.command("drift")
@narrowed
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    form: str,
) -> int:
    """Report where the console differs from the policies. Cannot write.

    Exits with 2 on any difference; a principal that no policy names is a difference here,
    although a plan leaves it alone. Exits with 3 when a guardrail would refuse to mend it.
    """
    options = plan_options(targets, no_revokes=no_revokes)
    loaded = load(policies, guardrails)
    wanted = Wanted(loaded.policy, loaded.guardrails, options, pins=loaded.pins)
    with read_client(session) as client:
        plan, _ = observe(wanted, client, session.instant(), session.progress())
    tree = plan_tree(plan, __version__)
    text = to_json(tree) if form == "json" else drift_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    if plan.refusals:
        return ExitCode.REFUSED
    return ExitCode.DONE if plan.is_empty and not plan.unlisted else ExitCode.DIFFERENCES
