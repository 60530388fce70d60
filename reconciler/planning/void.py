"""Names in policy tests that stand for nothing: a test about them could never fail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.domain.access import Level, Role, Scope
from reconciler.domain.expectation import Every, Everybody, Filter, Given, Nobody, Who
from reconciler.domain.policy import RoleName, ScopeName
from reconciler.domain.state import Actual
from reconciler.errors import Place
from reconciler.planning.globs import matches
from reconciler.planning.named import Holder, is_like, is_role, lies_in, reaches, roles_of

Rule = Nobody | Everybody | Every | Given


@dataclass(frozen=True, slots=True)
class Known:
    """Whatever a test may be about: what the policies name and, with a console, what it has."""

    holders: tuple[Holder, ...]
    roles: tuple[Role, ...]
    scopes: tuple[Scope, ...]
    sites: tuple[str, ...]
    """`Account/Site` of every site that is certain to be meant by a pattern, sorted."""
    has_console: bool = False
    """Whether `scopes` and `roles` are all that a console has."""

    @classmethod
    def of(cls, holders: Sequence[Holder], actual: Actual | None) -> "Known":
        """Gather what is known; patterns of the policies stand for no certain site."""
        grants = {claim.grant for holder in holders for claim in holder.claims}
        roles, scopes = {grant.role for grant in grants}, {grant.scope for grant in grants}
        if actual is None:
            literal = {s.name for s in scopes if s.level is Level.SITE and s.id == f"name:{s.name}"}
        else:
            roles.update(roles_of(actual))
            scopes.update(account.scope for account in actual.accounts)
            scopes.update(site.scope for site in actual.sites)
            literal = {site.scope.name for site in actual.sites if site.state == "active"}
        return cls(
            tuple(holders),
            tuple(roles),
            tuple(scopes),
            tuple(sorted(literal)),
            has_console=actual is not None,
        )

    def each(self, names: Iterable[ScopeName]) -> Iterator[ScopeName]:
        """Yield every scope once that is meant, patterns spelt out."""
        seen = set()
        for name in names:
            found = (
                [s for s in self.sites if matches(name.text, s)] if name.is_glob else [name.text]
            )
            for text in found:
                if text not in seen:
                    seen.add(text)
                    yield ScopeName(name.level, text, name.place)


def void(rule: Rule, known: Known) -> Iterator[tuple[str, Place]]:
    """Yield what a rule names that is nowhere, each with the place of the name."""
    match rule:
        case Nobody(access):
            yield from _void_filter(access, known)
        case Everybody(access, only):
            yield from _void_filter(access, known)
            yield from _void_filter(only, known)
        case Every():
            yield from _void_role(rule.role, known)
            for scope in rule.scopes:
                if scope.is_glob and not any(known.each([scope])):
                    yield _no_site(scope, known), scope.place
                elif not scope.is_glob:
                    yield from _void_scope(scope, known)
        case Given():
            yield from _void_who(rule.principal, known)
            for expected in rule.expected:
                yield from _void_role(expected.role, known)
                yield from _void_scope(expected.scope, known)


def _void_filter(access: Filter, known: Known) -> Iterator[tuple[str, Place]]:
    for who in access.principals:
        yield from _void_who(who, known)
    for role in access.roles:
        yield from _void_role(role, known)
    for scope in access.scopes:
        yield from _void_scope(scope, known)


def _void_who(who: Who, known: Known) -> Iterator[tuple[str, Place]]:
    if who.members is None and not any(is_like(who.text, one) for one in known.holders):
        yield _nowhere(f"principal like {who.text}", known), who.place
    elif who.members is not None and not who.members:
        yield f"{who.text} has no members, so the test says nothing", who.place


def _void_role(role: RoleName, known: Known) -> Iterator[tuple[str, Place]]:
    if not any(is_role(role, one) for one in known.roles):
        yield _nowhere(f"role {role.text}", known), role.place


def _void_scope(name: ScopeName, known: Known) -> Iterator[tuple[str, Place]]:
    """Above is not enough: a mistyped site would otherwise be reached by every tenant admin."""
    is_known = name.level is Level.TENANT or any(
        reaches(scope, name) and lies_in(scope, name)
        if scope.level is name.level
        else scope.level.rank > name.level.rank and lies_in(scope, name)
        for scope in known.scopes
    )
    if not is_known:
        yield _nowhere(f"{name.level} like {name.text}", known), name.place


def _no_site(name: ScopeName, known: Known) -> str:
    if known.has_console:
        return (
            f"there is no active site like {name.text}, so there is nothing to count on: correct it"
        )
    return (
        f"no policy names a site like {name.text} in full, so there is nothing to count on: "
        "correct it, or give the sites with --snapshot FILE"
    )


def _nowhere(what: str, known: Known) -> str:
    if known.has_console:
        return (
            f"there is no {what} in the policies or the snapshot, so the test could not fail: "
            "correct it"
        )
    return (
        f"there is no {what} in the policies, so the test could not fail: correct it; what only "
        "the console has is known with --snapshot FILE"
    )
