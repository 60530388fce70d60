"""What names mean on one console: scope names and role names become scopes and roles.

None or several matches is a problem with candidates, never a guess (T35).
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from reconciler.domain.access import TENANT, Level, Role, Scope
from reconciler.domain.pins import PinnedRole, Pins
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.domain.state import Account, Actual, Site
from reconciler.errors import Problem
from reconciler.planning.nearest import nearest
from reconciler.planning.pinned import PinnedNames, meant, meant_roles

_Place = TypeVar("_Place", Account, Site)
_T = TypeVar("_T", Account, Site, Role)


class Catalog:
    """The accounts, sites and roles of one console, indexed by id and by name."""

    def __init__(self, actual: Actual, pins: Pins | None = None) -> None:
        self._pinned = PinnedNames(pins)
        self._accounts = {account.id: account for account in actual.accounts}
        self._sites = {site.id: site for site in actual.sites}
        self._roles = {role.id: role for role in actual.roles}
        self._accounts_named = _by_name(actual.accounts, lambda account: account.name)
        self._sites_named = _by_name(actual.sites, lambda site: site.scope.name)
        self._roles_named = _by_name(actual.roles, lambda role: role.name)
        self.deleted_site_ids = frozenset(s.id for s in actual.sites if s.state == "deleted")

    def scopes(self, name: ScopeName) -> tuple[Scope, ...] | Problem:
        """Resolve a scope as written; a glob may give several, everything else one."""
        if name.level is Level.TENANT:
            return (TENANT,)
        if name.level is Level.ACCOUNT:
            return self._account(name)
        return self._sites_matching(name) if name.is_glob else self._site(name)

    def role(self, name: RoleName, scope: Scope) -> Role | Problem:
        """Resolve a role among those that can be assigned on `scope`.

        A role can be assigned at its own scope and below (API reference, section 6.1).
        """
        if name.text.startswith("id:"):
            role = self._roles.get(name.text.removeprefix("id:"))
            found = [role] if role else []
        else:
            *owner, text = name.text.split("/")
            found = [r for r in self._roles_named.get(text, []) if self._owned_by(r, owner)]
        assignable = self._meant(name, [r for r in found if self._reaches(r, scope)], scope)
        if isinstance(assignable, Problem):
            return assignable
        if len(assignable) == 1:
            return assignable[0]
        if assignable:
            return Problem(
                name.place,
                "ambiguous-role",
                f'Several roles are called "{name.text}" on {scope.name}: '
                + ", ".join(f"{self.role_path(role)} (id:{role.id})" for role in assignable)
                + ".",
                "Qualify it by its owner (tenant/Role, Account/Role) or write id:...",
            )
        if found:
            owners = ", ".join(sorted(self.role_path(role) for role in found))
            return Problem(
                name.place,
                "role-out-of-scope",
                f'Role "{name.text}" cannot be assigned on {scope.name}; it belongs to {owners}.',
                "Name a role owned by this scope or by one above it.",
            )
        return Problem(
            name.place,
            "unknown-role",
            f'No role "{name.text}" that can be assigned on {scope.name}.',
            self._suggest_role(name.text, scope),
        )

    def role_named(self, text: str) -> frozenset[str]:
        """Return the ids of every role that may be written like this; none when unknown.

        A role that was called so when it was pinned is one of them: a rule about it still holds.
        """
        pinned = {pin.id for pin in self._pinned.roles(text)}
        return frozenset(
            role.id
            for role in self._roles.values()
            if role.id in pinned or text in {role.name, self.role_path(role), f"id:{role.id}"}
        )

    def suggest_role(self, text: str) -> str:
        """Return `Did you mean ...?` over all roles, or an empty string."""
        return did_you_mean(text, (role.name for role in self._roles.values()))

    def suggest_scope(self, text: str) -> str:
        """Return `Did you mean ...?` over all accounts and sites, or an empty string."""
        accounts = [one.scope.name for one in self._accounts.values() if one.state != "deleted"]
        sites = [one.scope.name for one in self._sites.values() if one.state != "deleted"]
        return did_you_mean(text, (*accounts, *sites))

    def role_path(self, role: Role) -> str:
        """Write a role with its owner: `tenant/SOC`, `Acme EMEA/Triage`."""
        return "/".join([*self._owner_path(role), role.name])

    def _account(self, name: ScopeName) -> tuple[Scope, ...] | Problem:
        return self._literal(name, self._accounts, self._accounts_named)

    def _site(self, name: ScopeName) -> tuple[Scope, ...] | Problem:
        found = self._literal(name, self._sites, self._sites_named)
        if name.id is None and not isinstance(found, Problem):
            # A site that is not pinned lies in the account that is.
            owner = self._accounts.get(found[0].account_id)
            pin = self._pinned.scope(Level.ACCOUNT, name.text.partition("/")[0])
            moved = meant(pin, [owner] if owner else [], self._accounts, name.place)
            return moved if isinstance(moved, Problem) else found
        return found

    def _literal(
        self, name: ScopeName, known: dict[str, _Place], named: dict[str, list[_Place]]
    ) -> tuple[Scope, ...] | Problem:
        """Resolve an account or a site by its id, or by its name now and as pinned."""
        found = [known[name.id]] if name.id in known else []
        if name.id is None:
            found = named.get(name.text, [])
        pin = None if name.id else self._pinned.scope(name.level, name.text)
        usable = meant(pin, [one for one in found if one.state != "deleted"], known, name.place)
        if isinstance(usable, Problem):
            return usable
        if len(usable) == 1:
            return (usable[0].scope,)
        names = [one.scope.name for one in known.values() if one.state != "deleted"]
        return _no_scope(name, name.level, len(found), [one.scope for one in usable], names)

    def _meant(self, name: RoleName, assignable: list[Role], scope: Scope) -> list[Role] | Problem:
        pins = [pin for pin in self._pinned.roles(name.text) if self._is_named(pin, name.text)]
        pinned = {pin.id: self._roles[pin.id] for pin in pins if pin.id in self._roles}
        reachable = {id_: role for id_, role in pinned.items() if self._reaches(role, scope)}
        return meant_roles(pins, assignable, reachable, scope, name.place)

    def _is_named(self, pin: PinnedRole, text: str) -> bool:
        """Tell `tenant/A/B`, a role called A/B, from one that is called B."""
        role = self._roles.get(pin.id)
        owner = "/".join(self._owner_path(role)) + "/" if role else ""
        own = pin.name.removeprefix(owner)
        return text in {pin.name, own} or own == pin.name

    def _sites_matching(self, name: ScopeName) -> tuple[Scope, ...] | Problem:
        account_name, _, pattern = name.text.partition("/")
        owners = self._accounts_named.get(account_name, [])
        pin = self._pinned.scope(Level.ACCOUNT, account_name)
        owning = meant(pin, owners, self._accounts, name.place)
        if isinstance(owning, Problem):
            return owning
        accounts = {account.id for account in owning}
        # Only * and ? are patterns in a policy; a bracket stands for itself.
        matches = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
        found = [
            site.scope
            for site in self._sites.values()
            if site.account_id in accounts and site.state == "active" and matches(site.name)
        ]
        if found and len(accounts) == 1:
            return tuple(sorted(found, key=lambda scope: scope.sort_key))
        if len(accounts) > 1:
            return Problem(
                name.place,
                "ambiguous-account",
                f'Several accounts are called "{account_name}".',
                "Name the sites by id:...",
            )
        return Problem(
            name.place,
            "glob-matches-nothing",
            f'"{name.text}" matches no active site.',
            "Correct the pattern, or remove it.",
        )

    def _owned_by(self, role: Role, owner: Sequence[str]) -> bool:
        return not owner or self._owner_path(role) == list(owner)

    def _owner_path(self, role: Role) -> list[str]:
        if role.owner_level == "account" and role.owner_id in self._accounts:
            return [self._accounts[role.owner_id].name]
        if role.owner_level == "site" and role.owner_id in self._sites:
            site = self._sites[role.owner_id]
            return [site.account_name, site.name]
        return [role.owner_level]

    @staticmethod
    def _reaches(role: Role, scope: Scope) -> bool:
        if role.owner_level == "tenant":
            return True
        if role.owner_level == "account":
            return role.owner_id == scope.account_id and scope.level is not Level.TENANT
        is_own_site = scope.level is Level.SITE and role.owner_id == scope.id
        return role.owner_level == "site" and is_own_site

    def _suggest_role(self, text: str, scope: Scope) -> str:
        names = {role.name for role in self._roles.values() if self._reaches(role, scope)}
        return did_you_mean(text, names) or f"Roles there: {', '.join(sorted(names))}."


def did_you_mean(text: str, candidates: Iterable[str]) -> str:
    """Return `Did you mean "..."?` for the nearest candidates, or an empty string."""
    quoted = " or ".join(f'"{name}"' for name in nearest(text, candidates))
    return f"Did you mean {quoted}?" if quoted else ""


def _no_scope(
    name: ScopeName, kind: str, found: int, usable: list[Scope], names: list[str]
) -> Problem:
    if usable:
        ids = ", ".join(f"id:{scope.id}" for scope in sorted(usable, key=lambda s: s.id))
        return Problem(
            name.place,
            f"ambiguous-{kind}",
            f'Several {kind}s are called "{name.text}": {ids}.',
            "Name it by its id.",
        )
    if found:
        return Problem(
            name.place,
            f"deleted-{kind}",
            f'The {kind} "{name.text}" is deleted.',
            "Remove it; grants that are still held there are left out of the next write.",
        )
    form = "Account/Site" if kind == "site" else "its exact name"
    return Problem(
        name.place,
        f"unknown-{kind}",
        f'No {kind} "{name.text}" on this console, as far as this token sees.',
        did_you_mean(name.text, names) or f"Write {form}, or id: and its id.",
    )


def _by_name(things: Iterable[_T], name: Callable[[_T], str]) -> dict[str, list[_T]]:
    index: dict[str, list[_T]] = {}
    for thing in things:
        index.setdefault(name(thing), []).append(thing)
    return index
