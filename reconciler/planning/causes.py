"""Why a change is there: the files changed, or the console did; and which commit brought it.

For the reader only. Nothing decides by a reason or a commit, since both depend on the commit the
run is compared with, and a plan made on one commit may be applied on another.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.plan import Action, Change, Commit, Operation, Plan, Reason
from reconciler.errors import Place
from reconciler.planning.before import Before
from reconciler.planning.people import People


@dataclass(frozen=True, slots=True)
class Recent:
    """One commit since the base, with the words it brought into the files and took out."""

    commit: Commit
    added: frozenset[str]
    """Words, case-folded, that stand in the files more often after it than before."""
    removed: frozenset[str]
    """Words, case-folded, that stand there less often."""


@dataclass(frozen=True, slots=True)
class History:
    """What git tells about the lines of the policy files."""

    written: Mapping[Place, Commit] = field(default_factory=dict)
    """Line -> the commit that wrote it; a line not committed yet is absent."""
    recent: tuple[Recent, ...] = ()
    """The commits since the base that changed policy files, newest first."""
    is_clean: bool = False
    """True when the files are those of the last commit."""


def attributed(
    operations: Iterable[Operation], before: Before, people: People, *, is_applied: bool
) -> tuple[Operation, ...]:
    """Tell apart what the files changed and what the console did; without a base, leave it open.

    Windows, patterns and offboarding keep their own words: they say more. Where the journal does
    not show that the base was applied (`is_applied`), what the base asks for too may simply not
    have been done yet, and nobody is said to have changed the console.
    """
    if not before.is_known:
        return tuple(operations)
    return tuple(
        replace(
            operation,
            changes=tuple(
                _attributed(change, _cause(change, _name(operation, people), before), is_applied)
                for change in operation.changes
            ),
        )
        for operation in operations
    )


def _attributed(change: Change, cause: Reason, is_applied: bool) -> Change:  # noqa: FBT001 - one question
    is_told = cause is not Reason.CONSOLE_DRIFT or is_applied
    return replace(change, reason=cause) if change.reason is Reason.POLICY and is_told else change


def as_drift(plan: Plan) -> Plan:
    """Return the plan of `drift`: compared with the policies themselves, all else is drift."""
    later = (replace(each, is_new=False) for each in plan.coming if not each.is_longer)
    told = replace(plan, coming=tuple(later))
    return _each(
        told,
        lambda change, _: (
            replace(change, reason=Reason.CONSOLE_DRIFT)
            if change.reason in {Reason.POLICY, Reason.YOUR_CHANGE}
            else change
        ),
    )


def with_commits(plan: Plan, history: History) -> Plan:
    """Return the plan with the commits that brought its changes, where git knows them."""
    return _each(plan, lambda change, name: replace(change, commit=_commit(change, name, history)))


def _name(operation: Operation, people: People) -> PrincipalName:
    """Return the name the base's claims stand under."""
    if operation.name.kind is PrincipalKind.SERVICE and operation.principal_id:
        return people.canonical(PrincipalName.service(f"id:{operation.principal_id}"))
    return people.canonical(operation.name)


def _cause(change: Change, name: PrincipalName, before: Before) -> Reason:
    was_asked = (name, change.grant) in before.in_force
    if change.action is Action.GRANT:
        return Reason.CONSOLE_DRIFT if was_asked else Reason.YOUR_CHANGE
    if not was_asked and name in before.managed:
        return Reason.CONSOLE_DRIFT
    # Asked for until now; or taken under management by this change.
    return Reason.YOUR_CHANGE


def _commit(change: Change, name: PrincipalName, history: History) -> Commit | None:
    """Return what brought a change: for a new one, only a commit since the base counts.

    The line that names somebody may be years old when it is the group, the role or the list of
    sites beside it that changed.
    """
    written = history.written.get(change.places[0]) if change.places else None
    if change.reason is not Reason.YOUR_CHANGE:
        is_written = change.action is Action.GRANT or change.reason is Reason.OFFBOARDING
        return written if is_written else None
    is_grant = change.action is Action.GRANT
    if is_grant and written is None:
        return None  # not committed yet
    word = name.label.casefold()
    recent = [each.commit for each in history.recent]
    own = [written] if written in recent else []
    named = [r.commit for r in history.recent if word in (r.added if is_grant else r.removed)]
    only = recent if len(recent) == 1 and history.is_clean else []
    return next(iter([*own, *named, *only] if is_grant else [*named, *own, *only]), None)


def _each(plan: Plan, changed: Callable[[Change, PrincipalName], Change]) -> Plan:
    return replace(
        plan,
        operations=tuple(
            replace(
                operation,
                changes=tuple(changed(change, operation.name) for change in operation.changes),
            )
            for operation in plan.operations
        ),
    )
