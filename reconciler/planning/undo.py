"""What a run did -> a desired state that undoes it, judged and carried out like any other.

Each principal goes back to what it held before, on condition that it still holds exactly what the
run left: whoever was changed since is left alone and named, and so is what the console cannot
bring back, what was held for a time that is over, and whoever the policies call `former` by now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.domain.access import TENANT, Grant, sort_grants
from reconciler.domain.desired import Desired, DesiredGrant, DesiredPrincipal
from reconciler.domain.ends import End
from reconciler.domain.guardrails import NothingLeft
from reconciler.domain.names import PrincipalKind
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Holding, Operation, Reason
from reconciler.domain.policy import Former, Window
from reconciler.domain.state import Actual, Principal
from reconciler.domain.undo import Done, Undo
from reconciler.domain.wanted import Wanted
from reconciler.errors import Problem, RefusedError
from reconciler.planning.compare import precondition, precondition_of
from reconciler.planning.names import Names


def restored(
    undo: Undo, wanted: Wanted, actual: Actual, names: Names, instant: datetime
) -> Desired:
    """Return everybody whom the run changed and nobody since, as they were before it.

    No reason goes with it: who wrote one wrote it for the run, not for its undo. Raises
    RefusedError when the run wrote to another console.
    """
    if undo.origin != actual.origin:
        raise RefusedError(
            f"The run {undo.of.run} wrote to {undo.origin}, and this console is {actual.origin}.",
            "Point SENTINELONE_URL at the console that the run wrote to.",
        )
    back = _Back(wanted, actual, names, instant)
    for done in undo.done:
        back.take(done)
    unknown = (
        *(
            _left(name.label, "may or may not have been changed by the run", _LOOK)
            for name in undo.open
        ),
        *(_left(name.label, _CHANGED, _LOOK) for name in undo.changed),
    )
    ordered = sorted(back.principals, key=lambda one: one.name)
    return Desired(tuple(ordered), (), (_redone(undo), *back.left, *unknown))


def as_undo(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Return operations whose every change is there because a run is undone."""
    return tuple(
        replace(each, changes=tuple(replace(one, reason=Reason.UNDO) for one in each.changes))
        for each in operations
    )


def after_run(actual: Actual, outcomes: Iterable[Outcome]) -> Actual:
    """Return the state that a run left behind, by what it applied."""
    found = {(one.kind, one.id): one for one in actual.principals}
    for outcome in outcomes:
        operation = outcome.operation
        id_ = operation.principal_id or outcome.created_id
        if outcome.result is not Result.APPLIED or id_ is None:
            continue
        key = operation.name.kind, id_
        if operation.after is None:
            found.pop(key, None)
        else:
            found[key] = _changed(found.get(key), id_, operation, operation.after)
    ordered = sorted(found.values(), key=lambda one: (one.kind, one.name.key, int(one.id)))
    return replace(actual, principals=tuple(ordered))


def _changed(before: Principal | None, id_: str, operation: Operation, after: Holding) -> Principal:
    if before is None:
        return Principal(id_, operation.name, operation.full_name, after.level, after.grants)
    return replace(before, level=after.level, grants=after.grants)


