"""One apply, from the lock to the last record; what decides the plan is given to it.

`apply` decides by the policies or by a saved plan, `ci apply` by what was reviewed on the code
host. Everything around that decision, and the order in which it happens, stands here once.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.journal import Journal
from reconciler.cli.console import write_client
from reconciler.cli.evidence import with_evidence
from reconciler.cli.files import Files, load_files
from reconciler.cli.history import with_history
from reconciler.cli.session import Session
from reconciler.cli.signals import ending_in_order
from reconciler.cli.signing import signed
from reconciler.cli.undoing import Undoing, with_undo
from reconciler.cli.writing.approval import ask
from reconciler.cli.writing.beforehand import settle, wait_out
from reconciler.cli.writing.delivery import Delivers
from reconciler.cli.writing.locking import locked
from reconciler.cli.writing.operations import Run, Written
from reconciler.cli.writing.reviewed import Decision
from reconciler.console.client import WriteClient
from reconciler.console.reader import read_actual
from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options, Plan
from reconciler.domain.review import Review
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode, RefusedError
from reconciler.planning.content import content_digest
from reconciler.planning.unsettled import unsettled
from reconciler.workflow.observe import roles_for_apply, with_permissions


class Basis(Protocol):
    """What decides which plan is executed."""

    @property
    def options(self) -> Options:
        """The options that shape the plan."""

    @property
    def instant(self) -> datetime | None:
        """The instant of what was reviewed; None when only now counts."""

    @property
    def role_ids(self) -> frozenset[str]:
        """The roles of what was reviewed: what they permit is read anew."""

    def check_origin(self, origin: str) -> None:
        """Raise RefusedError, before anything is read, when it is for another console."""

    def decide(self, wanted: Wanted, actual: Actual, now: datetime) -> Decision:
        """Return what to execute now. Raises RefusedError when what was reviewed is not that."""

    def show(self, decision: Decision, session: Session) -> None:
        """Print what is about to be executed."""


@dataclass(frozen=True, slots=True)
class Apply:
    """What one apply is asked to do."""

    files: Files
    basis: Basis
    journal: Path
    delivery: Delivers
    concurrency: int
    asks: bool = False
    """Whether somebody at a terminal is asked before the first write."""
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it."""

    code: int
    plan: Plan
    """What was executed, or refused."""
    head: str
    """The journal's head afterwards."""
    run: str
    """The id of the run in the journal."""
    unsettled: tuple[PrincipalName, ...] = ()
    """Whom the policies ask something else for, and the run left as they are."""
    written: Written | None = None
    """None when nothing was attempted."""


def carry_out(session: Session, apply: Apply) -> Applied:
    """Read, decide, write and record.

    Raises PolicyError, RefusedError, ConsoleError, JournalError and SettingsError as the parts
    do; whatever is raised before the first write leaves the console as it was.
    """
    basis = apply.basis
    wanted = load_files(session, apply.files, basis.options)
    runtime, run_id = session.runtime, secrets.token_hex(8)
    # Locked before the console is read, so that no other apply writes between plan and write.
    with (
        ending_in_order(runtime.hurry),
        Journal(apply.journal, now=runtime.now, run_id=run_id) as record,
        signed(record, apply.journal, runtime.environ),
        write_client(session) as client,
        locked(session, client.origin, record, run_id) as locks,
    ):
        wanted = with_evidence(session, apply.files, wanted, record.records, client.origin)
        wanted = with_undo(wanted, record.records)
        basis.check_origin(client.origin)
        wait_out(session, record, client.origin)
        actual = read_actual(client, session.progress())
        settle(record, actual)
        actual = _informed(session, client, wanted, actual, basis)
        now = session.instant()
        decision = basis.decide(wanted, actual, now)
        plan = with_history(session, apply.files, decision.plan)
        basis.show(replace(decision, plan=plan), session)
        left = unsettled(wanted, actual, plan, basis.instant or now, now)
        judged = events.left_out(decision.missing) | events.decided(now, left)
        if plan.refusals:
            _keep_refusal(record, plan, actual, apply.review)
            apply.delivery.after()
            return Applied(ExitCode.REFUSED, plan, record.head, run_id, tuple(left))
        if plan.is_empty:
            _keep_ends(record, plan, actual, apply.review, judged)
            delivered = apply.delivery.after()  # also what an earlier run could not
            code = max(_nothing_to_do(decision), delivered)
            return Applied(code, plan, record.head, run_id, tuple(left))
        if apply.asks:
            ask()
            actual = _informed(session, client, wanted, read_actual(client), basis)
            _check_again(plan, basis.decide(wanted, actual, session.instant()).plan)
        locks.check()
        undoing = Undoing(wanted, apply.journal, run_id)
        kept = (record, apply.concurrency, locks, apply.delivery, undoing, judged, apply.review)
        written = Run(session, client, actual, *kept).carry_out(plan)
        code = max(written.code, decision.code)
        return Applied(code, plan, record.head, run_id, tuple(left), written)


def _informed(
    session: Session, client: WriteClient, wanted: Wanted, actual: Actual, basis: Basis
) -> Actual:
    """Add what the roles permit that matter now, and those of what was reviewed."""
    role_ids = roles_for_apply(wanted, actual, basis.instant or session.instant())
    return with_permissions(client, actual, role_ids | basis.role_ids, session.progress())


def _check_again(shown: Plan, now: Plan) -> None:
    """Raise RefusedError unless what was approved is what would be done after the question."""
    if now.refusals:
        told = " ".join(refusal.message for refusal in now.refusals)
        raise RefusedError(f"Refused since the question was asked: {told}", "Run apply again.")
    # Not the plan's own digest: of a saved plan only a part may be due.
    if content_digest(now.options, now.operations) != content_digest(
        shown.options, shown.operations
    ):
        raise RefusedError(
            "A window opened or closed, or the console changed, while the question stood; "
            "nothing was written.",
            "Run apply again.",
        )


def _keep_refusal(record: Journal, plan: Plan, actual: Actual, review: Review | None) -> None:
    actor = actual.identity.label
    told = events.refused(plan, tool_version=__version__, actor=actor, review=review)
    record.append("refused", told)


def _keep_ends(
    record: Journal, plan: Plan, actual: Actual, review: Review | None, judged: events.Data
) -> None:
    """Record what is to end and was judged, though nothing has to be written for it yet.

    And that a reviewed commit was found to be so already: later runs go on from there.
    """
    is_new = bool(plan.ends) and not plan.options.undo_of
    if is_new or (review is not None and review.trigger != "schedule"):
        told = events.run_started(
            plan,
            tool_version=__version__,
            actor=actual.identity.label,
            review=review,
        )
        record.append("run-started", told | judged | events.ends(plan))
        record.append("run-finished", events.run_finished([]))


def _nothing_to_do(decision: Decision) -> int:
    """End without a write; raise RefusedError when a saved plan came to nothing on the way."""
    if all(one.is_done for one in decision.left_out):
        return ExitCode.DONE
    raise RefusedError(
        "Nothing of the saved plan still holds; nothing was written.",
        "Plan again, and have the new plan reviewed.",
    )
