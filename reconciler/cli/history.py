"""The commits that brought a plan's changes, for whoever reads it."""

from reconciler.cli.files import Files
from reconciler.cli.session import Session, child_environment
from reconciler.documents.history import read_history
from reconciler.domain.plan import Plan
from reconciler.planning.causes import with_commits


def with_history(session: Session, files: Files, plan: Plan) -> Plan:
    """Return the plan with commits where git knows them; never raises, never needs git."""
    changes = [change for operation in plan.operations for change in operation.changes]
    if not changes:
        return plan
    places = {change.places[0] for change in changes if change.places}
    environ = child_environment(session.runtime.environ)
    history = read_history(files.policies, places, files.base, environ, files.shown)
    return with_commits(plan, history)
