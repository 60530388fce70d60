"""After the writing: read the whole console again, and ask who else wrote meanwhile.

By now things have been written, so nothing here raises: what fails is told in words of its own
and, where it casts doubt on the result, makes the exit code 4.
"""

from reconciler.cli.session import Session
from reconciler.cli.signals import Stopping
from reconciler.cli.telling import tell
from reconciler.console.client import ReadClient
from reconciler.console.reader import read_actual
from reconciler.domain.outcome import Outcome, Result
from reconciler.errors import ConsoleError, ExitCode
from reconciler.rendering.outcomes import others_text, remaining_text, unverified_text
from reconciler.workflow.execute import SETTLING, StoppedError
from reconciler.workflow.lasting import lost
from reconciler.workflow.witness import Mark, mark, others


def verify(
    session: Session, client: ReadClient, outcomes: list[Outcome], stopping: Stopping
) -> tuple[list[Outcome], int]:
    """Read everything once more: what was applied must still be there.

    Returns what is not, as unknown, and an exit code. A console that shows a write only after
    a while is asked again before anything is called lost. Who asks the run to end does not wait
    for it: the outcomes are on record, and the next run looks again.
    """
    if not any(outcome.result is Result.APPLIED for outcome in outcomes):
        return [], ExitCode.DONE
    missing: list[Outcome] = []
    progress = session.progress()

    def unless_stopped(line: str) -> None:
        if stopping.signal is not None:
            raise StoppedError("the run was interrupted")
        progress(line)

    try:
        for pause in (0.0, *SETTLING):
            if pause:
                session.runtime.sleep(pause)
            unless_stopped("looking once more")
            missing = lost(outcomes, read_actual(client, unless_stopped))
            if not missing:
                break
    except StoppedError:
        return [], ExitCode.DONE
    except ConsoleError as error:
        tell(unverified_text("the reading after the run failed", error.message))
        return [], ExitCode.PARTIAL
    tell(remaining_text([outcome.operation.name.label for outcome in missing]))
    return missing, ExitCode.PARTIAL if missing else ExitCode.DONE


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
