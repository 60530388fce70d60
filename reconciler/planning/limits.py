"""The brakes by number: how many scopes are taken away, in one run, of one scope, over time.

Giving a held grant an end, or an earlier one, takes its scope away: it counts in the run that
judges it and is on record for the rolling budget, and its closing counts for nothing. So does
putting another role for a time in the place of one that would have lasted longer. The share of
a scope is judged run by run; over several runs, each with a --target of its own, only the rolling
budget holds.
"""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction

from reconciler.domain.guardrails import Rolling
from reconciler.domain.plan import Operation, OperationKind, Refusal
from reconciler.planning.judged import Judged, places_of

ROLLING_REVOKES = 20
"""What all runs of a day may take away together, unless one run alone may take more."""

_TOLD = 5
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
            _RAISE.format(rule="max_revokes", value=lost) + _unproven(judged),
        )


def too_large_a_share(judged: Judged) -> Iterable[Refusal]:
    """No scope loses more than its share of grants, one being always allowed."""
    value = judged.limit("max_revoke_fraction", judged.guardrails.max_revoke_fraction)
    # As it is written: 0.29 of 100 is 29, which binary floats miss.
    fraction = Fraction(str(value))
    lost = Counter(judged.lost)
    there = Counter(grant.scope for grants in judged.holders.values() for grant in grants)
    limits = {scope: max(1, math.floor(fraction * there[scope])) for scope in lost}
    over = [scope for scope, count in lost.items() if count > limits[scope]]
    # One override lifts the limit of all scopes: what is suggested is enough for each.
    enough = max((_share(lost[scope], there[scope]) for scope in over), default=0.0)
    for scope in sorted(over, key=lambda each: each.sort_key):
        yield Refusal(
            "max_revoke_fraction",
            f"{scope.name} would lose {lost[scope]} of its {there[scope]} grants; "
            f"at most {limits[scope]} are allowed ({value:.0%}, and always one).",
            _RAISE.format(rule="max_revoke_fraction", value=enough) + _unproven(judged),
        )


def _share(count: int, there: int) -> float:
    """Return the share that allows so many, and not one more, with as few digits as that takes.

    Rounded up: a share a little too small allows one less than it seems to.
    """
    digits = 2
    while math.floor((share := _rounded_up(count, there, digits)) * there) != count:
        digits += 1
    return float(share)


def _rounded_up(count: int, there: int, digits: int) -> Fraction:
    return Fraction(-(-count * 10**digits // there), 10**digits)


def too_many_over_time(judged: Judged) -> Iterable[Refusal]:
    """All runs of some time together take no more than the rolling budget.

    Past revokes later than the plan's instant count as well: a clock was wrong, or a plan is old.
    """
    rolling = judged.guardrails.rolling or default_rolling(judged)
    limit = judged.limit("rolling", rolling.max_revokes)
    past = sum(when > judged.instant - rolling.over for when in judged.past_revokes)
    lost = len(judged.lost)
    if lost and past + lost > limit:
        yield Refusal(
            "rolling",
            f"The plan takes {_scopes(lost)} away from people, after {past} in the last "
            f"{_time(rolling.over)}; all runs together may take {limit:g} in that time.",
            "Wait until the earlier ones are older; or lift the limit for a while, in "
            f"guardrails.yaml: overrides: [{{rule: rolling, value: {past + lost}, reason: why, "
            f"until: a date}}].{_unproven(judged)}",
        )


def default_rolling(judged: Judged) -> Rolling:
    """Return the budget where the file is silent: never less than one run may take."""
    one_run = judged.limit("max_revokes", judged.guardrails.max_revokes)
    return Rolling(max(ROLLING_REVOKES, int(one_run)), timedelta(days=1))


def additive_only(judged: Judged) -> Iterable[Refusal]:
    """Nothing is taken from anybody, where the switch says so.

    A replaced role counts here: the old one is taken. The end of a window that was judged before
    does not; refusing it would make access last longer than was agreed.
    """
    if not judged.guardrails.additive_only:
        return
    taking = [each for each in judged.operations if judged.taken_by(each) or _takes_token(each)]
    ending = len(judged.ending)
    if not taking and not ending:
        return
    names = ", ".join(sorted({str(operation.name) for operation in taking})[:_TOLD])
    more = f" and {len(taking) - _TOLD} more" if len(taking) > _TOLD else ""
    said = [f"takes something away from {names}{more}"] if taking else []
    said += [f"gives {ending} held grant{'' if ending == 1 else 's'} an end"] if ending else []
    yield Refusal(
        "additive_only",
        f"The plan {' and '.join(said)}, and the guardrails allow additions only.",
        "Run with --no-revokes to make the additions alone; or set `additive_only: false` in "
        f"guardrails.yaml, in a change of its own.{_unproven(judged)}",
        tuple(sorted({place for operation in taking for place in places_of(operation)})),
    )


def _takes_token(operation: Operation) -> bool:
    """Tell whether an API token is all that is taken; else its loss goes with the access."""
    return operation.kind is OperationKind.REVOKE_TOKEN


def _scopes(count: int) -> str:
    return f"{count} scope{'' if count == 1 else 's'}"


def _time(span: timedelta) -> str:
    """Write a span as people do: `7 days`, `24 hours`, `90 minutes`."""
    minutes = int(span.total_seconds()) // 60
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes % size == 0 and (count := minutes // size) > 1:
            return f"{count} {unit}s"
    return "minute"


def _ending(judged: Judged) -> str:
    ending = len(judged.ending)
    return f" {ending} of them by giving a held grant an end, or an earlier one." if ending else ""


def _unproven(judged: Judged) -> str:
    """Say how the closing of windows would have counted for nothing."""
    count = len(judged.unproven)
    if not count:
        return ""
    said = "One of them is a window that closed" if count == 1 else f"{count} are windows closed"
    return (
        f" {said}, and nothing shows that its end was judged while it was to come: keep the "
        "journal of all runs (--journal), or plan in a git work tree with its history."
    )
