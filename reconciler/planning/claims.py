"""From assignments to claims: who asks for which triple, when, and where it is written.

A claim is one triple with its window. Names are resolved here; what the claims of one principal
add up to at an instant is decided in `planning.resolve`.
"""

from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.access import Grant, Role, Scope
from reconciler.domain.names import PrincipalName
from reconciler.domain.policy import Assignment, Member, RoleName, ScopeName
from reconciler.errors import Problem
from reconciler.planning.catalog import Catalog
from reconciler.planning.conflicts import Claim as ConflictClaim


@dataclass(frozen=True, slots=True)
class Claim:
    """One triple asked for by one member of one assignment."""

    member: Member
    assignment: Assignment
    grant: Grant
    glob: str | None
    """The pattern that found the site; None when it is named."""

    @property
    def is_standing(self) -> bool:
        """True without a window."""
        return self.assignment.window is None

    def is_open(self, instant: datetime) -> bool:
        """Tell whether the claim is in force at `instant`, were it alone."""
        window = self.assignment.window
        return window is None or window.contains(instant)

    def is_past(self, instant: datetime) -> bool:
        """Tell whether the window has closed for good."""
        window = self.assignment.window
        return window is not None and window.is_past(instant)

    def for_conflicts(self, name: PrincipalName) -> ConflictClaim:
        """Put the claim, by ids and under one name, into the form the conflict rules judge."""
        scope, role = self.grant.scope, self.grant.role
        return ConflictClaim(
            principal=name,
            level=scope.level,
            scope_key=scope.id,
            scope_label=scope.name,
            role_key=role.id,
            role_label=role.name,
            window=self.assignment.window,
            replaces_standing=self.assignment.replaces_standing,
            place=self.member.place,
        )


class Claimer:
    """Resolves assignments, each distinct name once, and collects what does not resolve."""

    def __init__(self, catalog: Catalog, instant: datetime) -> None:
        self._catalog = catalog
        self._instant = instant
        self._scopes: dict[ScopeName, tuple[Scope, ...] | Problem] = {}
        self._roles: dict[tuple[RoleName, Scope], Role | Problem] = {}
        self.problems: list[Problem] = []

    def claims(self, assignment: Assignment) -> list[Claim]:
        """Return every claim of an assignment; problems are kept in `problems`."""
        window = assignment.window
        is_past = window is not None and window.is_past(self._instant)
        grants, problems = self._grants(assignment)
        if not is_past:
            # A plan must not start failing because a site vanished after a window closed.
            self.problems.extend(problems)
        return [
            Claim(member, assignment, grant, glob)
            for member in assignment.members
            for grant, glob in grants
        ]

    def grants(self, assignment: Assignment) -> list[tuple[Grant, str | None]]:
        """Return what an assignment asks for each member, with the pattern that found it.

        What does not resolve is left out; `claims` reports it.
        """
        return self._grants(assignment)[0]

    def _grants(
        self, assignment: Assignment
    ) -> tuple[list[tuple[Grant, str | None]], list[Problem]]:
        grants: list[tuple[Grant, str | None]] = []
        problems: list[Problem] = []
        for name in assignment.scopes:
            scopes = self._resolve_scope(name)
            if isinstance(scopes, Problem):
                problems.append(scopes)
                continue
            for scope in scopes:
                role = self._resolve_role(assignment.role, scope)
                if isinstance(role, Problem):
                    problems.append(role)
                else:
                    glob = name.text if name.is_glob else None
                    grants.append((Grant(scope, role), glob))
        return grants, problems

    def _resolve_scope(self, name: ScopeName) -> tuple[Scope, ...] | Problem:
        if name not in self._scopes:
            self._scopes[name] = self._catalog.scopes(name)
        return self._scopes[name]

    def _resolve_role(self, name: RoleName, scope: Scope) -> Role | Problem:
        key = (name, scope)
        if key not in self._roles:
            self._roles[key] = self._catalog.role(name, scope)
        return self._roles[key]
