"""What one whole reading of a console told, as records, and the actual state built of it. Pure.

A console and a snapshot of it come together here, so both mean the same, errors included.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.console import wire
from reconciler.console.fields import Record
from reconciler.console.grants import Directory
from reconciler.domain.access import Level
from reconciler.domain.names import PrincipalKind
from reconciler.domain.state import Account, Actual, Identity, Site
from reconciler.errors import IncompleteReadError


@dataclass(frozen=True, slots=True)
class Records:
    """Every listing whole, as the console gave it (API reference, section 5)."""

    origin: str
    """`https://host[:port]` of the console."""
    identity: Identity
    """Whose token read it."""
    accounts: tuple[Record, ...] | None
    """None when the token may not list them, which is so at site level (section 9)."""
    sites: tuple[Record, ...]
    users: tuple[Record, ...]
    service_users: tuple[Record, ...]
    roles: tuple[Record, ...]
    """A role may carry the `pages` of what it permits."""


def build_actual(records: Records) -> Actual:
    """Return the actual state, without permissions: listings tell none.

    Raises NotUnderstoodError and IncompleteReadError as `wire` does, the latter also for a token
    above site level without a list of accounts: those without sites would be missed.
    """
    sites = tuple(sorted(map(wire.read_site, records.sites), key=lambda site: int(site.id)))
    accounts, notes = _accounts(records, sites)
    roles = tuple(sorted(map(wire.read_role, records.roles), key=lambda role: int(role.id)))
    directory = Directory.of(accounts, sites, roles, records.identity.level)
    listed = ((PrincipalKind.USER, records.users), (PrincipalKind.SERVICE, records.service_users))
    principals = [
        wire.read_principal(kind, record, directory) for kind, found in listed for record in found
    ]
    return Actual(
        origin=records.origin,
        identity=records.identity,
        accounts=accounts,
        sites=sites,
        roles=roles,
        principals=tuple(sorted(principals, key=lambda p: (p.kind, p.name.key, int(p.id)))),
        notes=notes,
    )


def _accounts(
    records: Records, sites: Iterable[Site]
) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    """Return the accounts and a note when they had to be taken from the sites."""
    if records.accounts is not None:
        accounts = map(wire.read_account, records.accounts)
        return tuple(sorted(accounts, key=lambda account: int(account.id))), ()
    if records.identity.level is not Level.SITE:
        raise IncompleteReadError(
            f"the accounts could not be listed, by a token at {records.identity.level} level",
            "Give the token's role the permission Accounts.view, and read again.",
        )
    derived = {
        site.account_id: Account(site.account_id, site.account_name, "active")
        for site in sites
        if site.account_id
    }
    ordered = tuple(sorted(derived.values(), key=lambda account: int(account.id)))
    return ordered, ("this token may not list accounts; they were taken from the sites it sees",)
