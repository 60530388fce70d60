"""An auditor without a token: what was done, and whether the record is still the record."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

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
    assert "the 3 records before are a chain" in done.err


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