class _Back:
    """Gathers who goes back, and who does not, with the reason."""

    def __init__(self, wanted: Wanted, actual: Actual, names: Names, instant: datetime) -> None:
        self.principals: list[DesiredPrincipal] = []
        self.left: list[Problem] = []
        self._known = {(one.kind, one.id): one for one in actual.principals}
        accounts = [one.scope for one in actual.accounts if one.state != "deleted"]
        sites = [one.scope for one in actual.sites if one.state != "deleted"]
        self._scopes = {(one.level, one.id): one for one in (TENANT, *accounts, *sites)}
        self._roles = {role.id: role for role in actual.roles}
        self._may_end = wanted.guardrails.nothing_left is not NothingLeft.REFUSE
        self._people, self._instant = names.people, instant
        self._ends = {end.key: end for end in wanted.judged or ()}
        self._former = frozenset(self._ids_of(wanted.policy.former))

    def take(self, done: Done) -> None:
        """Add one principal, or say why not."""
        principal = self._known.get((done.name.kind, done.id))
        why = self._why_not(done, principal)
        if why:
            self.left.append(_left(done.name.label, *why))
            return
        there = self._there(done)
        if done.before and len(there) < len(done.before.pairs):
            told = "held more on sites or by roles that are gone"
            self.left.append(_left(done.name.label, told, _LOOK))
        over = [grant for grant in there if self._is_over(done, grant)]
        if over:
            listed = ", ".join(f"{grant.role.name} on {grant.scope.name}" for grant in over)
            self.left.append(_left(done.name.label, f"held {listed} {_OVER}", _ASK_ANEW))
        asked = tuple(self._wish(done, grant) for grant in there if grant not in over)
        self.principals.append(
            DesiredPrincipal(
                principal.name if principal else done.name, principal, in_force=asked, asked=asked
            )
        )

    def _why_not(self, done: Done, principal: Principal | None) -> tuple[str, str] | None:
        """Return why somebody is left alone, and what to do instead."""
        if done.after is None:
            return _DELETED[done.name.kind]
        if principal is None:
            return "is not on the console any more" if done.id else _NAMELESS, _LOOK
        left = (done.after.level, done.after.pairs)
        if precondition(principal) != precondition_of(done.name.kind, done.id, *left):
            return "was changed since", _LOOK
        if principal.is_system or principal.is_partial:
            return "cannot be managed with this token", "Use a token that sees all of it."
        if done.before is None and not self._may_end:
            return _MUST_STAY
        return self._why_no_grants(done, principal)

    def _why_no_grants(self, done: Done, principal: Principal) -> tuple[str, str] | None:
        """Return why nothing may be given back; None as well where nothing was held before."""
        grants = [grant for grant in self._there(done) if not self._is_over(done, grant)]
        if done.before is not None and not grants:
            why = "held nothing before that could be given again"
            return (f"{why}, or held it {_OVER}", _ASK_ANEW) if self._there(done) else (why, _LOOK)
        if principal.id in self._former and not {*grants} <= {*principal.grants}:
            return _FORMER
        return None

    def _ids_of(self, former: Iterable[Former]) -> Iterator[str]:
        for one in former:
            found = self._people.find(one.name, one.place, may_be_absent=True)
            if isinstance(found, Principal):
                yield found.id

    def _wish(self, done: Done, grant: Grant) -> DesiredGrant:
        """Ask for a grant until when it was to last; nobody gave it for longer."""
        until = self._until(done, grant)
        return DesiredGrant(grant, (), window=Window(None, until) if until else None)

    def _is_over(self, done: Done, grant: Grant) -> bool:
        """Tell whether a grant was for a time that has passed; what is still held just stays."""
        principal = self._known[done.name.kind, done.id]
        until = self._until(done, grant)
        is_past = until is not None and until <= self._instant
        is_closed = (grant.scope.id, grant.role.id) in done.closed
        return grant not in principal.grants and (is_past or is_closed)

    def _until(self, done: Done, grant: Grant) -> datetime | None:
        """Return until when a grant was to last, by the journal; None for good."""
        name = self._people.canonical(done.name)
        last = self._ends.get(End.of(name, done.id, grant, None).key)
        return last.until if last and last.principal_id in {"", done.id} else None

    def _there(self, done: Done) -> tuple[Grant, ...]:
        """Return what was held before, as far as its scope and its role are still there."""
        if done.before is None:
            return ()
        found = {
            Grant(scope, role)
            for scope_id, role_id in done.before.pairs
            if (scope := self._scopes.get((done.before.level, scope_id)))
            and (role := self._roles.get(role_id))
        }
        return sort_grants(found)


_OVER = "for a time that is over"
_ASK_ANEW = "Ask for it anew in the policies, with `from` and `until`."
_FORMER = (
    "is `former` in the policies and must hold nothing, and would get access back",
    "Take the address off `former:` and give it an assignment; an undo gives it nothing.",
)
_CHANGED = "held neither what it had before nor what the run meant, when a later run looked"
_NAMELESS = "was invited, and no answer told which user that made"
_LOOK = "Run `reconciler plan` to see what the policies say of it."
_DELETED = {
    PrincipalKind.USER: (
        "was deleted, and the console cannot bring the same user back",
        "Name the address under `users:` to invite somebody new.",
    ),
    PrincipalKind.SERVICE: (
        "was deleted, and the console cannot bring the same service user back",
        "Create a new one with `reconciler service-user create`.",
    ),
}
_MUST_STAY = (
    "was invited, and to take that back is to delete the user, which the guardrails do not allow",
    "Set nothing_left in guardrails.yaml, then make the undo anew with `reconciler plan --undo`.",
)


def _redone(undo: Undo) -> Problem:
    return Problem(
        None,
        "undo",
        f"This undoes the run {undo.of.run}. While the policies still ask for what it did, the "
        "next apply does it again.",
        "Revert the policies too.",
    )


def _left(label: str, why: str, remedy: str) -> Problem:
    return Problem(None, "not-undone", f"{label} {why}: not part of this undo.", remedy)
