"""How much attention a change deserves. It orders what people read, and decides nothing."""

from collections.abc import Container

from reconciler.domain.access import Grant, Level
from reconciler.domain.plan import Risk


def risk_of(grant: Grant, giving_access: Container[str] = ()) -> Risk:
    """Rank one change: wide admin first, gained or lost, then admin and tenant-wide rights.

    `giving_access` has the ids of roles known to permit to change who may do what; they rank as
    Admin does. What other custom roles permit may be unknown, so one on an account or the tenant
    counts as medium.
    """
    is_wide = grant.scope.level is not Level.SITE
    if grant.role.is_admin or grant.role.id in giving_access:
        return Risk.HIGH if is_wide else Risk.MEDIUM
    if grant.scope.level is Level.TENANT or (is_wide and not grant.role.predefined):
        return Risk.MEDIUM
    return Risk.LOW
