"""What the keys of guardrails.yaml mean, and what holds where they are absent."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.documents.load import load
from reconciler.domain.access import Level
from reconciler.domain.guardrails import Guardrails, Rolling

Policies = Callable[[dict[str, str | bytes]], Path]


def guardrails(policies: Policies, text: str) -> Guardrails:
    return load(
        policies({"a.yaml": "version: 1\n", "guardrails.yaml": "version: 1\n" + text})
    ).guardrails


def test_absent_keys_are_the_careful_ones(policies: Policies) -> None:
    given = guardrails(policies, "")

    assert given.admin_seen_within == timedelta(days=90)
    assert not given.single_sso_allowed
    assert given.rolling is None
    assert not given.additive_only
    assert given.scope_limits == ()


@pytest.mark.parametrize(
    ("text", "within"),
    [("30d", timedelta(days=30)), ("12h", timedelta(hours=12)), ("5m", timedelta(minutes=5))],
)
def test_a_duration_is_a_number_and_a_unit(
    policies: Policies, text: str, within: timedelta
) -> None:
    rolling = f"rolling: {{max_revokes: 7, over: {text}}}\n"

    given = guardrails(policies, f"admin_seen_within: {text}\n{rolling}")

    assert given.admin_seen_within == within
    assert given.rolling == Rolling(7, within)


def test_any_time_counts_whoever_could_log_in(policies: Policies) -> None:
    assert guardrails(policies, "admin_seen_within: any\n").admin_seen_within is None


@pytest.mark.parametrize(("word", "allowed"), [("allow", True), ("refuse", False)])
def test_single_sso_is_allowed_or_refused(policies: Policies, word: str, allowed: bool) -> None:
    assert guardrails(policies, f"single_sso: {word}\n").single_sso_allowed is allowed


@pytest.mark.parametrize(("word", "only"), [("true", True), ("false", False)])
def test_additive_only_is_a_switch(policies: Policies, word: str, only: bool) -> None:
    assert guardrails(policies, f"additive_only: {word}\n").additive_only is only


def test_a_scope_limit_names_roles_and_the_widest_level(policies: Policies) -> None:
    (limit,) = guardrails(
        policies, "scope_limits:\n  - {roles: [SOC, id:12], widest: account}\n"
    ).scope_limits

    assert (limit.roles, limit.widest) == (("SOC", "id:12"), Level.ACCOUNT)
    assert (Path(limit.place.file).name, limit.place.line) == ("guardrails.yaml", 3)


def test_the_budget_can_be_overridden(policies: Policies) -> None:
    text = "overrides:\n  - {rule: rolling, value: 60, reason: merger, until: 2026-12-01}\n"

    (override,) = guardrails(policies, text).overrides

    assert (override.rule, override.value) == ("rolling", 60)
