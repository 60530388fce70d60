"""The brakes by number: how many grants are taken away, and what share of a scope."""

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

from reconciler.domain.plan import Refusal
from reconciler.planning.judged import Judged

_RAISE = (
    "Split the change; or lift the limit for a while, in guardrails.yaml: "
    "overrides: [{{rule: {rule}, value: {value}, reason: why, until: a date}}]."
)


def too_many_revokes(judged: Judged) -> Iterable[Refusal]:
    """At most `max_revokes` scopes are lost in one run."""
    limit = judged.limit("max_revokes", judged.guardrails.max_revokes)
    lost = len(judged.lost)
    if lost > limit:
        yield Refusal(
            "max_revokes",
            f"The plan takes {lost} scopes away from people; at most {limit:g} are allowed in one "
            f"run (a replaced role takes none away).{_ending(judged)}",
            _RAISE.format(rule="max_revokes", value=lost),
        )


def too_large_a_share(judged: Judged) -> Iterable[Refusal]:
    """No scope loses more than its share of grants, one being always allowed."""
    value = judged.limit("max_revoke_fraction", judged.guardrails.max_revoke_fraction)
    # As it is written: 0.29 of 100 is 29, which binary floats miss.
    fraction = Fraction(str(value))
    lost = Counter(judged.lost)
    there = Counter(grant.scope for grants in judged.holders.values() for grant in grants)
    for scope, count in sorted(lost.items(), key=lambda item: item[0].sort_key):
        limit = max(1, math.floor(fraction * there[scope]))
        if count > limit:
            yield Refusal(
                "max_revoke_fraction",
                f"{scope.name} would lose {count} of its {there[scope]} grants; "
                f"at most {limit} are allowed ({value:.0%}, and always one).",
                _RAISE.format(rule="max_revoke_fraction", value=round(count / there[scope], 2)),
            )


def _ending(judged: Judged) -> str:
    ending = len(judged.ending)
    return f" {ending} of them by giving a standing grant an end." if ending else ""
