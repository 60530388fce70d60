"""An auditor without a token: what was done, and whether the record is still the record."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from stories.desk import ROLES

from reconciler.cli.commands.audit.reading import show
from reconciler.resources import resource

JSON = ("--format", "json")
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


def test_without_a_published_head_nothing_is_said_to_be_proved(applied: Any) -> None:
    head = applied.run("audit", "head").out.strip()
    warned = "No published head was given: a journal forged as a whole, or one whose tail was cut"

    assert warned in applied.run("audit", "verify").out
    assert "--head HASH" in applied.run("audit", "verify").out
    assert warned not in applied.run("audit", "verify", "--head", head).out


def test_an_emptied_journal_is_not_called_unbroken(applied: Any) -> None:
    path(applied).write_bytes(b"")

    done = applied.run("audit", "verify")

    assert done.code == 0
    assert "is empty: no record of any run" in done.out
    assert "unbroken" not in done.out
    assert "No published head was given" in done.out


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


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("siem", "service:siem"),
        ("bo", "bo@acme.example"),
        ("evee@acme.example", "eve@acme.example"),
    ],
)
def test_who_is_nearly_named_in_the_record_is_suggested(
    applied: Any, asked: str, meant: str
) -> None:
    done = applied.run("audit", "show", "--principal", asked)

    assert (done.code, done.out) == (0, "")
    assert done.err == f'No record of 10 matches. Did you mean "{meant}"?\n'


def test_who_is_in_the_record_is_not_suggested_to_whoever_asks_for_another_part(
    applied: Any,
) -> None:
    done = applied.run("audit", "show", "--principal", "service:siem", "--result", "failed")

    assert done.err == "No record of 10 matches.\n"


def test_whoever_reads_only_the_beginning_of_the_record_is_no_error(applied: Any) -> None:
    with applied.start("audit", "show") as process:
        assert "run-started" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=120) == 0


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


@pytest.mark.parametrize("part", ["verify", "head", "show", "export"])
@pytest.mark.usefixtures("impatient")
def test_what_is_no_file_is_an_error_and_nobody_waits(desk: Any, part: str) -> None:
    os.mkfifo(desk.folder / "fifo")

    done = desk.run("audit", part, "--journal", "fifo")

    assert (done.code, done.out) == (1, "")
    assert "The journal fifo cannot be read: it is not a regular file." in done.err


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (0, "Nothing of it can be believed; perhaps it is no journal at all."),
        (1, "The 1 record before fits, up to the head sha256:"),
    ],
)
def test_how_much_of_a_broken_journal_may_be_true_is_told(
    applied: Any, kept: int, told: str
) -> None:
    lines = path(applied).read_bytes().splitlines(keepends=True)
    path(applied).write_bytes(b"".join(lines[:kept]) + b"{}\n")

    done = applied.run("audit", "verify")

    assert done.code == 1
    assert told in done.err
    assert "sha256:000000" not in done.err


@pytest.mark.parametrize(
    "command", [("audit", "verify"), ("audit", "show"), ("plan",), ("apply", "--auto-approve")]
)
def test_a_journal_that_powershell_wrote_anew_is_to_be_fetched_as_bytes(
    desk: Any, command: tuple[str, ...]
) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    text = path(desk).read_text("utf-8").replace("\n", "\r\n")
    path(desk).write_bytes(text.encode("utf-16"))

    done = desk.run(*command)

    assert done.code == 1
    assert "was re-encoded (UTF-16)" in done.err
    assert "Fetch it as bytes" in done.err
    assert "Nothing of it can be believed" not in done.err
    assert "evidence" not in done.err


def test_a_journal_that_is_not_there_is_an_error_with_a_remedy(desk: Any) -> None:
    done = desk.run("audit", "verify")

    assert done.code == 1
    assert "cannot be read: No such file" in done.err
    assert "Name it with --journal" in done.err


@pytest.mark.parametrize(
    ("filters", "kinds"),
    [
        ((), ["run-started", *["intent", "outcome"] * 4, "run-finished"]),
        (("--principal", "LENA@acme.example"), ["run-started", "intent", "outcome"]),
        (("--principal", "service:siem", "--kind", "intent"), ["intent"]),
        (("--result", "applied"), ["run-started", *["outcome"] * 4]),
        (("--role", "soc", "--result", "applied"), ["run-started", *["outcome"] * 3]),
        (("--role", ROLES["Viewer"], "--kind", "outcome"), ["outcome"] * 2),
        (("--role", "Admin"), []),
        (("--result", "failed"), []),
        (("--run", "nobody's"), []),
        (("--since", "2026-11-01"), ["run-started", *["intent", "outcome"] * 4, "run-finished"]),
        (("--until", "2026-11-01"), []),
        (("--since", "2027-01-01T00:00:00Z"), []),
        (("--until", "2026-11-23T09:30:00+01:00"), []),
        (("--kind", "run-started", "--since", "2026-11-23 09:30+01:00"), ["run-started"]),
    ],
)
def test_the_record_is_read_in_part(applied: Any, filters: Any, kinds: list[str]) -> None:
    done = applied.run("audit", "show", "--format", "json", *filters)

    assert done.code == 0
    assert [json.loads(line)["kind"] for line in done.out.splitlines()] == kinds


@pytest.mark.parametrize("text", ["2026-11-23T09:00:00", "yesterday", "", "2026-13-01"])
def test_what_is_no_instant_is_wrong_usage(applied: Any, text: str) -> None:
    done = applied.run("audit", "show", "--since", text)

    assert (done.code, done.out) == (1, "")
    assert "is no instant: write 2026-11-23, or 2026-11-23T09:00:00Z (any offset)." in done.err


def test_a_run_is_found_by_how_its_id_begins(applied: Any) -> None:
    run = applied.journal()[0]["run"]

    assert applied.run("audit", "show", "--run", run[:5]).out.count(run) == 10
    assert applied.run("audit", "show", "--run", run[1:]).err == "No record of 10 matches.\n"


def test_who_gave_somebody_a_role_and_why_is_one_question(desk: Any) -> None:
    desk.edit(
        "access.yaml",
        "former:",
        "  - {members: [mia@acme.example], role: Admin, sites: ['Acme/Lyon'], "
        "reason: CHG-9}\nformer:",
    )
    assert desk.run("apply", "--auto-approve").code == 0

    told = desk.run("audit", "show", "--role", "Admin").out.splitlines()

    assert "run-started: 5 operations on http://127.0.0.1" in told[0]
    assert told[0].endswith("by service:reconciler")
    assert told[1] == "         by hand"
    assert "intent: update mia@acme.example" in told[2]
    assert "+ grant  Admin on Acme/Lyon  policy" in told[3]
    assert told[4] == "                  reason: CHG-9, policies/access.yaml:11:16"
    assert "outcome: mia@acme.example applied" in told[7]
    assert told[9] == told[4]


@pytest.mark.parametrize("form", ["ocsf-1.8", "ocsf-1.9", "sdl", "cloudevents"])
def test_until_when_somebody_was_given_a_role_is_shown_and_exported(desk: Any, form: str) -> None:
    window = "{members: [mia@acme.example], role: Admin, sites: [Acme/Lyon], until: 2026-11-24}"
    desk.edit("access.yaml", "former:", f"  - {window}\nformer:")
    assert desk.run("apply", "--auto-approve").code == 0

    shown = desk.run("audit", "show", "--principal", "mia@acme.example").out
    exported = desk.run("audit", "export", "--format", form).out

    assert "+ grant  Admin on Acme/Lyon until 2026-11-25T00:00:00Z" in shown
    grants = [line for line in exported.splitlines() if 'grant \\"Admin' in line]
    assert grants
    assert all("2026-11-25T00:00:00Z" in line for line in grants)


def test_runs_are_listed_one_a_line(desk: Any) -> None:
    assert desk.run("apply", "--auto-approve").code == 0
    desk.edit("access.yaml", "ana@acme.example, ", "")
    desk.edit("access.yaml", "[eve@", "[ana@acme.example, eve@")
    desk.edit("guardrails.yaml", "nothing_left: delete", "nothing_left: refuse")
    assert desk.run("apply", "--auto-approve").code == 3
    first, second = (desk.journal()[n]["run"] for n in (0, -1))
    head = desk.run("audit", "head").out.strip()

    told = desk.run("audit", "show", "--runs")

    one, two = told.out.splitlines()
    assert one.startswith(
        f"{first}  2026-11-23T09:00:00Z  by service:reconciler  by hand  4 applied"
    )
    assert two == (
        f"{second}  2026-11-23T09:00:00Z  by service:reconciler  by hand  refused  {head}"
    )
    assert desk.run("audit", "show", "--runs", "--role", "Viewer").out == f"{one}\n"
    [tree] = map(
        json.loads, desk.run("audit", "show", "--runs", "--run", second, *JSON).out.splitlines()
    )
    assert (tree["run"], tree["end"], tree["head"]) == (second, "refused", head)
    assert (
        desk.run("audit", "show", "--runs", "--role", "Admin").err == "No record of 11 matches.\n"
    )


def test_a_run_that_died_has_no_end_in_the_list(applied: Any) -> None:
    file = path(applied)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-2]))

    assert "  3 applied, no end on record  sha256:" in applied.run("audit", "show", "--runs").out


def test_the_record_reads_as_a_story(applied: Any) -> None:
    told = applied.run("audit", "show", "--principal", "eve@acme.example").out

    assert "intent: delete eve@acme.example" in told
    assert "- revoke" in told
    assert "outcome: eve@acme.example applied: the console's answer shows it" in told


def test_events_are_printed_from_a_record_on(applied: Any) -> None:
    told = applied.run("audit", "export", "--after", "5")

    numbers = [json.loads(line)["metadata"]["sequence"] for line in told.out.splitlines()]
    assert (told.code, min(numbers)) == (0, 6)


def test_every_part_of_audit_explains_itself(desk: Any) -> None:
    told = desk.run("audit", "--help").out

    for part in ("verify", "head", "show", "export", "reconcile"):
        assert f"\n  {part} " in told
        assert desk.run("audit", part, "--help").out.startswith(f"Usage: reconciler audit {part}")


def test_no_other_part_of_audit_is_known(desk: Any) -> None:
    done = desk.run("audit", "forge")

    assert done.code == 1
    assert "No such command 'forge'" in done.err
