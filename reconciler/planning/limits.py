"""The brakes by number: how many revokes, what share of a scope, how many admins are left."""

import math
from collections import Counter
from collections.abc import Iterable

from reconciler.domain.plan import Refusal
from reconciler.planning.judged import Judged
from reconciler.planning.project import Admins, holders, project

_RAISE = "Split the change, or lift the limit in guardrails.yaml by an override with a reason."


def too_many_revokes(judged: Judged) -> Iterable[Refusal]:
    """At most `max_revokes` scopes are lost in one run."""
    limit = judged.limit("max_revokes", judged.guardrails.max_revokes)
    lost = sum(len(judged.lost_scopes(operation)) for operation in judged.operations)
    if lost > limit:
        yield Refusal(
            "max_revokes",
            f"The plan takes away {lost} grants; at most {limit:g} are allowed in one run.",
            _RAISE,
        )


def too_large_a_share(judged: Judged) -> Iterable[Refusal]:
    """No scope loses more than its share of grants, one being always allowed."""
    fraction = judged.limit("max_revoke_fraction", judged.guardrails.max_revoke_fraction)
    lost = Counter(
        scope for operation in judged.operations for scope in judged.lost_scopes(operation)
    )
    there = Counter(
        grant.scope
        for grants in holders(judged.actual, judged.deleted_site_ids).values()
        for grant in grants
    )
    for scope, count in sorted(lost.items(), key=lambda item: item[0].sort_key):
        limit = max(1, math.floor(fraction * there[scope]))
        if count > limit:
            yield Refusal(
                "max_revoke_fraction",
                f"{scope.name} would lose {count} of its {there[scope]} grants; "
                f"at most {limit} are allowed ({fraction:.0%}, and always one).",
                _RAISE,
            )


def admin_floor(judged: Judged) -> Iterable[Refusal]:
    """Every scope with admins keeps enough who can really log in, after every operation."""
    floor = judged.limit("min_admins", judged.guardrails.min_admins)
    admins = Admins(judged.actual, judged.desired)
    # Only admins are counted; leaving everybody else out keeps this quick on a large console.
    before = admins.only(holders(judged.actual, judged.deleted_site_ids))
    watched = {scope: admins.count(before, scope) for scope in admins.scopes(before)}
    lowest: dict[str, Refusal] = {}
    for operation, state in zip(judged.operations, project(before, judged.operations), strict=True):
        if not any(change.grant.role.is_admin for change in operation.revokes):
            continue
        for scope, count in watched.items():
            left = admins.count(state, scope)
            if left < floor and left < count:
                lowest[f"{scope.level}:{scope.id}"] = Refusal(
                    "min_admins",
                    f"{scope.name} would be left with {left} admin{'' if left == 1 else 's'} "
                    f"who can log in; it has {count}, and at least {floor:g} must remain.",
                    "Grant Admin to somebody else first, in a change of its own; expired or "
                    "never used accounts and open windows do not count.",
                )
    yield from lowest.values()
