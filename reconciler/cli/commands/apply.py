"""`reconciler apply`."""

from pathlib import Path

import click
from click.core import ParameterSource

from reconciler.cli.files import Files
from reconciler.cli.options import journal_kept, plan_options, shaping
from reconciler.cli.session import Session, pass_session
from reconciler.cli.telling import tell
from reconciler.cli.writing.apply import Apply, Basis, carry_out
from reconciler.cli.writing.bases import PlanFile, Policies
from reconciler.cli.writing.delivery import Delivery, sink_options
from reconciler.rendering.endings import endings_text
from reconciler.rendering.safe import visible


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(path_type=Path, dir_okay=False))
@shaping
@click.option("--auto-approve", is_flag=True, help="Do not ask before writing.")
@click.option(
    "--only-planned",
    is_flag=True,
    help="With PLANFILE: do what of it still holds, and report the rest, instead of refusing.",
)
@journal_kept
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    metavar="N",
    help="How many principals to write at the same time, within the console's rate limits.",
)
@sink_options
@pass_session
def command(
    session: Session,
    planfile: Path | None,
    policies: Path,
    guardrails: Path | None,
    base: str | None,
    targets: tuple[str, ...],
    no_revokes: bool,
    auto_approve: bool,
    only_planned: bool,
    journal: Path,
    concurrency: int,
    sink: str | None,
    sink_format: str | None,
    require_sink: bool,
) -> int:
    """Make the console hold what the policies say.

    With PLANFILE, a plan saved by `plan --out`, apply does exactly that plan or refuses and
    says what moved. Each principal is read again just before it is written; one that somebody
    changed in the meantime is left alone and reported. With --only-planned it does the part of
    the plan that still holds; the guardrails judge that part anew. What a run applied can be
    undone with the plan that it leaves beside its journal.

    \b
    Examples:
      reconciler apply
      reconciler apply reviewed.plan.json --auto-approve
      reconciler apply reviewed.plan.json --only-planned
      reconciler apply .reconciler/undo/4f1c09d2a7b3e655.plan.json
    """
    if planfile and (targets or no_revokes):
        raise click.UsageError(
            "--target and --no-revokes shape a plan when it is made; PLANFILE is done as it is."
        )
    if only_planned and not planfile:
        raise click.UsageError("--only-planned needs a PLANFILE: without one all is planned now.")
    basis: Basis = Policies(plan_options(targets, no_revokes=no_revokes))
    if planfile:
        basis = PlanFile.read(planfile, only_planned=only_planned, is_approved=auto_approve)
    apply = Apply(
        files=Files(policies, guardrails, base),
        basis=basis,
        journal=journal,
        delivery=Delivery.of(session, journal, sink, sink_format, required=require_sink),
        concurrency=concurrency,
        asks=not auto_approve,
    )
    source = click.get_current_context().get_parameter_source("journal")
    if source is ParameterSource.COMMANDLINE and not _has_begun(journal):
        tell(f"A new journal begins at {visible(str(journal))}.\n", err=True)
    applied = carry_out(session, apply)
    if applied.written:
        # In CI the clock closes windows; by hand only whoever knows of them.
        tell(endings_text(applied.written.outcomes))
    return applied.code


def _has_begun(journal: Path) -> bool:
    """Tell whether earlier runs are on record; whoever mistypes its name begins another."""
    try:
        return journal.stat().st_size > 0 or not journal.is_file()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # the run itself says what is wrong with it
