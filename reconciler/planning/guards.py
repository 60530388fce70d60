"""What stands against a plan. Each guard is one function; `GUARDS` names them all.

A guard judges what a plan changes: a state that already falls short is refused only where the
plan makes it worse. To add one, write a function and put its name into the tuple.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.domain.guardrails import Guardrails, NothingLeft
from reconciler.domain.names import PrincipalKind, PrincipalName
from reconciler.domain.pins import Pins
from reconciler.domain.plan import Operation, Reason, Refusal
from reconciler.planning.admins import admin_floor, single_sso
from reconciler.planning.duties import (
    allowed_domains,
    privileged,
    scope_limits,
    separation_of_duties,
)
from reconciler.planning.judged import Judged, held_after, places_of
from reconciler.planning.limits import (
    additive_only,
    too_large_a_share,
    too_many_over_time,
    too_many_revokes,
)
from reconciler.planning.rolepins import pinned_role
from reconciler.planning.shrunk import view


def refusals(judged: Judged, compared: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Return everything that stands against the plan, in a fixed order.

    `compared` is what comparison refused already, principal by principal.
    """
    found = {refusal for guard in GUARDS for refusal in guard(judged)}.union(compared)
    if any(one.reason is Reason.UNDO for each in judged.operations for one in each.changes):
        found = {_of_undo(each) for each in found}
    return tuple(sorted(found, key=lambda r: (r.rule, r.message, r.places)))


def _of_undo(refusal: Refusal) -> Refusal:
    """Add that a saved undo is bound to the guardrails, where the remedy is to change them."""
    if "guardrails.yaml" not in refusal.remedy:
        return refusal
    return replace(
        refusal,
        remedy=f"{refusal.remedy} After that make the undo anew with `reconciler plan --undo RUN "
        "--out FILE`: a saved one is bound to the guardrails it was made under.",
    )


def protected(judged: Judged) -> Iterable[Refusal]:
    """Nothing of a protected principal is removed or lowered, whatever its address is by now."""
    lowered = [
        (operation.name, places_of(operation))
        for operation in judged.operations
        if _is_guarded(judged, operation.name, operation.principal_id) and _is_lowered(operation)
    ]
    ending = {id_ for id_, _ in judged.ending}
    lowered += [
        (one.name, one.places)
        for one in judged.targeted
        if one.principal is not None
        and one.principal.id in ending
        and _is_guarded(judged, one.name, one.principal.id)
    ]
    for name, places in lowered:
        yield Refusal(
            "protected",
            f"{name} is protected, and this change takes something away.",
            "Restore the grants in the policies; or take the name off `protected` in "
            "guardrails.yaml, in a change of its own.",
            places,
        )


def own_identity(judged: Judged) -> Iterable[Refusal]:
    """Nothing is taken from the principal whose token is in use."""
    for operation in judged.operations:
        is_own = judged.actual.identity.is_of(operation.name, operation.principal_id)
        if is_own and (operation.revokes or operation.revokes_token):
            yield Refusal(
                "own_identity",
                f"{operation.name} is the identity of this token; the plan would take away "
                "rights in the middle of the run.",
                "Change the tool's own access by hand, or with another token.",
                places_of(operation),
            )


def window_leaves_nothing(judged: Judged) -> Iterable[Refusal]:
    """Refuse a window, when it is written, whose end would leave nothing.

    First refused when it closes, it would keep all other windows open.
    """
    if judged.guardrails.nothing_left is not NothingLeft.REFUSE:
        return
    granted = {operation.name for operation in judged.operations if operation.grants}
    for desired in judged.targeted:
        window = desired.ends_empty
        if window is None:
            continue
        is_coming = window.start is not None and window.start > judged.instant
        # What the base had already is a state that falls short, and this plan makes it no worse.
        name = judged.names.people.canonical(desired.name)
        is_old = (name, window) in judged.before.ends_empty
        is_held = desired.principal is not None and not is_old
        if is_coming or is_held or desired.name in granted:
            yield Refusal(
                "nothing_left",
                f"When the window of {desired.name} closes at {window.end}, "
                "nothing would be left, and the console cannot hold such a user.",
                "Give a standing grant as well, or set nothing_left in guardrails.yaml.",
                desired.places,
            )


def is_protected(
    guardrails: Guardrails, pins: Pins | None, name: PrincipalName, principal_id: str | None
) -> bool:
    """Tell whether the guardrails protect a principal: by name, by id, or by the pinned id."""
    names = guardrails.protected
    by_id = PrincipalName.service(f"id:{principal_id}")
    is_named = name in names or (name.kind is PrincipalKind.SERVICE and by_id in names)
    pinned = {pin.id for pin in pins.principals if pin.name in names} if pins else set()
    return is_named or principal_id in pinned


def _is_guarded(judged: Judged, name: PrincipalName, principal_id: str | None) -> bool:
    return is_protected(judged.guardrails, judged.names.pins, name, principal_id)


def _is_lowered(operation: Operation) -> bool:
    """Tell whether something is lost for which no admin right on the scope comes instead."""
    if operation.revokes_token:
        return True
    admin_on = [grant.scope for grant in held_after(operation) if grant.role.is_admin]
    return any(
        not any(scope.covers(change.grant.scope) for scope in admin_on)
        for change in operation.revokes
    )


GUARDS: tuple[Callable[[Judged], Iterable[Refusal]], ...] = (
    too_many_revokes,
    too_large_a_share,
    too_many_over_time,
    additive_only,
    admin_floor,
    single_sso,
    protected,
    own_identity,
    window_leaves_nothing,
    privileged,
    scope_limits,
    allowed_domains,
    separation_of_duties,
    view,
    pinned_role,
)
