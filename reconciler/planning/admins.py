"""Admins who count: standing, able to log in, on a scope or above it.

Only somebody who is an admin before the plan counts after it. An admin that the plan itself makes
may fail to be made, so the floor then holds after every prefix of the operations and whichever of
them fails (T43).
"""

from collections.abc import Iterable

from reconciler.domain.access import Scope
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Refusal
from reconciler.domain.state import Actual
from reconciler.planning.judged import Held, Judged
from reconciler.planning.project import Holders, project


def admin_floor(judged: Judged) -> Iterable[Refusal]:
    """Every scope with admins keeps enough of them, whatever part of the plan succeeds."""
    floor = judged.limit("min_admins", judged.guardrails.min_admins)
    before, after = _admins(judged)
    for scope in _scopes(before):
        had, left = _reaching(before, scope), _reaching(after, scope)
        kept = had & left
        if len(kept) < floor and len(kept) < len(had):
            yield Refusal(
                "min_admins",
                f"{scope.name} would be left with {_admins_text(len(kept))} who can log in; it "
                f"has {len(had)}, and at least {floor:g} must remain.",
                "Grant Admin to somebody else first, in a change of its own; service users, "
                "unverified accounts and open windows do not count.",
            )


def short_of_admins(judged: Judged) -> Iterable[tuple[Scope, int]]:
    """Return the scopes that already have too few admins, with their number."""
    floor = judged.limit("min_admins", judged.guardrails.min_admins)
    before, _ = _admins(judged)
    for scope in _scopes(before):
        count = len(_reaching(before, scope))
        if count < floor:
            yield scope, count


def _admins(judged: Judged) -> tuple[Holders, Holders]:
    """Return the standing admin grants of everybody who counts, before and after."""
    countable = _countable(judged.actual)

    def admin_grants(state: Holders, ignored: frozenset[Held]) -> Holders:
        found = {
            id_: tuple(g for g in grants if g.role.is_admin and (id_, g) not in ignored)
            for id_, grants in state.items()
            if id_ in countable
        }
        return {id_: grants for id_, grants in found.items() if grants}

    passing = judged.windowed - judged.ending
    return (
        admin_grants(judged.holders, passing | judged.forgiven),
        admin_grants(project(judged.holders, judged.operations), judged.windowed),
    )


def _countable(actual: Actual) -> set[str]:
    return {
        principal.id
        for principal in actual.principals
        if principal.kind is PrincipalKind.USER and principal.can_log_in and not principal.is_system
    }


def _scopes(state: Holders) -> list[Scope]:
    """Return the scopes that have an admin of their own, widest first."""
    found = {grant.scope for grants in state.values() for grant in grants}
    return sorted(found, key=lambda scope: scope.sort_key)


def _reaching(state: Holders, scope: Scope) -> set[str]:
    """Return who is admin of a scope, holders above included."""
    return {
        id_ for id_, grants in state.items() if any(grant.scope.covers(scope) for grant in grants)
    }


def _admins_text(count: int) -> str:
    return f"{count} admin{'' if count == 1 else 's'}"
