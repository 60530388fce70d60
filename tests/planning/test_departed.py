"""Nobody drops out of management in silence."""

from dataclasses import replace

from builders import BERLIN, LYON, RELAXED, SOC, assign, gone, grant, user

from reconciler.domain.guardrails import Unlisted
from reconciler.domain.policy import Policy
from reconciler.planning.departed import departed, no_longer_former

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


def test_whoever_still_holds_something_stays_former_until_it_has_ended() -> None:
    left, gone_already = user("10", "eve@acme.example", grant(SOC, BERLIN)), "mia@acme.example"
    base = Policy(former=(gone("eve@acme.example"), gone(gone_already)))

    (problem,) = no_longer_former(base, (left, user("11", "bo@acme.example", grant(SOC, LYON))))

    assert problem.code == "no-longer-former"
    assert "still holds SOC on EMEA/Berlin" in problem.message
    assert no_longer_former(base, (user("10", "eve@acme.example"),)) == ()
    assert no_longer_former(None, (left,)) == ()
