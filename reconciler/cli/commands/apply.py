"""`reconciler apply`."""

import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.history import past_revokes
from reconciler.audit.journal import Journal
from reconciler.cli.beforehand import settle
from reconciler.cli.console import write_client
from reconciler.cli.files import Files, load_files
from reconciler.cli.options import plan_options, shaping
from reconciler.cli.reviewed import Decision, reviewed_plan
from reconciler.cli.session import Session, is_terminal, pass_session
from reconciler.cli.writing import Run
from reconciler.console.client import WriteClient
from reconciler.console.reader import read_actual
from reconciler.documents.plan_file import read_plan_file, saved_plan
from reconciler.domain.plan import SavedPlan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode, RefusedError
from reconciler.planning.make import make_plan
from reconciler.rendering.as_text import bound_text, plan_text
from reconciler.rendering.reviewed import left_out_text
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.binding import check_origin
from reconciler.workflow.observe import roles_for_apply, with_permissions


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(path_type=Path, dir_okay=False))
@shaping
@click.option("--auto-approve", is_flag=True, help="Do not ask before writing.")
@click.option(
    "--only-planned",
    is_flag=True,
    help="With PLANFILE: do what of it still holds, and report the rest, instead of refusing.",
)
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".reconciler/journal.jsonl"),
    show_default=True,
    metavar="FILE",
    help="Where every intent and outcome is recorded. No journal, no change.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    metavar="N",
    help="How many principals to write at the same time, within the console's rate limits.",
)
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
) -> int:
    """Make the console hold what the policies say.

    With PLANFILE, a plan saved by `plan --out`, apply does exactly that plan or refuses and
    says what moved. Each principal is read again just before it is written; one that somebody
    changed in the meantime is left alone and reported. With --only-planned it does the part of
    the plan that still holds; the guardrails judge that part anew.

    \b
    Examples:
      reconciler apply
      reconciler apply reviewed.plan.json --auto-approve
      reconciler apply reviewed.plan.json --only-planned
    """
    file = read_plan_file(planfile) if planfile else None
    if file and (targets or no_revokes):
        raise click.UsageError("PLANFILE already says --target and --no-revokes; leave them out.")
    if only_planned and not file:
        raise click.UsageError("--only-planned needs a PLANFILE: without one all is planned now.")
    saved = saved_plan(file) if file else None
    options = saved.options if saved else plan_options(targets, no_revokes=no_revokes)
    wanted = load_files(session, Files(policies, guardrails, base), options)
    runtime, run_id = session.runtime, secrets.token_hex(8)
    # Locked before the console is read, so that no other apply writes between plan and write.
    with (
        Journal(journal, now=runtime.now, run_id=run_id) as record,
        write_client(session) as client,
    ):
        wanted = replace(wanted, past_revokes=past_revokes(record.records, client.origin))
        if saved:
            check_origin(saved, client.origin, __version__)
        actual = read_actual(client, session.progress())
        settle(record, actual)
        actual = _informed(session, client, wanted, actual, saved)
        decision = _decided(session, wanted, actual, file, only_planned=only_planned)
        plan = decision.plan
        _show(session, decision, file, is_short=saved is not None and auto_approve)
        if plan.refusals:
            told = events.refused(plan, tool_version=__version__, actor=actual.identity.label)
            record.append("refused", told)
            return ExitCode.REFUSED
        if plan.is_empty:
            return _nothing_to_do(decision)
        if not auto_approve:
            _ask()
            again = _decided(session, wanted, actual, file, only_planned=only_planned)
            if again.plan.operations != plan.operations:
                raise RefusedError(
                    "A window opened or closed while the question stood; nothing was written.",
                    "Run apply again.",
                )
        run = Run(session, client, actual, record, concurrency)
        return run.carry_out(plan)


def _informed(
    session: Session, client: WriteClient, wanted: Wanted, actual: Actual, saved: SavedPlan | None
) -> Actual:
    """Add what the roles permit that matter now, and those of the saved plan."""
    role_ids = roles_for_apply(wanted, actual, saved.instant if saved else session.instant())
    named = [role.id for role in saved.roles] if saved else ()
    return with_permissions(client, actual, role_ids.union(named), session.progress())


def _show(
    session: Session, decision: Decision, file: dict[str, Any] | None, *, is_short: bool
) -> None:
    """Print the plan; what was reviewed is not read out again, unless something is against it."""
    plan = decision.plan
    tree = plan_tree(plan, __version__)
    told = plan_text(tree, color=session.color_out, width=session.width_out)
    click.echo(left_out_text(decision.left_out, len(file["operations"]) if file else 0), nl=False)
    click.echo(bound_text(tree) if is_short and not plan.refusals else told, nl=False)


def _decided(
    session: Session,
    wanted: Wanted,
    actual: Actual,
    file: dict[str, Any] | None,
    *,
    only_planned: bool,
) -> Decision:
    """Return what to execute at this instant: a fresh plan, or what holds of the saved one."""
    now = session.instant()
    if file is None:
        return Decision(make_plan(wanted, actual, now))
    return reviewed_plan(wanted, actual, file, now, only_planned=only_planned)


def _nothing_to_do(decision: Decision) -> int:
    """End without a write; raise RefusedError when a saved plan came to nothing on the way."""
    if all(one.is_done for one in decision.left_out):
        return ExitCode.DONE
    raise RefusedError(
        "Nothing of the saved plan still holds; nothing was written.",
        "Plan again, and have the new plan reviewed.",
    )


def _ask() -> None:
    """Ask on the terminal; raise RefusedError when there is none or the answer is no."""
    if not is_terminal(sys.stdin):
        raise RefusedError(
            "There is no terminal to ask for approval on.",
            "Run it on a terminal, or pass --auto-approve.",
        )
    try:
        answer = click.prompt("Write this to the console? Only 'yes' does", default="no")
    except click.Abort:
        click.echo("\nNothing was written.", err=True)
        raise
    if answer != "yes":
        raise RefusedError("Not approved; nothing was written.", "Run apply again to be asked.")
