"""Tables read back by a CSV parser: nothing is a formula, nothing is obeyed, nothing is lost."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from hostile import Corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.plan import Plan
from reconciler.rendering.as_csv import PLAN_HEADER, cell, csv_text, original, plan_csv
from reconciler.rendering.tree import plan_tree

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "'=1", "'")


def read(told: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(told), strict=True))


def table(tree: Any) -> list[dict[str, str]]:
    header, *rows = read(plan_csv(tree))
    assert tuple(header) == PLAN_HEADER
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("value", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_text(value: str) -> None:
    shown = read(csv_text(["a"], [[value]]))[1][0]

    assert shown[0] not in "=+-@\t\r\n\uff0b\uff0d\uff1d\uff20"
    assert original(shown) == value


def test_a_formula_is_quoted_with_an_apostrophe() -> None:
    assert csv_text(["a", "b"], [["=cmd()|'/C calc'!A0", 'say "x"']]) == (
        '"a","b"\n"\'=cmd()|\'/C calc\'!A0","say ""x"""\n'
    )


def test_a_backslash_of_a_value_is_not_taken_for_an_escape() -> None:
    assert cell("DOMAIN\\new") == "DOMAIN\\\\new"
    assert cell("a\nb") == "a\\nb"
    assert original("DOMAIN\\\\new") == "DOMAIN\\new"


def test_every_hostile_value_is_harmless_and_comes_back(
    corpus: Corpus, check_harmless: Callable[..., None]
) -> None:
    def holds(text: str) -> None:
        told = csv_text(["a", "b"], [[text, "x"], ["x", text]])

        check_harmless(told, color=False)
        assert len(told.splitlines()) == 3
        rows = read(told)[1:]
        assert [[original(shown) for shown in row] for row in rows] == [[text, "x"], ["x", text]]
        assert not rows[0][0].lstrip().startswith(("=", "+", "-", "@"))

    corpus.check(holds)


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_every_text_comes_back(value: str) -> None:
    assert original(read(csv_text(["a"], [[value]]))[1][0]) == value


def test_a_plan_tells_every_kind_of_record(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")

    rows = table(tree)

    count = {kind: sum(row["kind"] == kind for row in rows) for kind in {r["kind"] for r in rows}}
    # A token that is all that goes is a row too.
    changes = sum(len(operation["changes"]) or 1 for operation in tree["operations"])
    grants = sum(len(one["holding"]["grants"]) for one in tree["unlisted"])
    assert count == {
        "refusal": 2,
        "role change": 2,
        "change": changes,
        "coming": 2,
        "unlisted": grants,
        "warning": 3,
    }


def test_refusals_stand_first_and_the_worst_change_before_the_rest(
    full: Callable[[str], Plan],
) -> None:
    rows = table(plan_tree(full("x"), "1"))

    assert [row["kind"] for row in rows[:2]] == ["refusal", "refusal"]
    changes = [row["risk"] for row in rows if row["kind"] == "change"]
    assert changes[0] == "high"
    assert changes[-1] == "low"


def test_a_change_tells_its_whole_triple(full: Callable[[str], Plan]) -> None:
    row = next(row for row in table(plan_tree(full("x"), "1")) if row["kind"] == "change")

    assert row == {
        "kind": "change",
        "risk": "high",
        "action": "grant",
        "principal": "x",
        "role": "x",
        "scope": "x",
        "level": "site",
        "reason": "window opened",
        "until": "2026-11-22T09:00:00Z",
        "note": "x",
        "remedy": "",
        "place": "x:3:5 x:3:5 x",
        "commit": "c" * 40,
        "principal_id": "id:10",
        "role_id": "id:1",
        "scope_id": "id:101",
        "from": "2026-11-22T09:00:00Z",
    }


def test_a_role_that_nobody_holds_and_one_that_gives_access_are_told_apart(
    full: Callable[[str], Plan],
) -> None:
    rows = [row for row in table(plan_tree(full("x"), "1")) if row["kind"] == "role change"]

    assert "gives access" in rows[0]["note"]
    assert rows[0]["risk"] == "high"
    assert "held by x, service:x" in rows[0]["note"]
    assert "held by nobody" in rows[1]["note"]
    assert rows[1]["risk"] == ""


def test_somebody_unlisted_who_holds_nothing_is_told_too(full: Callable[[str], Plan]) -> None:
    tree = plan_tree(full("x"), "1")
    tree["unlisted"] = [{**tree["unlisted"][0], "holding": {"level": "site", "grants": []}}]

    rows = [row for row in table(tree) if row["kind"] == "unlisted"]

    assert [(row["principal"], row["role"]) for row in rows] == [("x", "")]


def test_a_hostile_plan_keeps_its_records(
    corpus: Corpus, full: Callable[[str], Plan], check_harmless: Callable[..., None]
) -> None:
    usual = len(read(plan_csv(plan_tree(full("x"), "x"))))

    def holds(text: str) -> None:
        told = plan_csv(plan_tree(full(text), text))

        check_harmless(told, color=False)
        rows = read(told)
        assert len(rows) == usual
        assert {len(row) for row in rows} == {len(PLAN_HEADER)}
        assert not [value for row in rows for value in row if value.lstrip()[:1] in set("=+-@")]

    corpus.check(holds)
