"""Nobody drops out of management in silence."""

from dataclasses import replace

from builders import RELAXED, assign, gone

from reconciler.domain.guardrails import Unlisted
from reconciler.domain.policy import Policy
from reconciler.planning.departed import departed

BASE = Policy(assignments=(assign(["ana@acme.example", "service:siem"], "SOC"),))


def test_whoever_the_head_no_longer_names_is_a_problem_with_the_remedy() -> None:
    head = Policy(assignments=(assign("ana@acme.example", "SOC"),))

    (problem,) = departed(BASE, head, RELAXED)

    assert problem.code == "no-longer-managed"
    assert "Add service:siem to `former:`" in problem.remedy


def test_former_ends_management_and_another_spelling_keeps_it() -> None:
    head = Policy(
        assignments=(assign("ANA@acme.example", "Viewer"),), former=(gone("service:siem"),)
    )

    assert departed(BASE, head, RELAXED) == ()


def test_under_unlisted_revoke_silence_ends_the_access_anyway() -> None:
    assert departed(BASE, Policy(), replace(RELAXED, unlisted=Unlisted.REVOKE)) == ()
