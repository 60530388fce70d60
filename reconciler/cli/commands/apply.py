"""`reconciler apply`."""

import secrets
import sys
from dataclasses import replace
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.cli.console import write_client
from reconciler.cli.files import load_files
from reconciler.cli.options import plan_options, shaping
from reconciler.cli.session import Session, pass_session
from reconciler.cli.signals import Stopping
from reconciler.console.client import WriteClient
from reconciler.console.reader import read_actual
from reconciler.documents.plan_file import read_plan_file, saved_plan
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan, SavedPlan
from reconciler.domain.state import Actual
from reconciler.errors import ExitCode, JournalError, RefusedError
from reconciler.rendering.as_text import bound_text, plan_text
from reconciler.rendering.messages import error_text
from reconciler.rendering.outcomes import outcome_text, outcomes_summary, remaining_text
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.apply import Surroundings, run
from reconciler.workflow.binding import check_binding, check_origin, due_now
from reconciler.workflow.hands import Hands
from reconciler.workflow.observe import Wanted, observe, plan_for


@click.command("apply")
@click.argument("planfile", required=False, type=click.Path(path_type=Path, dir_okay=False))
@shaping
@click.option("--auto-approve", is_flag=True, help="Do not ask before writing.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".reconciler/journal.jsonl"),
    show_default=True,
    metavar="FILE",
    help="Where every intent and outcome is recorded. No journal, no change.",
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
    journal: Path,
) -> int:
    r"""Make the console hold what the policies say.

    With PLANFILE, a plan saved by `plan --out`, apply does exactly that plan or refuses and
    says what moved. Each principal is read again just before it is written; one that somebody
    changed in the meantime is left alone and reported.

    \b
    Examples:
      reconciler apply
      reconciler apply reviewed.plan.json --auto-approve
    """
    saved = saved_plan(read_plan_file(planfile)) if planfile else None
    if saved and (targets or no_revokes):
        raise click.UsageError("PLANFILE already says --target and --no-revokes; leave them out.")
    options = saved.options if saved else plan_options(targets, no_revokes=no_revokes)
    wanted = Wanted(*load_files(session, policies, guardrails, base), options)
    with write_client(session) as client:
        plan, actual = _planned(session, wanted, client, saved)
        tree = plan_tree(plan, __version__)
        # What was reviewed is not read out again, unless something stands against it.
        is_reviewed = saved is not None and auto_approve and not plan.refusals
        text = bound_text(tree) if is_reviewed else plan_text(tree, color=session.color_out)
        click.echo(text, nl=False)
        if plan.refusals:
            return ExitCode.REFUSED
        if plan.is_empty:
            return ExitCode.DONE
        if not auto_approve:
            _ask()
        outcomes, code = _execute(session, client, plan, actual, journal)
        return max(code, _verify(session, wanted, client, outcomes))


def _planned(
    session: Session, wanted: Wanted, client: WriteClient, saved: SavedPlan | None
) -> tuple[Plan, Actual]:
    """Compute the plan to execute: a fresh one, or the saved one if it still holds."""
    now = session.instant()
    if saved is None:
        return observe(wanted, client, now, session.progress())
    check_origin(saved, client.origin)
    actual = read_actual(client, session.progress())
    recomputed = plan_for(wanted, actual, saved.instant)
    check_binding(saved, recomputed, now)
    at_now = plan_for(wanted, actual, now)
    return replace(
        recomputed,
        operations=due_now(recomputed.operations, at_now.operations),
        refusals=tuple(dict.fromkeys((*recomputed.refusals, *at_now.refusals))),
    ), actual


def _ask() -> None:
    """Ask on the terminal; raise RefusedError when there is none or the answer is no."""
    if not sys.stdin.isatty():
        raise RefusedError(
            "There is no terminal to ask for approval on.",
            "Run it on a terminal, or pass --auto-approve.",
        )
    if click.prompt("Write this to the console? Only 'yes' does", default="no") != "yes":
        raise RefusedError("Not approved; nothing was written.", "Run apply again to be asked.")


def _execute(
    session: Session, client: WriteClient, plan: Plan, actual: Actual, path: Path
) -> tuple[list[Outcome], int]:
    """Run the operations, tell each outcome as it happens, and return them with the exit code."""
    runtime = session.runtime
    outcomes: list[Outcome] = []
    run_id = secrets.token_hex(8)
    with Stopping() as stopping, Journal(path, now=runtime.now, run_id=run_id) as journal:
        journal.append(
            "run-started",
            events.run_started(plan, tool_version=__version__, actor=actual.identity.label),
        )
        around = Surroundings(
            console=Hands(client, actual),
            journal=journal,
            sleep=runtime.sleep,
            is_stopping=lambda: stopping.signal is not None,
        )
        try:
            for outcome in run(plan.operations, around):
                outcomes.append(outcome)
                click.echo(outcome_text(outcome, color=session.color_out), nl=False)
            journal.append("run-finished", events.run_finished(outcomes))
        except JournalError as error:
            # What was written before is on the screen; the run ends here.
            click.echo(error_text(error, color=session.color_err), err=True, nl=False)
            return outcomes, ExitCode.PARTIAL if outcomes else ExitCode.FAILED
        click.echo(outcomes_summary(outcomes, journal.head), nl=False)
    if stopping.signal is not None:
        return outcomes, 128 + stopping.signal
    is_done = all(outcome.result is Result.APPLIED for outcome in outcomes)
    return outcomes, ExitCode.DONE if is_done else ExitCode.PARTIAL


def _verify(session: Session, wanted: Wanted, client: WriteClient, outcomes: list[Outcome]) -> int:
    """Read the whole console once more: what was applied must still be there."""
    applied = {outcome.operation.name for outcome in outcomes if outcome.result is Result.APPLIED}
    if not applied:
        return ExitCode.DONE
    again, _ = observe(wanted, client, session.instant(), session.progress())
    lost = [operation.name.label for operation in again.operations if operation.name in applied]
    click.echo(remaining_text(lost), nl=False)
    return ExitCode.PARTIAL if lost else ExitCode.DONE
