"""Whether a later run has spoken already, by what the code host knows and not by what texts say."""

from reconciler.ci.marker import Marker
from reconciler.domain.review import Trigger
from reconciler.forge.base import ForbiddenError, Forge


def is_later(forge: Forge, other: Marker, ours: Marker, open_head: str = "") -> bool:
    """Tell whether a later run than ours wrote another marker.

    Any workflow of any branch writes as our account, and anybody may edit an issue; so a number
    counts only when the host knows the run: of a plan one that was started by a pull request of
    this repository for the commit that we have planned or that the request has now (`open_head`),
    of anything else one of the default branch. Otherwise one forged comment would keep the true
    plan from being shown. Whoever may not ask about runs overwrites what could be later: showing
    an older plan is mended by the next run, and such a plan is not applied.

    Raises ForgeError when the host does not answer.
    """
    if not other.is_newer(ours):
        return False
    try:
        run = forge.run(other.run)
    except ForbiddenError:
        return False
    if run is None or not run.is_own:
        return False
    if other.kind == "plan":
        is_same = run.head == other.head and other.head in {ours.head, open_head}
        return is_same and run.trigger is Trigger.REQUEST
    return run.is_default
