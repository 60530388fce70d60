"""The rules about who may hold what: privileged roles, mail domains, separation of duties."""

from collections.abc import Iterable

from reconciler.domain.guardrails import PrivilegedRule
from reconciler.domain.names import PrincipalKind
from reconciler.domain.plan import Change, Operation, Refusal
from reconciler.planning.judged import Judged, held_after, places_of


def privileged(judged: Judged) -> Iterable[Refusal]:
    """Privileged roles are granted only with the reason and for the time the rule asks."""
    for operation in judged.operations:
        for change in operation.grants:
            for rule in judged.guardrails.privileged:
                if change.grant.role.name in rule.roles:
                    yield from _privileged(judged, rule, operation, change)


def allowed_domains(judged: Judged) -> Iterable[Refusal]:
    """Nothing is granted to an address outside the allowed mail domains."""
    allowed = judged.guardrails.allowed_domains
    if not allowed:
        return
    for operation in judged.operations:
        domain = operation.name.key.rpartition("@")[2]
        is_user = operation.name.kind is PrincipalKind.USER
        if is_user and operation.grants and domain not in allowed:
            yield Refusal(
                "allowed_domains",
                f"{operation.name} is outside the allowed mail domains ({', '.join(allowed)}).",
                "Correct the address, or add the domain to guardrails.yaml in a change of its own.",
                places_of(operation),
            )


def separation_of_duties(judged: Judged) -> Iterable[Refusal]:
    """Nobody comes to hold all roles of a rule together."""
    for operation in judged.operations:
        after = {grant.role.name for grant in held_after(operation)}
        granted = {change.grant.role.name for change in operation.grants}
        for rule in judged.guardrails.separation_of_duties:
            if after >= set(rule.roles) and granted & set(rule.roles):
                yield Refusal(
                    "separation_of_duties",
                    f"{operation.name} would hold {' and '.join(rule.roles)} together, "
                    f'which the rule "{rule.name}" forbids.',
                    "Keep one of the roles.",
                    places_of(operation),
                )


def _privileged(
    judged: Judged, rule: PrivilegedRule, operation: Operation, change: Change
) -> Iterable[Refusal]:
    what = f"{operation.name} would get {change.grant.role.name} on {change.grant.scope.name}"
    if rule.require_reason and not change.note:
        yield _refuse(change, f"{what} without a reason.", "Add `reason:` to the assignment.")
    if change.window is None:
        if not rule.standing_allowed:
            yield _refuse(change, f"{what} for good.", "Give it a window: `until:`.")
    elif rule.max_duration is not None:
        start, end = change.window.start or judged.instant, change.window.end
        if end is None or end - start > rule.max_duration:
            yield _refuse(
                change,
                f"{what} for longer than {rule.max_duration}.",
                "Shorten the window.",
            )


def _refuse(change: Change, message: str, remedy: str) -> Refusal:
    return Refusal("privileged", message, remedy, change.places)
