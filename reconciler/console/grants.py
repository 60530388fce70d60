"""`scopeRoles` <-> grants. Pure; the one place that knows how a role on a scope is written.

API reference, section 6: one level for each principal, one role for each scope, and three older
fields (`siteRoles`, `tenantRoles`, `roleName`) that may say more or less than `scopeRoles`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.console.fields import Record, checked_id, entries, not_understood, text
from reconciler.domain.access import TENANT, Grant, Level, Role, Scope, sort_grants
from reconciler.domain.plan import Holding
from reconciler.domain.state import Account, Actual, Site
from reconciler.errors import IncompleteReadError, RefusedError

_ROLES_REMEDY = "Give the token's role the permission Roles.view on all scopes, or try again."


@dataclass(frozen=True, slots=True)
class Directory:
    """What entries may point at, and how far the token sees."""

    scopes: Mapping[tuple[Level, str], Scope]
    """Accounts and sites in every state, deleted ones too, by level and id."""
    roles: Mapping[str, Role]
    """By id."""
    level: Level
    """The token's own level."""

    @classmethod
    def of(
        cls, accounts: Iterable[Account], sites: Iterable[Site], roles: Iterable[Role], level: Level
    ) -> "Directory":
        """Index what was listed."""
        scopes = [TENANT, *(account.scope for account in accounts), *(site.scope for site in sites)]
        return cls(
            {(scope.level, scope.id): scope for scope in scopes},
            {role.id: role for role in roles},
            level,
        )

    @classmethod
    def of_actual(cls, actual: Actual) -> "Directory":
        """Index what an earlier reading found."""
        return cls.of(actual.accounts, actual.sites, actual.roles, actual.identity.level)

    def knows(self, grant: Grant) -> bool:
        """Tell whether both the scope and the role of a grant were listed."""
        scope = grant.scope
        return (scope.level, scope.id) in self.scopes and grant.role.id in self.roles


def read_grants(
    record: Record, level: Level, directory: Directory, what: str
) -> tuple[tuple[Grant, ...], bool]:
    """Return the grants of one principal and whether some of them may be out of sight.

    Out of sight (quirk 20): an entry on a scope that was not listed, a site in the deprecated
    `siteRoles` that the entries do not cover, a level above the token's, or a tenant principal
    that names no role at all. Raises NotUnderstoodError without a `scopeRoles` list, and
    IncompleteReadError for a role on a listed scope that the role list lacks (T48).
    """
    written = entries(record, "scopeRoles", what)
    if level is Level.TENANT:
        grants = _tenant_grants(record, written, directory, what)
        return grants, not grants or level.rank < directory.level.rank
    grants = sort_grants({_grant(entry, level, directory, what) for entry in written})
    hidden = (
        level.rank < directory.level.rank
        # Nobody holds nothing; a token below the tenant may have been shown a cut list.
        or (not grants and directory.level is not Level.TENANT)
        or any((grant.scope.level, grant.scope.id) not in directory.scopes for grant in grants)
        or any(
            not any(grant.scope.covers(site) for grant in grants)
            for site in _older_sites(record, directory, what)
        )
    )
    return grants, hidden


def write_grants(holding: Holding) -> dict[str, Any]:
    """Return `scope` and the whole `scopeRoles` list of a request, ids only.

    The console replaces the list in full, and an empty one might clear everything (quirks 1 to
    3), so RefusedError for an empty list, for grants of another level and for two roles on one
    scope; nothing is sent then. The tenant's one entry has no `id`.
    """
    scopes = {grant.scope for grant in holding.grants}
    if not scopes:
        raise _never_sent("a principal with no grants, which the console cannot hold")
    if any(scope.level is not holding.level for scope in scopes):
        raise _never_sent(f"grants of another level than {holding.level}")
    if len(scopes) != len(holding.grants):
        raise _never_sent("two roles on one scope, of which the console keeps one")
    return {
        "scope": holding.level.value,
        "scopeRoles": [_entry(grant) for grant in sort_grants(list(holding.grants))],
    }


def _grant(entry: Record, level: Level, directory: Directory, what: str) -> Grant:
    identity = checked_id(entry.get("id"), f"an entry of {what}")
    scope = directory.scopes.get((level, identity))
    if scope is not None:
        return Grant(scope, _role(entry, directory, what))
    # Out of the token's sight, so its role may be too; the principal becomes unmanageable.
    name, account = text(entry, "name"), text(entry, "accountName")
    shown = f"{account}/{name}" if level is Level.SITE else name
    unseen = Scope(level, identity, shown, identity if level is Level.ACCOUNT else "")
    role_id = checked_id(entry.get("roleId"), f"the role of {what}")
    role = directory.roles.get(role_id) or Role(role_id, text(entry, "roleName"), level, identity)
    return Grant(unseen, role)


def _tenant_grants(
    record: Record, written: list[Record], directory: Directory, what: str
) -> tuple[Grant, ...]:
    """Read 0 or 1 entries, whatever their id; else the older `tenantRoles` (section 6, item 9)."""
    if len(written) > 1:
        raise not_understood(f"{what} has several entries on the tenant")
    if written:
        return (Grant(TENANT, _role(written[0], directory, what)),)
    older = record.get("tenantRoles")
    if not isinstance(older, list) or not older:
        return ()
    # The field's text says ids, its example shows a name.
    found = [
        role
        for role in directory.roles.values()
        if role.id == older[0] or (role.owner_level == Level.TENANT and role.name == older[0])
    ]
    if len(found) != 1:
        raise IncompleteReadError(
            f"{what} has a tenant role that the role list does not settle", _ROLES_REMEDY
        )
    return (Grant(TENANT, found[0]),)


def _role(entry: Record, directory: Directory, what: str) -> Role:
    identity = checked_id(entry.get("roleId"), f"the role of {what}")
    if identity not in directory.roles:
        raise IncompleteReadError(
            f"{what} has the role id {identity}, which is not in the role list",
            _ROLES_REMEDY,
        )
    return directory.roles[identity]


def _older_sites(record: Record, directory: Directory, what: str) -> list[Scope]:
    if not record.get("siteRoles"):
        return []
    ids = (checked_id(e.get("id"), f"a site of {what}") for e in entries(record, "siteRoles", what))
    return [directory.scopes.get((Level.SITE, i)) or Scope(Level.SITE, i, i) for i in ids]


def _entry(grant: Grant) -> dict[str, str]:
    role = {"roleId": checked_id(grant.role.id, "a role to be written")}
    if grant.scope.level is Level.TENANT:
        return role
    return {"id": checked_id(grant.scope.id, "a scope to be written"), **role}


def _never_sent(what: str) -> RefusedError:
    return RefusedError(
        f"refused to write {what}; nothing was sent",
        "This is a fault of the product; please report it with the plan.",
    )
