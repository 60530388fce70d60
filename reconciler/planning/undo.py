"""What a run did -> a desired state that undoes it, judged and carried out like any other.

Each principal goes back to what it held before, on condition that it still holds exactly what the
run left: whoever was changed since is left alone and named, and so is what the console cannot
bring back.
"""

from collections.abc import Iterable
from dataclasses import replace

from reconciler.domain.access import TENANT, Grant, sort_grants
from reconciler.domain.desired import Desired, DesiredGrant, DesiredPrincipal
from reconciler.domain.guardrails import Guardrails, NothingLeft
from reconciler.domain.names import PrincipalKind
from reconciler.domain.outcome import Outcome, Result
from reconciler.domain.plan import Holding, Operation, Reason
from reconciler.domain.state import Actual, Principal
from reconciler.domain.undo import Done, Undo
from reconciler.errors import Problem, RefusedError
from reconciler.planning.compare import precondition, precondition_of


def restored(undo: Undo, guardrails: Guardrails, actual: Actual) -> Desired:
    """Return everybody whom the run changed and nobody since, as they were before it.

    Raises RefusedError when the run wrote to another console.
    """
    if undo.origin != actual.origin:
        raise RefusedError(
            f"The run {undo.of.run} wrote to {undo.origin}, and this console is {actual.origin}.",
            "Point SENTINELONE_URL at the console that the run wrote to.",
        )
    back = _Back(actual, guardrails)
    for done in undo.done:
        back.take(done, f"undo of run {undo.of.run}")
    unknown = (
        _left(name.label, "may or may not have been changed by the run", _LOOK)
        for name in undo.open
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

    def __init__(self, actual: Actual, guardrails: Guardrails) -> None:
        self.principals: list[DesiredPrincipal] = []
        self.left: list[Problem] = []
        self._known = {(one.kind, one.id): one for one in actual.principals}
        accounts = [one.scope for one in actual.accounts if one.state != "deleted"]
        sites = [one.scope for one in actual.sites if one.state != "deleted"]
        self._scopes = {(one.level, one.id): one for one in (TENANT, *accounts, *sites)}
        self._roles = {role.id: role for role in actual.roles}
        self._may_end = guardrails.nothing_left is not NothingLeft.REFUSE

    def take(self, done: Done, reason: str) -> None:
        """Add one principal, or say why not."""
        principal = self._known.get((done.name.kind, done.id))
        why = self._why_not(done, principal)
        if why:
            self.left.append(_left(done.name.label, *why))
            return
        grants = self._grants(done)
        if done.before and len(grants) < len(done.before.pairs):
            told = "held more on sites or by roles that are gone"
            self.left.append(_left(done.name.label, told, _LOOK))
        asked = tuple(DesiredGrant(grant, (), reason=reason) for grant in grants)
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
            return "is not on the console any more", _LOOK
        left = (done.after.level, done.after.pairs)
        if precondition(principal) != precondition_of(done.name.kind, done.id, *left):
            return "was changed since", _LOOK
        if principal.is_system or principal.is_partial:
            return "cannot be managed with this token", "Use a token that sees all of it."
        if done.before is None and not self._may_end:
            return _MUST_STAY
        is_lost = done.before is not None and not self._grants(done)
        return ("held nothing before that could be given again", _LOOK) if is_lost else None

    def _grants(self, done: Done) -> tuple[Grant, ...]:
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
