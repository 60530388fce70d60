"""An auditor without a token: what was done, and whether the record is still the record."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.commands.audit.reading import show
from reconciler.resources import resource

JOURNAL = ".reconciler/journal.jsonl"


@pytest.fixture
def applied(desk: Any) -> Any:
    """A desk at which one apply has run; from here on there is no console."""
    assert desk.run("apply", "--auto-approve").code == 0
    desk.url = "http://127.0.0.1:9"
    return desk


def path(desk: Any) -> Path:
    return Path(desk.folder) / JOURNAL


def test_a_sound_journal_is_unbroken_and_has_the_head_that_apply_printed(desk: Any) -> None:
    told = desk.run("apply", "--auto-approve").out
    head = re.search(r"Journal head: (\S+)", told)[1]  # type: ignore[index]

    done = desk.run("audit", "verify", "--head", head)

    assert (done.code, desk.run("audit", "head").out) == (0, f"{head}\n")
    assert "10 records of 1 run, unbroken." in done.out
    assert "The published head is record 10; 0 were added since." in done.out


def test_an_edited_journal_is_broken_where_it_was_edited(applied: Any) -> None:
    file = path(applied)
    file.write_bytes(file.read_bytes().replace(b'"applied"', b'"ignored"', 1))

    done = applied.run("audit", "verify")

    assert done.code == 1
    assert "is broken at record 4: it follows another record" in done.err
    assert "The 3 records before fit each other" in done.err
    assert "whether the last of them is what was written only a head that was published" in done.err


@pytest.mark.parametrize("cut", [slice(7, None), slice(0, 20), slice(0, 0)])
def test_half_a_head_is_wrong_usage_and_accuses_nobody(applied: Any, cut: slice) -> None:
    head = applied.run("audit", "head").out.strip()

    done = applied.run("audit", "verify", "--head", head[cut])

    assert (done.code, done.out) == (1, "")
    assert "is no head: write it whole" in done.err
    assert "forged" not in done.err


def test_a_last_run_without_an_end_is_told(applied: Any) -> None:
    file = path(applied)
    assert "has no end on record" not in applied.run("audit", "verify").out
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))

    done = applied.run("audit", "verify")

    assert done.code == 0
    assert "The last run, " in done.out
    assert "has no end on record: it died, or is not over yet." in done.out


@pytest.mark.parametrize(
    ("option", "known"), [("--kind", "run-started"), ("--result", "not attempted")]
)
def test_words_that_no_record_has_are_wrong_usage(applied: Any, option: str, known: str) -> None:
    done = applied.run("audit", "show", option, "foo")

    assert (done.code, done.out) == (1, "")
    assert known in done.err


def test_that_no_record_matches_is_told_beside_the_results(applied: Any) -> None:
    done = applied.run("audit", "show", "--principal", "nobody@acme.example", "--format", "json")

    assert (done.code, done.out) == (0, "")
    assert done.err == "No record of 10 matches.\n"


def test_whoever_reads_only_the_beginning_of_the_record_is_no_error(applied: Any) -> None:
    with applied.start("audit", "show") as process:
        assert "run-started" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0


def test_every_kind_and_result_of_the_schema_can_be_asked_for() -> None:
    schema = json.loads((resource("schemas") / "journal.schema.json").read_text("utf-8"))
    options: dict[Any, Any] = {one.name: one.type for one in show.params}
    assert set(options["kind"].choices) == set(schema["properties"]["kind"]["enum"])
    found = [one["then"]["properties"]["data"].get("properties", {}) for one in schema["allOf"]]
    results = {word for one in found for word in one.get("result", {}).get("enum", ())}
    assert set(options["result"].choices) == results


def test_a_journal_that_was_cut_back_lacks_the_published_head(applied: Any) -> None:
    head = applied.run("audit", "head").out.strip()
    file = path(applied)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))

    assert applied.run("audit", "verify").code == 0
    done = applied.run("audit", "verify", "--head", head)

    assert done.code == 1
    assert "does not hold the published head" in done.err


def test_what_a_run_left_open_is_told(applied: Any) -> None:
    file = path(applied)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:2]) + lines[2][:20])

    done = applied.run("audit", "verify")

    assert done.code == 0
    assert "The last line is torn" in done.out
    assert "Unfinished: service:siem, intended at" in done.out


def test_a_journal_that_is_not_there_is_an_error_with_a_remedy(desk: Any) -> None:
    done = desk.run("audit", "verify")

    assert done.code == 1
    assert "cannot be read: No such file" in done.err
    assert "Name it with --journal" in done.err


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        ((), ["run-started", *["intent", "outcome"] * 4, "run-finished"]),
        (("--principal", "LENA@acme.example"), ["intent", "outcome"]),
        (("--principal", "service:siem", "--kind", "intent"), ["intent"]),
        (("--result", "applied"), ["outcome"] * 4),
        (("--result", "failed"), []),
        (("--run", "nobody's"), []),
        (("--since", "2026-11-01"), ["run-started", *["intent", "outcome"] * 4, "run-finished"]),
        (("--until", "2026-11-01"), []),
        (("--since", "2027-01-01T00:00:00Z"), []),
    ],
)
def test_the_record_is_read_in_part(applied: Any, filters: Any, kinds: list[str]) -> None:
    done = applied.run("audit", "show", "--format", "json", *filters)

    assert done.code == 0
    assert [json.loads(line)["kind"] for line in done.out.splitlines()] == kinds


def test_the_record_reads_as_a_story(applied: Any) -> None:
    told = applied.run("audit", "show", "--principal", "eve@acme.example").out

    assert "intent: delete eve@acme.example" in told
    assert "- revoke" in told
    assert "outcome: eve@acme.example applied: the console's answer shows it" in told


def test_events_are_printed_from_a_record_on(applied: Any) -> None:
    told = applied.run("audit", "export", "--after", "5")

    numbers = [json.loads(line)["metadata"]["sequence"] for line in told.out.splitlines()]
    assert (told.code, min(numbers)) == (0, 7)


def test_every_part_of_audit_explains_itself(desk: Any) -> None:
    told = desk.run("audit", "--help").out

    for part in ("verify", "head", "show", "export", "reconcile"):
        assert f"\n  {part} " in told
        assert desk.run("audit", part, "--help").out.startswith(f"Usage: reconciler audit {part}")


def test_no_other_part_of_audit_is_known(desk: Any) -> None:
    done = desk.run("audit", "forge")

    assert done.code == 1
    assert "No such command 'forge'" in done.err
