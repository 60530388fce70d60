"""What became of an apply, in words."""

from datetime import timedelta

from builders import BERLIN, SOC, assign, grant, plan, user, world

from reconciler.domain.outcome import Outcome, Result
from reconciler.rendering.outcomes import (
    on_its_way_text,
    others_text,
    outcome_text,
    outcomes_summary,
    remaining_text,
    unfinished_text,
    unverified_text,
)

_WORLD = world(user("10", "ana@acme.example", grant(SOC, BERLIN)))
OPERATION = plan(_WORLD, assign("ana@acme.example", "Viewer", "EMEA/Lyon")).operations[0]


def test_an_outcome_is_one_line_of_result_operation_and_detail() -> None:
    outcome = Outcome(OPERATION, Result.NOT_ATTEMPTED, "the run was interrupted")

    assert outcome_text(outcome, color=False) == (
        "not attempted update ana@acme.example: the run was interrupted\n"
    )


def test_every_result_has_its_own_line() -> None:
    told = {outcome_text(Outcome(OPERATION, result, ""), color=True) for result in Result}

    assert len(told) == len(Result)


def test_the_sum_names_every_result_there_is_and_always_what_was_applied() -> None:
    failed = [Outcome(OPERATION, Result.FAILED), Outcome(OPERATION, Result.UNKNOWN)]
    applied = [Outcome(OPERATION, Result.APPLIED)]

    assert outcomes_summary(failed, "sha256:1") == (
        "Apply: 0 applied, 1 failed, 1 unknown, of 2.\nJournal head: sha256:1\n"
    )
    assert outcomes_summary(applied, "sha256:1").startswith("Apply: 1 applied, of 1.\n")


def test_what_does_not_last_is_named() -> None:
    assert "Verified" in remaining_text([])
    assert "ana@acme.example, bo@acme.example." in remaining_text(
        ["ana@acme.example", "bo@acme.example"]
    )


def test_changes_of_somebody_else_are_told_with_who_made_them() -> None:
    assert others_text({}) == ""
    told = others_text({"bo@acme.example": "Eve", "ana@acme.example": "Dee"})

    assert "ana@acme.example (by Dee), bo@acme.example (by Eve)." in told


def test_a_look_that_failed_is_told() -> None:
    assert unverified_text("whether it lasts", "no answer") == (
        "Not verified, whether it lasts: no answer\n"
    )


def test_what_an_earlier_run_left_open_is_named_with_its_time() -> None:
    told = unfinished_text([("ana@acme.example", "2026-11-22T09:00:00Z", "not applied")])

    assert unfinished_text([]) == ""
    assert "ana@acme.example, intended at 2026-11-22T09:00:00Z: not applied" in told


def test_why_a_run_waits_is_told_with_for_how_long() -> None:
    told = on_its_way_text(timedelta(seconds=41.4))

    assert told == (
        "… an earlier run ended in the middle of a write; waiting 41 s, until its request can no "
        "longer arrive\n"
    )
    assert "waiting 1 s" in on_its_way_text(timedelta(milliseconds=1))
