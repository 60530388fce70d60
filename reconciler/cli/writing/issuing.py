"""What `service-user create` and `rotate` share: judged, asked, recorded, and done once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from reconciler import __version__
from reconciler.audit import events
from reconciler.audit.history import past_revokes
from reconciler.audit.journal import Journal
from reconciler.cli.session import Session
from reconciler.cli.signals import Stopping
from reconciler.cli.telling import tell
from reconciler.cli.writing.approval import ask
from reconciler.cli.writing.delivery import Delivers, announce
from reconciler.cli.writing.locking import Locks
from reconciler.console.client import WriteClient
from reconciler.documents.secret_file import SecretFile
from reconciler.domain.outcome import Outcome
from reconciler.domain.plan import Operation, OperationKind, Plan
from reconciler.domain.state import Actual
from reconciler.domain.wanted import Wanted
from reconciler.errors import ExitCode, JournalError, ReconcilerError, RefusedError
from reconciler.planning.make import Seen
from reconciler.planning.names import Names
from reconciler.rendering.as_text import plan_text
from reconciler.rendering.messages import error_text
from reconciler.rendering.outcomes import outcome_text, token_text
from reconciler.rendering.safe import short
from reconciler.rendering.tree import plan_tree
from reconciler.workflow.execute import StoppedError
from reconciler.workflow.hands import Hands
from reconciler.workflow.observe import with_permissions
from reconciler.workflow.service_users import Around, Given, verify


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, and where the token goes."""

    plan: Callable[[Wanted, Seen], Plan]
    roles: Callable[[Seen], frozenset[str]]
    """Ids of the roles whose pages the guardrails want to see."""
    do: Callable[[Operation, datetime, Around], Given]
    expires: datetime
    secret_file: Path
    auto_approve: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything one such command works with, opened and locked."""

    session: Session
    client: WriteClient
    journal: Journal
    locks: Locks
    delivery: Delivers

    def issue(self, order: Order, wanted: Wanted, actual: Actual) -> int:
        """Judge, ask, do and record it; return the exit code.

        Raises PolicyError and RefusedError before anything is asked of the console, SettingsError
        when the file cannot be made, JournalError when the record cannot be kept.
        """
        past = past_revokes(self.journal.records, self.client.origin)
        wanted = replace(wanted, past_revokes=past)
        plan, actual = self._planned(order, wanted, actual)
        click.echo(self._told(plan), nl=False)
        label = actual.identity.label
        if plan.refusals:
            told_of = events.refused(plan, tool_version=__version__, actor=label)
            self.journal.append("refused", told_of)
            self.delivery.after()
            return ExitCode.REFUSED
        if not order.auto_approve:
            ask()
        self.locks.check()
        runtime = self.session.runtime
        with SecretFile(order.secret_file) as file, Stopping(runtime.hurry) as stopping:
            locks = self.locks.told()
            started = events.run_started(plan, tool_version=__version__, actor=label, locks=locks)
            self.journal.append("run-started", started)
            announce(self.delivery, self.journal)
            with self.delivery.escort(self.journal) as record:
                self.client.check_before_writes(lambda: self._check(stopping))
                around = Around(
                    Hands(self.client, actual),
                    record,
                    runtime.sleep,
                    lambda: self._check(stopping),
                )
                code = self._do(order, plan.operations[0], file, around)
            # Who asked the run to end waits for no sink; the next run delivers.
            return 128 + stopping.signal if stopping.signal else max(code, self.delivery.after())

    def _told(self, plan: Plan) -> str:
        """Say what is about to be done."""
        one = plan.operations[0]
        if one.kind is OperationKind.CREATE or plan.refusals:
            color, width = self.session.color_out, self.session.width_out
            return plan_text(plan_tree(plan, __version__), color=color, width=width)
        return (
            f"Renew the API token of {short(one.name.label)} (id:{one.principal_id}) on "
            f"{plan.origin}.\nThe old token stops at once: whoever uses it needs the new one.\n"
            + "".join(f"{note}\n" for note in one.notes)
        )

    def _planned(self, order: Order, wanted: Wanted, actual: Actual) -> tuple[Plan, Actual]:
        instant, names = self.session.instant(), Names.of(actual, wanted.pins)
        roles = order.roles(Seen(actual, names, instant))
        actual = with_permissions(self.client, actual, roles, self.session.progress())
        return order.plan(wanted, Seen(actual, names, instant)), actual

    def _check(self, stopping: Stopping) -> None:
        """Raise StoppedError when nothing more may be written."""
        if stopping.signal is not None:
            raise StoppedError("the run was interrupted")
        try:
            self.locks.check()
        except RefusedError as error:
            raise StoppedError(error.message) from error

    def _do(self, order: Order, operation: Operation, file: SecretFile, around: Around) -> int:
        """Do it; the token is in its file before anything else is read, said or recorded."""
        given = order.do(operation, order.expires, around)
        is_told = self._kept(given, file)
        given = verify(given, order.expires, around)
        tell(outcome_text(given.outcome, color=self.session.color_out))
        is_recorded = self._record(given.outcome)
        told = str(order.secret_file) if is_told else ""
        tell(token_text(told, order.expires, self.journal.head))
        is_done = given.is_verified and is_told and is_recorded
        return ExitCode.DONE if is_done else ExitCode.PARTIAL

    def _kept(self, given: Given, file: SecretFile) -> bool:
        """Put the token into its file; tell why that is impossible, and whether it was done."""
        if given.secret is None:
            return False
        try:
            file.keep(given.secret)
        except ReconcilerError as error:
            tell(error_text(error, color=self.session.color_err), err=True)
            return False
        return True

    def _record(self, outcome: Outcome) -> bool:
        """Record the end; by now the console was asked, so trouble is told and raises nothing."""
        try:
            self.journal.append("outcome", events.outcome(outcome))
            self.journal.append("run-finished", events.run_finished([outcome]))
        except JournalError as error:
            tell(error_text(error, color=self.session.color_err), err=True)
            return False
        return True
