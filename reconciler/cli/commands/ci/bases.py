"""What decides which plan an apply in CI executes: a review, a digest, or the clock."""

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit.reviews import Settled
from reconciler.ci.bound import bound_digest
from reconciler.cli.files import NO_OPTIONS
from reconciler.cli.session import Session
from reconciler.cli.writing.bases import PlanFile, Policies, show_plan
from reconciler.cli.writing.reviewed import Decision, changed_roles
from reconciler.documents.plan_file import saved_plan
from reconciler.domain.digest import short_digest
from reconciler.domain.plan import Operation, Options, Plan, Reason
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import RefusedError
from reconciler.planning.make import make_plan
from reconciler.rendering.safe import short
from reconciler.rendering.tree import differing, plan_tree
from reconciler.rendering.wording import plural
from reconciler.workflow.binding import Bound

_BY_THE_CLOCK = {Reason.WINDOW_OPENED, Reason.WINDOW_CLOSED}


@dataclass(frozen=True, slots=True)
class ByDigest:
    """The plan whose content digest somebody has read in a pull request.

    With the saved plan at hand it may also be that one as far as time went on, and a refusal
    can say what moved.
    """

    digest: str
    file: PlanFile | None
    remedy: str
    """What to do when the plan is another one now."""
    options: Options = NO_OPTIONS

    @property
    def instant(self) -> datetime | None:
        """When the saved plan was made."""
        return self.file.instant if self.file else None

    @property
    def role_ids(self) -> frozenset[str]:
        """Every role in the saved plan."""
        return self.file.role_ids if self.file else frozenset()

    def check_origin(self, origin: str) -> None:
        """Raise RefusedError for another console than the saved plan's."""
        if self.file:
            self.file.check_origin(origin)

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Plan afresh; raise RefusedError unless that, or the saved plan, is what was read."""
        fresh = make_plan(wanted, actual, now)
        if fresh.is_empty or (fresh.content_digest == self.digest and self._is_shown(fresh)):
            return Decision(fresh)
        if self.file:
            try:
                return self.file.decide(wanted, actual, now)
            except RefusedError as error:
                # It was merged: nobody can have it reviewed again.
                raise RefusedError(error.message, self.remedy) from error
        raise RefusedError(
            "What would be done is not the plan that was read: the console, the policies or the "
            f"time moved. Read: {short_digest(self.digest)}; now: "
            f"{short_digest(fresh.content_digest)}, for {_who(fresh)}.",
            self.remedy,
        )

    def _is_shown(self, fresh: Plan) -> bool:
        """Tell whether the saved plan shows what the fresh one does, with the same roles.

        The digest knows a role by id and name only, not by what it permits (T35), and reads
        neither what was shown beside the grants.
        """
        if self.file is None:
            return True
        saved, now = self.file.tree, plan_tree(fresh, __version__)
        return not differing(saved, now, derived=False) and not changed_roles(saved, now)

    def show(self, decision: Decision, session: Session) -> None:
        """Print what is executed, and what of the saved plan is left out."""
        if self.file:
            self.file.show(decision, session)
        else:
            show_plan(decision, session)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand(Policies):
    """The plan whose digest somebody read in a report, with what its roles permit."""

    digest: str
    """As `bound_digest` makes it."""

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Plan afresh; raise RefusedError unless that is what was read."""
        fresh = make_plan(wanted, actual, now)
        digest = bound_digest(plan_tree(fresh, __version__))
        if fresh.is_empty or digest == self.digest:
            return Decision(fresh)
        raise RefusedError(
            "What would be done is not the plan that was read: the console, the policies, what a "
            f"role permits, or the time moved. Read: {short_digest(self.digest)}; now: "
            f"{short_digest(digest)}, for {_who(fresh)}.",
            "Let the drift report be made anew, read it, and start this again with its digest.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClock(Policies):
    """What windows ask for that opened or closed since people's access was last made right.

    Who is named in such a window is made to hold what the reviewed policies say. What somebody
    took away or gave by hand at another time waits for somebody who read it.
    """

    since: Settled

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Plan for those whose windows opened or closed, judged as a plan of its own."""
        whole = make_plan(wanted, actual, now)
        due = frozenset(
            one.name
            for one in whole.operations
            if any(change.reason in _BY_THE_CLOCK for change in one.changes)
            and self._is_due(one, wanted.policy, now)
        )
        return Decision(make_plan(wanted, actual, now, only=due))

    def show(self, decision: Decision, session: Session) -> None:
        """Print what is executed."""
        show_plan(decision, session)
        click.echo("Only windows that opened or closed; `ci drift` reports what else differs.")

    def _is_due(self, operation: Operation, policy: Policy, now: datetime) -> bool:
        """Tell whether a window of this principal began or ended since the last run."""
        since = self.since.of(operation.name)
        names = {operation.name.key, f"id:{operation.principal_id}"}
        bounds = (
            bound
            for each in policy.assignments
            if each.window and any(member.name.key in names for member in each.members)
            for bound in (each.window.start, each.window.end)
        )
        return any(bound and (since is None or since < bound) and bound <= now for bound in bounds)


def plan_file(content: bytes, digest: str, *, only_planned: bool) -> PlanFile:
    """Return a reviewed plan that was kept as a file.

    Raises SettingsError or RefusedError when it is none, or another than its comment says.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-plan-") as scratch:
        path = Path(scratch) / "reviewed.plan.json"
        path.touch(mode=0o600)
        path.write_bytes(content)
        found = PlanFile.read(path, only_planned=only_planned, is_approved=False)
    if saved_plan(found.tree).content_digest != digest:
        raise RefusedError(
            "The kept plan is not the one that the pull request shows.",
            "Find out who could write to either.",
        )
    return replace(found, bound=Bound.BY_CONTENT)


def _who(plan: Plan) -> str:
    names = [short(one.name.label) for one in plan.operations]
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {plural(more, 'other')}" if more > 0 else "")


_SHOWN = 5
