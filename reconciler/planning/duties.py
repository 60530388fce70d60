"""The rules about who may hold what, and where: privileged roles, scopes, domains, duties."""

from collections.abc import Iterable
from datetime import timedelta

from reconciler.domain.desired import DesiredGrant, DesiredPrincipal
from reconciler.domain.guardrails import PrivilegedRule, ScopeLimit, SeparationRule
from reconciler.domain.names import PrincipalKind, email_key
from reconciler.domain.plan import Operation, Refusal
from reconciler.errors import Problem
from reconciler.planning.catalog import Catalog
from reconciler.planning.judged import Judged, held_after, places_of

HOUR = timedelta(hours=1)


def privileged(judged: Judged) -> Iterable[Refusal]:
    """Privileged roles are asked for only with the reason and for the time the rule allows."""
    catalog = judged.names.catalog
    for rule in judged.guardrails.privileged:
        roles = {id_ for text in rule.roles for id_ in catalog.role_named(text)}
        for one, wish in judged.newly_asked():
            if wish.grant.role.id in roles:
                yield from _privileged(judged, rule, one, wish)


def scope_limits(judged: Judged) -> Iterable[Refusal]:
    """Roles with a limit are newly asked for on no wider scope; narrowing one is no harm."""
    catalog = judged.names.catalog
    for rule in judged.guardrails.scope_limits:
        roles = {id_ for text in rule.roles for id_ in catalog.role_named(text)}
        for one, wish in judged.newly_asked():
            scope, role = wish.grant.scope, wish.grant.role
            is_wide = role.id in roles and scope.level.rank < rule.widest.rank
            if is_wide and not _narrows(judged, one, wish):
                yield Refusal(
                    "scope_limits",
                    f"{one.name} would get {role.name} on {scope.name}, the "
                    f"{scope.level.value} level; the guardrails allow it no wider than the "
                    f"{rule.widest.value} level.",
                    f"Name the {rule.widest.value}s that are needed.",
                    wish.places,
                )


def allowed_domains(judged: Judged) -> Iterable[Refusal]:
    """Nobody with an address outside the allowed mail domains gains anything."""
    allowed = {_domain(f"@{domain}") for domain in judged.guardrails.allowed_domains}
    if not allowed:
        return
    for operation in judged.operations:
        is_user = operation.name.kind is PrincipalKind.USER
        if is_user and _domain(operation.name.key) not in allowed and _gains(operation):
            listed = ", ".join(sorted(allowed))
            yield Refusal(
                "allowed_domains",
                f"{operation.name} is outside the allowed mail domains ({listed}).",
                "Correct the address, or add the domain to guardrails.yaml in a change of its own.",
                places_of(operation),
            )


def separation_of_duties(judged: Judged) -> Iterable[Refusal]:
    """Nobody comes to hold all roles of a rule together."""
    catalog = judged.names.catalog
    for rule in judged.guardrails.separation_of_duties:
        apart = [catalog.role_named(text) for text in rule.roles]
        for operation in judged.operations:
            after = {grant.role.id for grant in held_after(operation)}
            granted = {change.grant.role.id for change in operation.grants}
            if all(ids & after for ids in apart) and any(ids & granted for ids in apart):
                yield Refusal(
                    "separation_of_duties",
                    f"{operation.name} would hold {' and '.join(rule.roles)} together, "
                    f'which the rule "{rule.name}" forbids.',
                    "Keep one of the roles.",
                    places_of(operation),
                )


def unknown_roles(judged: Judged) -> Iterable[Problem]:
    """Report roles of the rules that this console does not have: such a rule guards nothing."""
    guardrails, catalog = judged.guardrails, judged.names.catalog
    rules: list[PrivilegedRule | SeparationRule | ScopeLimit] = []
    rules += [*guardrails.privileged, *guardrails.separation_of_duties, *guardrails.scope_limits]
    for rule in rules:
        for text in rule.roles:
            if not catalog.role_named(text):
                yield Problem(
                    rule.place,
                    "unknown-role",
                    f'The guardrail names the role "{text}", which this console does not have.',
                    _suggest(catalog, text),
                )


def _privileged(
    judged: Judged, rule: PrivilegedRule, one: DesiredPrincipal, wish: DesiredGrant
) -> Iterable[Refusal]:
    what = f"{one.name} would get {wish.grant.role.name} on {wish.grant.scope.name}"
    if rule.require_reason and not wish.reason:
        remedy = _remedy(wish, "Add `reason:` to the assignment.", "Say why with --reason.")
        yield _refuse(wish, f"{what} without a reason.", remedy)
    if wish.window is None:
        if not rule.standing_allowed:
            remedy = _remedy(wish, "Give it a window: `until:`.", _BY_POLICY)
            yield _refuse(wish, f"{what} for good.", remedy)
    elif rule.max_duration is not None:
        start, end = wish.window.start or judged.instant, wish.window.end
        if end is None or end - start > rule.max_duration:
            message = f"{what} for longer than {rule.max_duration / HOUR:g} hours."
            yield _refuse(wish, message, "Shorten the window, or leave time between two.")


_BY_POLICY = "Create it with another role; a policy can then give it this one, with `until:`."


def _remedy(wish: DesiredGrant, written: str, by_hand: str) -> str:
    """Return the remedy for what a policy asks for, or somebody by hand, or an undo."""
    if not wish.places:
        return f"An undo cannot do that; revert the policies instead. There: {written}"
    return written if any(place.line for place in wish.places) else by_hand


def _refuse(wish: DesiredGrant, message: str, remedy: str) -> Refusal:
    return Refusal("privileged", message, remedy, wish.places)


def _narrows(judged: Judged, one: DesiredPrincipal, wish: DesiredGrant) -> bool:
    """Tell whether the same role was held for good on a scope that covers the wish."""
    if one.principal is None:
        return False
    id_ = one.principal.id
    passing = judged.windowed | judged.forgiven
    return any(
        grant.role == wish.grant.role
        and grant.scope.covers(wish.grant.scope)
        and (id_, grant) not in passing
        for grant in judged.holders[id_]
    )


def _gains(operation: Operation) -> bool:
    """Tell whether something is granted that does not merely take the place of Admin."""
    replaced = {c.grant.scope for c in operation.revokes if c.grant.role.is_admin}
    return any(change.grant.scope not in replaced for change in operation.grants)


def _domain(address: str) -> str:
    return email_key(address).rpartition("@")[2]


def _suggest(catalog: Catalog, text: str) -> str:
    return catalog.suggest_role(text) or "Correct the name, or remove it from the rule."
