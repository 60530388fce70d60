"""How much attention a change deserves. It orders what people read, and decides nothing."""

from reconciler.domain.access import Grant, Level
from reconciler.domain.plan import Risk


def risk_of(grant: Grant) -> Risk:
    """Rank one change: wide admin first, gained or lost, then admin and tenant-wide rights.

    What a custom role permits is not read yet, so a custom role on an account or the tenant
    counts as medium.
    """
    is_wide = grant.scope.level is not Level.SITE
    if grant.role.is_admin:
        return Risk.HIGH if is_wide else Risk.MEDIUM
    if grant.scope.level is Level.TENANT or (is_wide and not grant.role.predefined):
        return Risk.MEDIUM
    return Risk.LOW
