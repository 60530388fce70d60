"""Whether a run that the journal names is one that the code host knows.

Whoever can start a workflow that may write to the repository can add to the journal's branch, and a
chain of hashes is no signature. What only the host can say is asked of the host.
"""

import re

from reconciler.audit.reviews import Recorded
from reconciler.ci.event import Event
from reconciler.ci.reviewed import BY_HAND
from reconciler.errors import RefusedError
from reconciler.forge.base import Forge, RunOf

_NUMBER = re.compile(r"([0-9]{1,20})(?:/attempts/([0-9]{1,5}))?", re.ASCII)


def genuine_run(forge: Forge, event: Event, recorded: Recorded) -> RunOf:
    """Return what the host knows of a run: of this workflow, on the protected branch.

    Raises RefusedError when it knows none such, ForgeError when it does not answer.
    """
    named = f"The journal names the run {recorded.run or 'without an address'}"
    prefix = event.run_url.removesuffix(event.run)
    rest = recorded.run.removeprefix(prefix) if recorded.run.startswith(prefix) else ""
    found = _NUMBER.fullmatch(rest)
    run = forge.run(found[1], found[2] or "") if found else None
    if run is None:
        raise RefusedError(
            f"{named}, and the code host knows none of that number, or no longer.",
            f"Find out who pushed to the journal's branch, if nobody deleted the run. {BY_HAND}",
        )
    is_same = run.workflow == event.workflow and run.trigger.value == recorded.trigger
    if not (is_same and run.is_default and run.is_own):
        raise RefusedError(
            f"{named}, which was not a run of this workflow on {event.protected}.",
            f"Find out who pushed to the journal's branch. {BY_HAND}",
        )
    return run


def is_whole(run: RunOf, recorded: Recorded) -> bool:
    """Tell whether the host bears out that a run applied whole policies, those of its commit."""
    return run.is_success and run.head == recorded.commit
