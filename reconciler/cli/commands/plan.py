"""`reconciler plan`."""

from pathlib import Path

import click

from reconciler.cli.files import Files
from reconciler.cli.formats import PLAN, Output, Report, problems_told
from reconciler.cli.options import journal_read, plan_options, shaping
from reconciler.cli.planned import Inputs, exit_code, planned
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import chosen, snapshot_options
from reconciler.documents.plan_file import check_plan_path, sealed, write_plan_file
from reconciler.rendering.as_json import to_json


@click.command("plan")
@shaping
@snapshot_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan, so that `apply FILE` does this and nothing else.",
)
@click.option(
    "--undo",
    metavar="RUN",
    help="Plan the inverse of what this run of the journal applied, instead of the policies. How "
    "its id begins is enough.",
)
@PLAN.option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are differences.")
@journal_read
@pass_session
def command(
    session: Session,
    policies: Path,
    guardrails: Path | None,
    base: str | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    snapshot: Path | None,
    snapshot_max_age: int,
    out: Path | None,
    undo: str | None,
    form: str,
    reports: tuple[Report, ...],
    detailed_exitcode: bool,
    journal: Path,
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
      reconciler plan --snapshot console.json
      reconciler plan --undo 4f1c09d2a7b3e655 --out undo.plan.json
      reconciler plan --report markdown=comment.md --report html=plan.html
    """
    options = plan_options(targets, no_revokes=no_revokes)
    output = Output(form, reports)
    _check_paths(out, output)
    files = Files(policies, guardrails, base)
    inputs = Inputs(files, journal, chosen(snapshot, snapshot_max_age))
    with problems_told(session, output):
        found = planned(session, inputs, options, undo)
    if out is not None:
        write_plan_file(out, to_json(sealed(found.tree)))
        click.echo(
            f"Saved to {out}; `reconciler apply {out}` does this and nothing else.", err=True
        )
    PLAN.deliver(session, found.tree, output)
    return exit_code(found.plan, detailed=detailed_exitcode)


def _check_paths(out: Path | None, output: Output) -> None:
    """Find out before the console is read, and before one file is saved, whether all can be."""
    if out is not None:
        if str(out) == "-":
            told = "a saved plan is a file; --format json prints the plan."
            raise click.BadParameter(told, param_hint="--out")
        if out in {report.path for report in output.reports}:
            raise click.BadParameter("a report would go to the same file.", param_hint="--out")
        check_plan_path(out)
    output.check()
