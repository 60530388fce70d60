"""The long form is cut up so that stopping it loses nothing."""

from collections import Counter
from pathlib import Path

from reliability.portions import PLANS, Done, Ledger, keep, kept
from reliability.table import Row, Sums


def done(name: str, number: int, runs: int, *told: str) -> Done:
    row = Row(name, "an area", 1 + number, 10, runs, list(told), tally=Counter({"a kind": runs}))
    return Done(name, number, [row], Sums(changes=runs, told=runs))


def test_a_portion_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    portions = [done("R1", 0, 7), done("R2", 0, 5, "world 1: something")]
    for each in portions:
        keep(tmp_path / "state", each)

    assert kept(tmp_path / "state") == portions


def test_a_run_goes_on_after_the_portions_that_are_done() -> None:
    ledger = Ledger(["R1"])
    for number in (0, 1):
        ledger.take(done("R1", number, 200))

    assert ledger.next() == ("R1", 2)
    assert [(row.runs, row.tally) for row in ledger.rows()] == [(400, {"a kind": 400})]
    assert ledger.sums.changes == 400


def test_the_row_that_is_furthest_behind_comes_next() -> None:
    ledger = Ledger(["R1", "R2"])
    ledger.take(done("R1", 0, PLANS["R1"].goal // 2))

    assert ledger.next() == ("R2", 0)


def test_a_row_ends_at_its_goal_and_where_there_is_no_more_of_it() -> None:
    ledger = Ledger(["R1", "R4"])
    ledger.take(done("R1", 0, PLANS["R1"].goal))
    ledger.take(done("R4", 12, 0))

    assert ledger.next() is None


def test_a_portion_that_could_not_run_is_a_violation() -> None:
    ledger = Ledger(["R1"])
    ledger.take(done("R1", 0, 0, "portion 0: the suite itself ended"))

    assert [row.violations for row in ledger.rows()] == [["portion 0: the suite itself ended"]]
