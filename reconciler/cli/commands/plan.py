"""`reconciler plan`."""

from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.history import read_history
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import Files, load_files
from reconciler.cli.formats import PLAN, Output, Report, problems_told
from reconciler.cli.history import with_history
from reconciler.cli.options import journal_read, plan_options, shaping
from reconciler.cli.session import Session, pass_session
from reconciler.cli.source import chosen, observed, snapshot_options
from reconciler.cli.undoing import with_run, with_undo
from reconciler.documents.plan_file import check_plan_path, sealed, write_plan_file
from reconciler.domain.plan import Plan
from reconciler.errors import ExitCode
from reconciler.rendering.as_json import to_json
from reconciler.rendering.tree import plan_tree
from reconciler.settings import named_origin


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
    help="Plan the inverse of what this run of the journal applied, instead of the policies.",
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
    files = Files(policies, guardrails, base)
    output = Output(form, reports)
    _check_paths(out, output)
    with problems_told(session, output):
        records = read_history(journal)
        options = with_run(options, undo, records)
        wanted = load_files(session, files, options)
        origin = named_origin(session.runtime.environ)
        wanted = with_evidence(session, files, wanted, records, origin)
        wanted = with_undo(wanted, records)
        plan, _ = observed(session, wanted, chosen(snapshot, snapshot_max_age))
    tree = plan_tree(with_history(session, files, plan), __version__)
    if out is not None:
        write_plan_file(out, to_json(sealed(tree)))
        click.echo(
            f"Saved to {out}; `reconciler apply {out}` does this and nothing else.", err=True
        )
    PLAN.deliver(session, tree, output)
    return exit_code(plan, detailed=detailed_exitcode)


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


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Return 3 when refused, 2 for differences if asked to, else 0."""
    if plan.refusals:
        return ExitCode.REFUSED
    # What a role permits is content too: nobody changed a grant, and yet people can do more.
    if detailed and (plan.operations or plan.role_changes):
        return ExitCode.DIFFERENCES
    return ExitCode.DONE
