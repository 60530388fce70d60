"""Several small runs cannot do what one large run may not: the journal remembers."""

from typing import Any

import pytest

BUDGET = "rolling: {max_revokes: 1, over: 24h}\n"
MIA_LEAVES = (
    "access.yaml",
    "former: [eve@acme.example]",
    "former: [eve@acme.example, mia@acme.example]",
)


@pytest.fixture
def spent(desk: Any) -> Any:
    """A desk whose budget of one is spent on Eve; now Mia leaves as well."""
    desk.edit("guardrails.yaml", "version: 1\n", "version: 1\n" + BUDGET)
    assert desk.run("apply", "--auto-approve").code == 0
    desk.edit(*MIA_LEAVES)
    return desk


def test_what_earlier_runs_took_counts_in_plan_and_apply_alike(spent: Any) -> None:
    written = spent.written()

    planned, applied = spent.run("plan"), spent.run("apply", "--auto-approve")

    assert planned.code == applied.code == 3
    for told in (planned, applied):
        assert "The plan takes 1 scope away from people, after 1 in the last 24 hours" in told.out
    assert spent.written() == written


def test_after_the_time_of_the_budget_the_next_may_go(spent: Any) -> None:
    spent.clock.passes(hours=23, minutes=59)
    assert spent.run("apply", "--auto-approve").code == 3

    spent.clock.passes(minutes=1)

    assert spent.run("apply", "--auto-approve").code == 0
    assert spent.holds("mia@acme.example") is None


def test_an_override_of_the_budget_lets_it_pass_and_is_told(spent: Any) -> None:
    lifted = "overrides: [{rule: rolling, value: 2, reason: merger, until: 2026-12-01}]\n"
    spent.edit("guardrails.yaml", "version: 1\n", "version: 1\n" + lifted)

    told = spent.run("apply", "--auto-approve")

    assert told.code == 0
    assert "rolling is lifted to 2 until 2026-12-02T00:00:00Z: merger" in told.out


def test_a_saved_plan_meets_the_budget_as_it_is_when_applied(desk: Any) -> None:
    desk.edit("guardrails.yaml", "version: 1\n", "version: 1\n" + BUDGET)
    desk.edit(*MIA_LEAVES)
    assert desk.run("plan", "--target", "mia@acme.example", "--out", "mia.json").code == 0
    assert desk.run("apply", "--target", "eve@acme.example", "--auto-approve").code == 0

    told = desk.run("apply", "mia.json", "--auto-approve")

    assert told.code == 3
    assert "all runs together may take 1 in that time" in told.out
    assert desk.holds("mia@acme.example") is not None


def test_another_journal_has_another_memory_and_a_broken_one_none_at_all(spent: Any) -> None:
    assert spent.run("plan", "--journal", "elsewhere.jsonl").code == 0
    journal = spent.folder / ".reconciler" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"taken":1', b'"taken":0'))

    told = spent.run("plan")

    assert told.code == 1
    assert "is broken at record" in told.err
    assert "The rolling budget rests on it." in told.err
