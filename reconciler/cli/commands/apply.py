"""`reconciler apply`."""

import secrets
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.audit.unfinished import unfinished
from reconciler.cli.afterwards import look_for_others, noted, tell, verify
from reconciler.cli.console import write_client
from reconciler.cli.files import Files, load_files
from reconciler.cli.options import plan_options, shaping
from reconciler.cli.session import Session, is_terminal, pass_session
from reconciler.cli.signals import Stopping
from reconciler.console.client import WriteClient
from reconciler.console.reader import read_actual
from reconciler.documents.plan_file import read_plan_file, saved_plan
from reconciler.domain.names import PrincipalName
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode, JournalError, RefusedError
from reconciler.planning.make import make_plan
from reconciler.rendering.as_text import bound_text, plan_text
from reconciler.rendering.messages import error_text
from reconciler.rendering.outcomes import outcome_text, outcomes_summary, unfinished_text
from reconciler.rendering.tree import decided_part, differing, plan_tree, principals_of
from reconciler.workflow.apply import Surroundings, run
from reconciler.workflow.binding import check_binding, check_origin, due_now
from reconciler.workflow.hands import Hands


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
    """Make the console hold what the policies say.

    With PLANFILE, a plan saved by `plan --out`, apply does exactly that plan or refuses and
    says what moved. Each principal is read again just before it is written; one that somebody
    changed in the meantime is left alone and reported.

    \b
    Examples:
      reconciler apply
      reconciler apply reviewed.plan.json --auto-approve
    """
    file = read_plan_file(planfile) if planfile else None
    if file and (targets or no_revokes):
        raise click.UsageError("PLANFILE already says --target and --no-revokes; leave them out.")
    saved = saved_plan(file) if file else None
    options = saved.options if saved else plan_options(targets, no_revokes=no_revokes)
    wanted = load_files(session, Files(policies, guardrails, base), options)
    runtime, run_id = session.runtime, secrets.token_hex(8)
    # Locked before the console is read, so that no other apply writes between plan and write.
    with (
        Journal(journal, now=runtime.now, run_id=run_id) as record,
        write_client(session) as client,
    ):
        dangling = {each.principal: each.time for each in unfinished(record.records)}
        tell(unfinished_text(dangling), err=True)
        if saved:
            check_origin(saved, client.origin)
        actual = read_actual(client, session.progress())
        plan = _decided(session, wanted, actual, file)
        _show(session, plan, is_reviewed=saved is not None and auto_approve)
        if plan.refusals:
            return ExitCode.REFUSED
        if plan.is_empty:
            return ExitCode.DONE
        if not auto_approve:
            _ask()
            if _decided(session, wanted, actual, file).operations != plan.operations:
                raise RefusedError(
                    "A window opened or closed while the question stood; nothing was written.",
                    "Run apply again.",
                )
        return _written(session, wanted, client, plan, actual, record)


def _show(session: Session, plan: Plan, *, is_reviewed: bool) -> None:
    """Print the plan; what was reviewed is not read out again, unless something is against it."""
    tree = plan_tree(plan, __version__)
    is_short = is_reviewed and not plan.refusals
    text = bound_text(tree) if is_short else plan_text(tree, color=session.color_out)
    click.echo(text, nl=False)


def _decided(session: Session, wanted: Wanted, actual: Actual, file: dict[str, Any] | None) -> Plan:
    """Return the plan to execute at this instant: a fresh one, or the saved one if it holds.

    Raises RefusedError when the saved plan is no longer what would be done, or never was.
    """
    now = session.instant()
    if file is None:
        return make_plan(wanted, actual, now)
    saved = saved_plan(file)
    planned = frozenset(PrincipalName.parse(label) for label in principals_of(file))
    recomputed = make_plan(wanted, actual, saved.instant, only=planned)
    tree = plan_tree(recomputed, __version__)
    check_binding(saved, recomputed, now, differing(file, tree))
    if decided_part(tree) != decided_part(file):
        raise RefusedError(
            "The saved plan shows something else than it would do: it was edited.",
            "Plan again, and have the new plan reviewed.",
        )
    at_now = make_plan(wanted, actual, now, only=planned)
    return replace(
        recomputed,
        operations=due_now(recomputed.operations, at_now.operations),
        refusals=tuple(dict.fromkeys((*recomputed.refusals, *at_now.refusals))),
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


def _written(
    session: Session,
    wanted: Wanted,
    client: WriteClient,
    plan: Plan,
    actual: Actual,
    journal: Journal,
) -> int:
    """Write, look again, and return the exit code of the whole."""
    since = noted(client)
    outcomes, code = _execute(session, client, plan, actual, journal)
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        return code  # asked to end: the outcomes are on record, the next run looks again
    return max(
        code,
        verify(session, wanted, client, outcomes),
        look_for_others(client, since, outcomes, actual.identity.full_name),
    )


def _execute(
    session: Session, client: WriteClient, plan: Plan, actual: Actual, journal: Journal
) -> tuple[list[Outcome], int]:
    """Run the operations, tell each outcome as it happens, and return them with the exit code."""
    outcomes: list[Outcome] = []
    with Stopping() as stopping:
        try:
            started = events.run_started(
                plan, tool_version=__version__, actor=actual.identity.label
            )
            journal.append("run-started", started)
            around = Surroundings(
                console=Hands(client, actual),
                journal=journal,
                sleep=session.runtime.sleep,
                is_stopping=lambda: stopping.signal is not None,
            )
            for outcome in run(plan.operations, around):
                outcomes.append(outcome)
                tell(outcome_text(outcome, color=session.color_out))
            journal.append("run-finished", events.run_finished(outcomes))
        except JournalError as error:
            # What was written before is on the screen; the run ends here.
            tell(error_text(error, color=session.color_err), err=True)
            return outcomes, ExitCode.PARTIAL if outcomes else ExitCode.FAILED
        tell(outcomes_summary(outcomes, journal.head))
    if stopping.signal is not None:
        return outcomes, 128 + stopping.signal
    is_done = all(outcome.result is Result.APPLIED for outcome in outcomes)
    return outcomes, ExitCode.DONE if is_done else ExitCode.PARTIAL
