"""`reconciler apply`."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.cli.approval import ask
from reconciler.cli.beforehand import settle
from reconciler.cli.console import write_client
from reconciler.cli.delivery import Delivery, sink_options
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import Files, load_files
from reconciler.cli.history import with_history
from reconciler.cli.locking import locked
from reconciler.cli.options import journal_kept, plan_options, shaping
from reconciler.cli.reviewed import Decision, reviewed_plan
from reconciler.cli.session import Session, pass_session
from reconciler.cli.signing import signed
from reconciler.cli.undoing import Undoing, with_undo
from reconciler.cli.writing import Run
from reconciler.console.client import WriteClient
from reconciler.console.reader import read_actual
from reconciler.documents.plan_file import read_plan_file, saved_plan
from reconciler.domain.plan import Plan, SavedPlan
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
    file = read_plan_file(planfile) if planfile else None
    if file and (targets or no_revokes):
        raise click.UsageError(
            "--target and --no-revokes shape a plan when it is made; PLANFILE is done as it is."
        )
    if only_planned and not file:
        raise click.UsageError("--only-planned needs a PLANFILE: without one all is planned now.")
    saved = saved_plan(file) if file else None
    options = saved.options if saved else plan_options(targets, no_revokes=no_revokes)
    files = Files(policies, guardrails, base)
    wanted = load_files(session, files, options)
    delivery = Delivery.of(session, journal, sink, sink_format, required=require_sink)
    runtime, run_id = session.runtime, secrets.token_hex(8)
    # Locked before the console is read, so that no other apply writes between plan and write.
    with (
        Journal(journal, now=runtime.now, run_id=run_id) as record,
        signed(record, journal, runtime.environ),
        write_client(session) as client,
        locked(session, client.origin, record, run_id) as locks,
    ):
        wanted = with_evidence(session, files, wanted, record.records, client.origin)
        wanted = with_undo(wanted, record.records)
        if saved:
            check_origin(saved, client.origin, __version__)
        actual = read_actual(client, session.progress())
        settle(record, actual)
        actual = _informed(session, client, wanted, actual, saved)
        decision = _decided(session, wanted, actual, file, only_planned=only_planned)
        plan = decision.plan
        traced = with_history(session, files, plan)
        is_short = auto_approve and _was_read(saved)
        _show(session, replace(decision, plan=traced), file, is_short=is_short)
        if plan.refusals:
            told = events.refused(plan, tool_version=__version__, actor=actual.identity.label)
            record.append("refused", told)
            delivery.after()
            return ExitCode.REFUSED
        if plan.is_empty:
            _keep_ends(record, plan, actual)
            delivery.after()  # also what an earlier run could not
            return _nothing_to_do(decision)
        if not auto_approve:
            ask()
            actual = _informed(session, client, wanted, read_actual(client), saved)
            _check_again(
                plan, _decided(session, wanted, actual, file, only_planned=only_planned).plan
            )
        locks.check()
        undoing = Undoing(wanted, journal, run_id)
        run = Run(session, client, actual, record, concurrency, locks, delivery, undoing)
        return run.carry_out(traced)


def _check_again(shown: Plan, now: Plan) -> None:
    """Raise RefusedError unless what was approved is what would be done after the question."""
    if now.refusals:
        told = " ".join(refusal.message for refusal in now.refusals)
        raise RefusedError(f"Refused since the question was asked: {told}", "Run apply again.")
    if now.operations != shown.operations:
        raise RefusedError(
            "A window opened or closed, or the console changed, while the question stood; "
            "nothing was written.",
            "Run apply again.",
        )


def _was_read(saved: SavedPlan | None) -> bool:
    """Tell whether somebody has read a saved plan; nobody reads an undo when it is written."""
    return saved is not None and saved.options.undo_of is None


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
    if is_short and not plan.refusals:
        # Of a plan that is left out whole nothing holds, and each reason was told.
        told = "" if decision.left_out and plan.is_empty else bound_text(tree)
    click.echo(told, nl=False)


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


def _keep_ends(record: Journal, plan: Plan, actual: Actual) -> None:
    """Record what is to end and was judged, though nothing has to be written for it yet."""
    if plan.ends and not plan.options.undo_of:
        started = events.run_started(plan, tool_version=__version__, actor=actual.identity.label)
        record.append("run-started", started | events.ends(plan))
        record.append("run-finished", events.run_finished([]))


def _nothing_to_do(decision: Decision) -> int:
    """End without a write; raise RefusedError when a saved plan came to nothing on the way."""
    if all(one.is_done for one in decision.left_out):
        return ExitCode.DONE
    raise RefusedError(
        "Nothing of the saved plan still holds; nothing was written.",
        "Plan again, and have the new plan reviewed.",
    )
