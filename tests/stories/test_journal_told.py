"""What a plan says of the journal it rests on, and how a run of it is named."""

import json
from typing import Any

import pytest
from stories.desk import GUARDRAILS, NOW, small_world

from reconciler.audit.chain import Record
from reconciler.audit.journal import Journal
from reconciler.audit.undone import undo_of
from reconciler.errors import RefusedError
from reconciler.simulator.serve import running

JOURNAL = ".reconciler/journal.jsonl"


@pytest.fixture
def applied(desk: Any) -> Any:
    assert desk.run("apply", "--auto-approve").code == 0
    return desk


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_journal_that_is_named_and_not_there_is_told(desk: Any, command: str) -> None:
    named = desk.run(command, "--journal", ".reconciler/jornal.jsonl")

    assert "There is no journal .reconciler/jornal.jsonl: guardrails" in named.err
    assert "There is no journal" not in desk.run(command).err


def test_a_journal_that_is_there_is_not_told_of(applied: Any) -> None:
    assert applied.run("plan", "--journal", JOURNAL).err == ""


def test_an_apply_says_that_a_journal_that_is_named_begins(desk: Any) -> None:
    named = ("--journal", ".reconciler/jornal.jsonl")

    first = desk.run("apply", "--auto-approve", *named)
    next_ = desk.run("apply", "--auto-approve", *named)

    assert (first.code, next_.code) == (0, 0)
    assert "A new journal begins at .reconciler/jornal.jsonl.\n" in first.err
    assert "A new journal" not in next_.err
    assert "A new journal" not in desk.run("apply", "--auto-approve").err  # where it belongs


def test_an_emptied_journal_begins_anew(applied: Any) -> None:
    (applied.folder / JOURNAL).write_bytes(b"")

    told = applied.run("apply", "--auto-approve", "--journal", JOURNAL)

    assert "A new journal begins at" in told.err


def dies(desk: Any) -> None:
    """Take the last outcome and the end off the record, as if the run had died."""
    path = desk.folder / JOURNAL
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))


def test_a_plan_says_what_an_earlier_run_left_open(applied: Any) -> None:
    dies(applied)
    last = applied.journal()[-1]["data"]["principal"]["name"]

    told = applied.run("plan")

    assert told.code == 0
    assert f"Unfinished: {last}. The journal holds an intent and no outcome" in told.err
    assert applied.run("apply", "--auto-approve").code == 0
    assert "Unfinished" not in applied.run("plan").err


def test_what_is_open_on_another_console_is_not_told(applied: Any) -> None:
    dies(applied)
    applied.url = applied.url.replace("127.0.0.1", "localhost")

    assert "Unfinished" not in applied.run("plan").err


def test_many_that_are_open_are_a_number(applied: Any) -> None:
    path = applied.folder / JOURNAL
    intents = [each for each in applied.journal() if each["kind"] == "intent"]
    path.unlink()
    rewritten(applied, intents)

    assert " and 1 more. The journal holds an intent" in applied.run("plan").err


def rewritten(desk: Any, records: list[dict[str, Any]]) -> None:
    """Write a chain of these records, as a run that answered none of them would have."""
    with Journal(desk.folder / JOURNAL, now=lambda: desk.clock.instant, run_id="0" * 16) as one:
        for record in records:
            one.append(record["kind"], record["data"])


def test_how_the_id_of_a_run_begins_is_enough_to_undo_it(applied: Any) -> None:
    run = applied.journal()[0]["run"]

    whole = applied.run("plan", "--undo", run, "--format", "json")
    begun = applied.run("plan", "--undo", run[:4], "--format", "json")

    assert (begun.code, begun.out) == (whole.code, whole.out)
    assert '"undo"' in whole.out


def test_no_run_at_all_is_no_run(applied: Any) -> None:
    told = applied.run("plan", "--undo", "")

    assert (told.code, told.out) == (3, "")
    assert "The journal does not hold the run ''" in told.err


def test_what_begins_several_runs_names_none() -> None:
    records = [
        Record(n, "", run, "run-started", {}, run) for n, run in enumerate(("ab", "ac", "a"))
    ]

    with pytest.raises(
        RefusedError, match="2 runs of the journal begin with 'a': ab, ac"
    ) as caught:
        undo_of(records[:2], "a")
    assert "audit show --runs" in caught.value.remedy
    assert undo_of(records, "a").run == "a"
    assert undo_of(records, "ac").run == "ac"


def test_what_is_open_on_one_console_is_not_settled_by_another(
    desk: Any, proxy: Any, faults: Any
) -> None:
    def lost(exchange: Any) -> None:
        proxy.when(faults.status(503), method="GET", times=9999)
        faults.reset_after(exchange)

    proxy.when(lost, method="POST", path="/users")
    desk.run("apply", "--auto-approve")
    proxy.start_over()
    assert desk.results()["lena@acme.example"] == "unknown"
    here, token = desk.url, desk.token
    with running(small_world(), clock=lambda: NOW) as other:
        desk.url, desk.token = other.url, other.token
        assert desk.run("apply", "--auto-approve").code == 0
    desk.url, desk.token = here, token

    desk.run("apply", "--auto-approve")

    resolved = [one["data"] for one in desk.journal() if one["kind"] == "resolved"]
    assert [one["result"] for one in resolved if "lena@" in one["principal"]["name"]] == ["applied"]


def test_what_is_done_while_a_guardrail_is_lifted_says_so(desk: Any) -> None:
    lifted = "overrides: [{rule: max_revokes, value: 40, reason: merger, until: 2026-12-01}]\n"
    desk.write("guardrails.yaml", GUARDRAILS + "max_revokes: 0\n" + lifted)

    assert desk.run("apply", "--auto-approve").code == 0

    [override] = desk.journal()[0]["data"]["overrides"]
    assert override == "max_revokes is lifted to 40 until 2026-12-02T00:00:00Z: merger"
    assert f"override in force: {override}" in desk.run("audit", "show").out
    events = map(json.loads, desk.run("audit", "export").out.splitlines())
    told = {(one["status_detail"] == "intended", one["severity_id"]) for one in events}
    assert told == {(False, 3), (True, 1)}
