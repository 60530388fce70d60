"""After the writing: read the whole console again, and ask who else wrote meanwhile.

By now things have been written, so nothing here raises: what fails is told in words of its own
and, where it casts doubt on the result, makes the exit code 4.
"""

import contextlib

import click

from reconciler.cli.session import Session
from reconciler.console.client import ReadClient
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.wanted import Wanted
from reconciler.errors import ConsoleError, ExitCode, PolicyError
from reconciler.rendering.outcomes import others_text, remaining_text, unverified_text
from reconciler.workflow.observe import observe
from reconciler.workflow.witness import Mark, mark, others


def tell(text: str, *, err: bool = False) -> None:
    """Show a result; a reader who went away does not stop a run, whose record is the journal."""
    with contextlib.suppress(OSError):
        click.echo(text, err=err, nl=False)


def verify(session: Session, wanted: Wanted, client: ReadClient, outcomes: list[Outcome]) -> int:
    """Read everything once more: what was applied must still be there. Returns an exit code."""
    applied = {outcome.operation.name for outcome in outcomes if outcome.result is Result.APPLIED}
    if not applied:
        return ExitCode.DONE
    try:
        again, _ = observe(wanted, client, session.instant(), session.progress())
    except PolicyError as error:
        why = "; ".join(problem.message for problem in error.problems)
        tell(unverified_text("the policies do not fit the console any more", why))
        return ExitCode.PARTIAL
    except ConsoleError as error:
        tell(unverified_text("the second reading failed", error.message))
        return ExitCode.PARTIAL
    lost = [operation.name.label for operation in again.operations if operation.name in applied]
    tell(remaining_text(lost))
    return ExitCode.PARTIAL if lost else ExitCode.DONE


def noted(client: ReadClient) -> Mark | None:
    """Note, before the writing, where the activity log stands; None when it cannot be read."""
    try:
        return mark(client)
    except ConsoleError as error:
        tell(unverified_text("who else writes during this run", error.message), err=True)
        return None


def look_for_others(
    client: ReadClient, since: Mark | None, outcomes: list[Outcome], own_name: str
) -> int:
    """Tell who else changed what this run wrote. Returns an exit code.

    A log that cannot be read is a note and changes no exit code (contract, "The plan").
    """
    if since is None:
        return ExitCode.DONE
    try:
        found = others(client, since, outcomes, own_name)
    except ConsoleError as error:
        tell(unverified_text("who else wrote during this run", error.message), err=True)
        return ExitCode.DONE
    tell(others_text(found))
    return ExitCode.PARTIAL if found else ExitCode.DONE
