"""What is known about who has which access: the policies, and a console where there is one.

Without a console names stay as they are written: a site pattern is one scope, whose id is its
text. Then nothing is resolved, and nobody is asked.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import TENANT, Grant, Level, Role, Scope
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.pins import Pins
from reconciler.domain.policy import Assignment, Policy, ScopeName
from reconciler.domain.state import Actual, Principal
from reconciler.errors import Place, Problem, SettingsError
from reconciler.planning.catalog import did_you_mean
from reconciler.planning.claims import Claim, Claimer
from reconciler.planning.identities import identities
from reconciler.planning.names import Names
from reconciler.planning.pinned import check_origin

_COMMAND_LINE = Place("--on")


@dataclass(frozen=True, slots=True)
class Known:
    """Claims and principals, under one name each."""

    actual: Actual | None
    instant: datetime
    names: Names | None
    claims: dict[PrincipalName, list[Claim]]
    """Everybody whom an assignment names; past windows too."""
    principals: dict[PrincipalName, list[Principal]]
    """Everybody on the console; several where a name is not unique."""
    former: dict[PrincipalName, Place]
    users: dict[PrincipalName, Place]
    """Everybody under `users:`."""
    problems: tuple[Problem, ...]
    """Names in the policies that mean nothing on this console, whose grants are left out; and
    names that are somebody else's than was pinned."""

    @classmethod
    def of(
        cls, policy: Policy, actual: Actual | None, instant: datetime, pins: Pins | None = None
    ) -> "Known":
        """Gather what the policies ask for and what the console has, `instant` in UTC.

        With pins, names mean what they meant when they were pinned. Raises PolicyError when these
        are about another console.
        """
        if actual is not None:
            check_origin(pins, actual.origin)
        names = Names.of(actual, pins) if actual else None
        claimer = Claimer(names.catalog, instant) if names else None
        claims: dict[PrincipalName, list[Claim]] = {}
        for entry in policy.assignments:
            for member in entry.members:
                claims.setdefault(_canonical(member.name, names), [])
            for claim in claimer.claims(entry) if claimer else _as_written(entry):
                claims[_canonical(claim.member.name, names)].append(claim)
        principals: dict[PrincipalName, list[Principal]] = {}
        for principal in actual.principals if actual else ():
            name = _canonical(_by_id(principal), names)
            principals.setdefault(name, []).append(principal)
        return cls(
            actual=actual,
            instant=instant,
            names=names,
            claims=claims,
            principals=principals,
            former={_canonical(each.name, names): each.place for each in policy.former},
            users={_canonical(each.name, names): each.place for each in policy.users},
            problems=(
                *(claimer.problems if claimer else ()),
                *(identities(policy, actual, pins) if actual else ()),
                *(names.people.pins(policy.users) if names else ()),
            ),
        )

    @property
    def deleted_site_ids(self) -> frozenset[str]:
        """Return the sites on which nothing counts."""
        return self.names.catalog.deleted_site_ids if self.names else frozenset()

    def canonical(self, name: PrincipalName) -> PrincipalName:
        """Return the one name under which a principal is known here."""
        return _canonical(name, self.names)

    def roles(self) -> frozenset[Role]:
        """Return every role of the console, or every role as written."""
        if self.actual:
            return frozenset(self.actual.roles)
        return frozenset(claim.grant.role for own in self.claims.values() for claim in own)

    def scope(self, text: str) -> Scope:
        """Return the scope that a person means: tenant, an account, Account/Site or id:...

        Raises SettingsError for a pattern, and for what is not on the console.
        """
        if text.casefold() == TENANT.name:
            return TENANT
        if any(char in text for char in "*?"):
            raise SettingsError(f'--on "{text}": name one scope, no pattern.')
        return _resolved(text, self.names) if self.names else self._written(text)

    def check_named(self, scope: Scope) -> None:
        """Raise SettingsError, without a console, when no policy names a scope.

        Neither by its name nor by a pattern: it may be misspelt, and nobody could tell.
        """
        scopes = {claim.grant.scope for own in self.claims.values() for claim in own}
        named = {name for each in scopes for name in (each.name, each.account_id) if name}
        found = any(reaches(each, scope) for each in scopes if each.level is Level.SITE)
        if not (self.names or scope == TENANT or scope.name in named or found):
            plain = {name for name in named if not set("*?") & set(name)}
            ask = "Other scopes only a console knows: --from console, or --snapshot FILE."
            raise SettingsError(
                f'--on "{scope.name}": no policy names it.',
                f"{did_you_mean(scope.name, {*plain, TENANT.name})} {ask}".strip(),
            )

    def _written(self, text: str) -> Scope:
        scopes = {claim.grant.scope for own in self.claims.values() for claim in own}
        accounts = {scope.id for scope in scopes if scope.level is Level.ACCOUNT}
        is_site = "/" in text or (text.startswith("id:") and text not in accounts)
        return _scope_as_written(Level.SITE if is_site else Level.ACCOUNT, text)


def reaches(scope: Scope, on: Scope) -> bool:
    """Tell whether access on `scope`, perhaps a site pattern as written, counts on `on`."""
    if scope.covers(on):
        return True
    if scope.level is not Level.SITE or on.level is not Level.SITE or scope.id != scope.name:
        return False
    account, _, pattern = scope.name.partition("/")
    other, _, site = on.name.partition("/")
    # Only * and ? are patterns in a policy; a bracket stands for itself.
    found = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match(site)
    return account == other and found is not None


def _resolved(text: str, names: Names) -> Scope:
    level = Level.SITE if "/" in text else Level.ACCOUNT
    found = names.catalog.scopes(ScopeName(level, text, _COMMAND_LINE))
    if isinstance(found, Problem) and text.startswith("id:"):
        found = names.catalog.scopes(ScopeName(Level.SITE, text, _COMMAND_LINE))
    if isinstance(found, Problem):
        raise SettingsError(
            f"--on: {found.message}", names.catalog.suggest_scope(text) or found.remedy
        )
    return found[0]


def _canonical(name: PrincipalName, names: Names | None) -> PrincipalName:
    return names.people.canonical(name) if names else name


def _by_id(principal: Principal) -> PrincipalName:
    if principal.kind is PrincipalKind.SERVICE:
        return PrincipalName.service(f"id:{principal.id}")
    return principal.name


def _as_written(assignment: Assignment) -> Iterable[Claim]:
    role = Role(assignment.role.text, assignment.role.text)
    for member in assignment.members:
        for name in assignment.scopes:
            scope = _scope_as_written(name.level, name.text)
            yield Claim(member, assignment, Grant(scope, role), name.text if name.is_glob else None)


def _scope_as_written(level: Level, text: str) -> Scope:
    if level is Level.TENANT:
        return TENANT
    account = text if level is Level.ACCOUNT else text.partition("/")[0] * ("/" in text)
    return Scope(level, text, text, account)
