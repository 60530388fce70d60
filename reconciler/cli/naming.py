"""Drift with a name on it: who last changed a principal, by the console's own activity log."""

from collections.abc import Mapping
from dataclasses import replace

import click

from reconciler.audit.reconcile import Activity
from reconciler.cli.console import read_client
from reconciler.cli.session import Session
from reconciler.domain.plan import Operation, Plan, Reason
from reconciler.errors import ConsoleError
from reconciler.rendering.safe import visible
from reconciler.workflow.activities import newest_by_target

_MOST = 100
"""Characters of a name, which somebody else chose."""


def with_names(session: Session, plan: Plan) -> Plan:
    """Return the plan with a note on each operation that mends drift: who last changed whom.

    Asks nothing when nothing drifted. A log that cannot be read is one line on stderr and
    changes nothing else (contract, "The plan").
    """
    if not any(map(_is_drift, plan.operations)):
        return plan
    try:
        with read_client(session) as client:
            newest = newest_by_target(client)
    except ConsoleError as error:
        click.echo(f"Not known, who changed this: {visible(error.message)}", err=True)
        return plan
    return replace(plan, operations=tuple(_named(each, newest) for each in plan.operations))


def _is_drift(operation: Operation) -> bool:
    return any(change.reason is Reason.CONSOLE_DRIFT for change in operation.changes)


def _named(operation: Operation, newest: Mapping[str, Activity]) -> Operation:
    last = newest.get(operation.principal_id or "")
    if last is None or not _is_drift(operation):
        return operation
    note = f"last changed by {last.actor[:_MOST] or 'nobody named'} at {last.time[:_MOST]}"
    return replace(operation, notes=(*operation.notes, note))
