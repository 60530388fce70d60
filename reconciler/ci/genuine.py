"""Whether a run that the journal names is one that the code host knows.

Whoever can start a workflow that may write to the repository can add to the journal's branch, and a
chain of hashes is no signature. What only the host can say is asked of the host.
"""

from reconciler.audit.reviews import Recorded
from reconciler.ci.event import Event
from reconciler.ci.reviewed import BY_HAND
from reconciler.errors import RefusedError
from reconciler.forge.base import Forge, RunOf


def check_genuine(forge: Forge, event: Event, recorded: Recorded, *, is_whole: bool) -> None:
    """Raise RefusedError unless the host knows the run: of this workflow, on the protected branch.

    With `is_whole` it must also have ended well, and be of the commit whose policies it applied.
    Raises ForgeError when the host does not answer.
    """
    named = f"The journal names the run {recorded.run or 'without an address'}"
    prefix, number = event.run_url.removesuffix(event.run), ""
    if recorded.run.startswith(prefix):
        number = recorded.run.removeprefix(prefix)
    run = forge.run(number) if number.isascii() and number.isdigit() else None
    if run is None:
        raise RefusedError(
            f"{named}, and the code host knows none of that number, or no longer.",
            f"Find out who pushed to the journal's branch, if nobody deleted the run. {BY_HAND}",
        )
    if not _is_ours(run, event, recorded):
        raise RefusedError(
            f"{named}, which was not a run of this workflow on {event.protected}.",
            f"Find out who pushed to the journal's branch. {BY_HAND}",
        )
    if is_whole and not (run.is_success and run.head == recorded.commit):
        raise RefusedError(
            f"{named}, as one that applied {recorded.commit[:8]} whole; by the code host it was of "
            f"{run.head[:8]} and {'ended well' if run.is_success else 'did not end well'}.",
            f"If only a later job of it failed, start that again. {BY_HAND}",
        )


def _is_ours(run: RunOf, event: Event, recorded: Recorded) -> bool:
    is_same = run.workflow == event.workflow and run.trigger.value == recorded.trigger
    return is_same and run.is_default and run.is_own
