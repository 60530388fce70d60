"""What decides which plan an apply in CI executes: a review, a digest, or the clock."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

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
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Operation, Options, Plan, Reason
from reconciler.domain.policy import Policy
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import PolicyError, RefusedError
from reconciler.planning.intersection import OVER
from reconciler.planning.make import make_plan
from reconciler.planning.unsettled import has_bound
from reconciler.rendering.safe import short
from reconciler.rendering.tree import differing, plan_tree
from reconciler.rendering.wording import plural
from reconciler.workflow.binding import Bound

_Triple = tuple[PrincipalName, str, str]
"""Who, on which scope, which role; ids."""
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
        if self.file:
            self._check_coming(make_plan(wanted, actual, self.file.instant), self.file.tree)
        if fresh.is_empty or (fresh.content_digest == self.digest and self._is_shown(fresh)):
            return Decision(fresh)
        if self.file:
            try:
                decision = self.file.decide(wanted, actual, now)
            except RefusedError as error:
                # It was merged: nobody can have it reviewed again.
                raise RefusedError(error.message, self.remedy) from error
            # Whom a window has overtaken since is on record as unsettled, and waits for the clock.
            left = (one for one in decision.left_out if one.why != OVER)
            return replace(decision, left_out=tuple(left), is_partial=False)
        raise RefusedError(
            "What would be done is not the plan that was read: the console, the policies or the "
            f"time moved. Read: {short_digest(self.digest)}; now: "
            f"{short_digest(fresh.content_digest)}, for {_who(fresh)}.",
            self.remedy,
        )

    def _check_coming(self, again: Plan, saved: Mapping[str, Any]) -> None:
        """Raise RefusedError when a window of this change opens later that the plan did not show.

        Two requests that say nothing of it each can make one together: a group's new member, and
        a window for the group.
        """
        shown = {_opening(each) for each in saved.get("coming", ())}
        unseen = [
            each["principal"]["name"]
            for each in plan_tree(again, __version__).get("coming", ())
            if each["is_new"] and _opening(each) not in shown
        ]
        if unseen:
            raise RefusedError(
                "With what was merged meanwhile, a window opens later that the plan which was read "
                f"does not show: for {', '.join(map(short, unseen[:_SHOWN]))}.",
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
        # Also when nothing is to be done: the clock goes on from here, to windows that open later.
        if digest == self.digest:
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
    took away or gave by hand at another time waits for somebody who read it. A window is opened
    only while the newest commit asks for it too, applied or not: who cancelled it meant that.
    """

    since: Settled
    newest: Wanted | None
    """What the newest commit asks for; None when it cannot be read, and then nothing opens."""

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Plan for those whose windows opened or closed, judged as a plan of its own.

        An opening that is refused holds no closing up.
        """
        due = [
            one
            for one in make_plan(wanted, actual, now).operations
            if any(change.reason in _BY_THE_CLOCK for change in one.changes)
            and self._is_due(one, wanted.policy, now)
        ]
        opening = [one for one in due if _opened(one)]
        agreed = self._agreed(actual, now)
        closing = {one.name for one in due} - {one.name for one in opening}
        open_ = {one.name for one in opening if _opened(one) <= agreed}
        both = make_plan(wanted, actual, now, only=frozenset(closing | open_))
        if not both.refusals:
            return Decision(both)
        alone = make_plan(wanted, actual, now, only=frozenset(closing))
        if alone.is_empty or alone.refusals:
            return Decision(both)
        return Decision(alone, refusals=both.refusals)

    def show(self, decision: Decision, session: Session) -> None:
        """Print what is executed, and what is not for a refusal."""
        show_plan(decision, session)
        for refusal in decision.refusals:
            click.echo(f"Not opened, {refusal.rule}: {refusal.message}\n  {refusal.remedy}")
        click.echo("Only windows that opened or closed; `ci drift` reports what else differs.")

    def _is_due(self, operation: Operation, policy: Policy, now: datetime) -> bool:
        """Tell whether a window of this principal began or ended since it was right."""
        name, since = operation.name, self.since.of(operation.name)
        return has_bound(policy, name, operation.principal_id, since=since, until=now)

    def _agreed(self, actual: Actual, now: datetime) -> frozenset[_Triple]:
        """Return what the newest commit would open now."""
        if self.newest is None:
            return frozenset()
        try:
            newest = make_plan(self.newest, actual, now)
        except PolicyError:
            return frozenset()
        return frozenset().union(*map(_granted, newest.operations))


def _opening(coming: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Return who is granted what and when, whatever line of the files asks for it.

    Without the id of the principal, which somebody invited meanwhile has got only now.
    """
    who, scope, window = coming["principal"], coming["scope"], coming["window"]
    what = (coming["role"]["id"], scope["level"], scope["id"] or scope["name"])
    return who["kind"], who["name"], *what, window["from"], window["until"]


def _granted(operation: Operation) -> frozenset[_Triple]:
    return frozenset(
        (operation.name, change.grant.scope.id, change.grant.role.id) for change in operation.grants
    )


def _opened(operation: Operation) -> frozenset[_Triple]:
    """Return what an operation grants because a window has opened."""
    opened = tuple(one for one in operation.changes if one.reason is Reason.WINDOW_OPENED)
    return _granted(replace(operation, changes=opened))


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
    if not names:
        return "nobody: what there was to do is done, or a window has opened since"
    return ", ".join(names[:_SHOWN]) + (f" and {plural(more, 'other')}" if more > 0 else "")


_SHOWN = 5
