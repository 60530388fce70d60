"""What ties a saved plan to the world it was made in; each difference has words of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import BERLIN, LYON, NOW, SOC, VIEWER, assign, grant, plan, user, world

from reconciler.domain.access import Level
from reconciler.domain.plan import Plan
from reconciler.domain.saved import SavedPlan
from reconciler.errors import RefusedError
from reconciler.workflow.binding import (
    MAX_AGE,
    Bound,
    Compared,
    check_binding,
    check_origin,
    check_surroundings,
    due_now,
)

HOUR = timedelta(hours=1)
BEFORE = world(user("1", "ana@acme.example", grant(VIEWER, BERLIN)))
AFTER = plan(BEFORE, assign("ana@acme.example", "SOC", "EMEA/Berlin"))


def saved(made: Plan) -> SavedPlan:
    """What a file of that plan would bind."""
    return SavedPlan(
        content_digest=made.content_digest,
        policy_digest=made.policy_digest,
        guardrails_digest=made.guardrails_digest,
        origin=made.origin,
        account_ids=made.account_ids,
        view_level=made.view_level,
        view_sites=made.view_sites,
        instant=made.instant,
        options=made.options,
        tool_version="1.4.0",
    )


def test_an_unchanged_world_lets_a_plan_through_until_it_is_a_day_old() -> None:
    check_binding(Compared(saved(AFTER), AFTER), NOW)
    check_binding(Compared(saved(AFTER), AFTER), NOW + MAX_AGE)


@pytest.mark.parametrize(
    ("recomputed", "words"),
    [
        (replace(AFTER, policy_digest="sha256:1"), "The policy files have changed."),
        (replace(AFTER, guardrails_digest="sha256:1"), "The guardrails have changed."),
        (replace(AFTER, account_ids=("100",)), "sees fewer accounts"),
        (replace(AFTER, view_level=Level.ACCOUNT), "stands at account level"),
        (replace(AFTER, view_sites=AFTER.view_sites - 1), "sees fewer sites"),
        (replace(AFTER, content_digest="sha256:1"), "is not what was planned"),
    ],
)
def test_every_difference_is_named(recomputed: Plan, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_binding(Compared(saved(AFTER), recomputed), NOW)
    assert words in refused.value.message


def test_several_differences_are_told_together() -> None:
    other = replace(AFTER, policy_digest="sha256:1", guardrails_digest="sha256:2")
    with pytest.raises(RefusedError) as refused:
        check_binding(Compared(saved(AFTER), other), NOW)
    assert "policy files" in refused.value.message
    assert "guardrails" in refused.value.message


@pytest.mark.parametrize(
    ("later", "words"),
    [(MAX_AGE + timedelta(seconds=1), "older than 24 hours"), (-HOUR, "future")],
)
def test_a_plan_is_neither_older_than_a_day_nor_from_the_future(
    later: timedelta, words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        check_binding(Compared(saved(AFTER), AFTER), NOW + later)


def test_a_token_that_sees_more_accounts_may_apply() -> None:
    wider = replace(AFTER, account_ids=("100", "200", "300"), view_sites=AFTER.view_sites + 1)
    check_binding(Compared(saved(AFTER), wider), NOW)


def test_a_plan_for_another_console_is_refused_by_both_names() -> None:
    with pytest.raises(RefusedError) as refused:
        check_origin(saved(AFTER), "https://other.sentinelone.net", "0.1.0")
    assert "https://acme.sentinelone.net" in refused.value.message
    assert "https://other.sentinelone.net" in refused.value.message


def test_who_planned_and_when_is_evidence_and_binds_nothing() -> None:
    check_binding(Compared(saved(AFTER), replace(AFTER, planned_by="somebody else")), NOW)


def test_an_operation_is_due_only_while_the_same_one_would_be_planned() -> None:
    other = plan(BEFORE, assign("ana@acme.example", "SOC", "EMEA/Lyon"))
    moved = plan(
        world(user("1", "ana@acme.example", grant(VIEWER, LYON), grant(SOC, LYON))),
        assign("ana@acme.example", "SOC", "EMEA/Berlin"),
    )
    assert due_now(AFTER.operations, AFTER.operations) == AFTER.operations
    for changed in (other, moved):
        assert due_now(AFTER.operations, changed.operations) == ()


def test_both_sides_of_a_difference_are_named() -> None:
    other = replace(
        AFTER,
        policy_digest="sha256:" + "a" * 64,
        account_ids=("100",),
        view_level=Level.SITE,
        view_sites=AFTER.view_sites - 1,
    )
    with pytest.raises(RefusedError) as refused:
        check_binding(Compared(saved(AFTER), other), NOW + timedelta(days=2))
    for words in (
        "here: sha256:aaaaaaaaaaaa.",
        "not 200, of 2 planned with",
        "site level, the one that planned wider, at tenant level",
        f"{AFTER.view_sites - 1}, not {AFTER.view_sites}",
        "made at 2026-11-22T09:00:00Z, and it is 2026-11-24T09:00:00Z",
    ):
        assert words in refused.value.message


@pytest.mark.parametrize(
    ("version", "is_ours"), [("1.9.2", True), ("2.0.0", False), ("0.1", False)]
)
def test_a_plan_of_another_major_version_is_refused_by_both_versions(
    version: str, is_ours: bool
) -> None:
    if is_ours:
        check_origin(saved(AFTER), AFTER.origin, version)
        return
    with pytest.raises(RefusedError) as refused:
        check_origin(saved(AFTER), AFTER.origin, version)
    assert "1.4.0" in refused.value.message
    assert version in refused.value.message


def test_a_part_of_a_plan_is_bound_to_time_accounts_and_view_alone() -> None:
    moved = replace(AFTER, policy_digest="sha256:1", content_digest="sha256:1")
    check_surroundings(saved(AFTER), moved, NOW)
    for other, now in (
        (replace(moved, account_ids=("100",)), NOW),
        (replace(moved, view_level=Level.ACCOUNT), NOW),
        (replace(moved, view_sites=0), NOW),
        (moved, NOW + MAX_AGE + timedelta(seconds=1)),
        (moved, NOW - HOUR),
    ):
        with pytest.raises(RefusedError):
            check_surroundings(saved(AFTER), other, now)


def test_in_ci_only_what_would_be_done_binds_at_any_age_and_after_other_merges() -> None:
    moved = replace(
        AFTER, policy_digest="sha256:" + "a" * 64, guardrails_digest="sha256:" + "b" * 64
    )
    old = NOW + timedelta(days=40)

    check_binding(Compared(saved(AFTER), moved), old, Bound.BY_CONTENT)

    other = replace(moved, content_digest="sha256:" + "c" * 64)
    with pytest.raises(RefusedError, match="is not what was planned"):
        check_binding(Compared(saved(AFTER), other), old, Bound.BY_CONTENT)


def test_in_ci_a_narrower_view_refuses_as_by_hand() -> None:
    narrower = replace(AFTER, view_sites=AFTER.view_sites - 1)
    with pytest.raises(RefusedError, match="fewer sites"):
        check_binding(Compared(saved(AFTER), narrower), NOW, Bound.BY_CONTENT)
