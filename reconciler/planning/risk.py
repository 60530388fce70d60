"""How much attention a change deserves. It orders what people read, and decides nothing."""

from reconciler.domain.access import Grant, Level
from reconciler.domain.plan import Action, Risk


def risk_of(action: Action, grant: Grant) -> Risk:
    """Rank one change: wide admin first, then admin and tenant-wide rights, then the rest.

    What a custom role permits is not read yet, so a custom role on an account or the tenant
    counts as medium.
    """
    is_wide = grant.scope.level is not Level.SITE
    if grant.role.is_admin:
        return Risk.HIGH if is_wide and action is Action.GRANT else Risk.MEDIUM
    if grant.scope.level is Level.TENANT or (is_wide and not grant.role.predefined):
        return Risk.MEDIUM
    return Risk.LOW
