"""`reconciler plan`."""

from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.console import read_client
from reconciler.cli.files import Files, load_files
from reconciler.cli.options import plan_options, shaping
from reconciler.cli.session import Session, pass_session
from reconciler.documents.plan_file import sealed, write_plan_file
from reconciler.domain.plan import Plan
from reconciler.errors import ExitCode
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_text import plan_text
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.observe import observe


@click.command("plan")
@shaping
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, so that `apply FILE` does this and nothing else.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are differences.")
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    base: str | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
) -> int:
    """Show what would change on the console, and why. Cannot write.

    A view-only token is enough. Guardrails judge the plan here already: exit code 3 means
    that `apply` would refuse it.

    The worst comes first. HIGH is Admin on the tenant or an account, gained or lost; MEDIUM is
    Admin on a site, any tenant-wide role, and a custom role on an account.

    \b
    Examples:
      reconciler plan
      reconciler plan --out reviewed.plan.json --detailed-exitcode
      reconciler plan --target ana@acme.example
    """
    options = plan_options(targets, no_revokes=no_revokes)
    wanted = load_files(session, Files(policies, guardrails, base), options)
    with read_client(session) as client:
        plan, _ = observe(wanted, client, session.instant(), session.progress())
    tree = plan_tree(plan, __version__)
    if out is not None:
        write_plan_file(out, to_json(sealed(tree)))
        click.echo(
            f"Saved to {out}; `reconciler apply {out}` does this and nothing else.", err=True
        )
    text = to_json(tree) if form == "json" else plan_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    return exit_code(plan, detailed=detailed_exitcode)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 3 when refused, 2 for differences if asked to, else 0."""
    if plan.refusals:
        return ExitCode.REFUSED
    if detailed and not plan.is_empty:
        return ExitCode.DIFFERENCES
    return ExitCode.DONE
