"""One reading of the console, many forms: what stands on stdout and what goes to files."""

import csv
import io
import json
import stat
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from stories.desk import Desk

from reconciler.cli.formats import DRIFT, PLAN, VALIDATE

PLAN_FORMS = ("text", "json", "markdown", "html", "csv", "junit", "sarif", "github")


@pytest.mark.parametrize(
    ("command", "forms"),
    [
        ("plan", PLAN_FORMS),
        ("show", PLAN_FORMS),
        ("drift", ("text", "json", "markdown", "html", "csv")),
        ("validate", ("text", "json", "junit", "sarif", "github")),
    ],
)
def test_each_command_offers_its_forms(command: str, forms: tuple[str, ...], desk: Desk) -> None:
    told = desk.run(command, "--help").out

    assert f"[{'|'.join(forms)}]" in "".join(told.split()).replace("--formatFORM", "")
    offered = {"plan": PLAN.names, "show": PLAN.names, "drift": DRIFT.names}
    assert (offered | {"validate": VALIDATE.names})[command] == forms


@pytest.mark.parametrize("form", PLAN_FORMS)
def test_a_report_says_what_stdout_would(form: str, desk: Desk) -> None:
    told = desk.run("plan", "--format", form, "--report", f"{form}=report")

    assert told.code == 0
    assert told.out == Path("report").read_text("utf-8")
    assert told.out


def test_several_reports_come_from_one_reading_of_the_console(desk: Desk) -> None:
    desk.run("plan")
    once = len(desk.console.requests)
    desk.console.requests.clear()

    reports = [part for form in PLAN_FORMS for part in ("--report", f"{form}=out.{form}")]
    told = desk.run("plan", *reports)

    assert len(desk.console.requests) == once
    assert {path.name for path in Path().glob("out.*")} == {f"out.{form}" for form in PLAN_FORMS}
    assert told.out.startswith("Plan for ")
    assert json.loads(Path("out.json").read_text("utf-8"))["summary"]["invite"] == 1


def test_a_report_is_for_its_owner_alone_and_replaces_what_was_there(desk: Desk) -> None:
    Path("plan.html").write_text("old")

    desk.run("plan", "--report", "html=plan.html")

    assert stat.S_IMODE(Path("plan.html").stat().st_mode) == 0o600
    assert Path("plan.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert not list(Path().glob(".report-*"))


def test_a_report_is_the_same_on_a_terminal(desk: Desk) -> None:
    told = desk.run("plan", "--report", "text=plan.txt")

    assert "\x1b" not in Path("plan.txt").read_text("utf-8")
    assert told.out == Path("plan.txt").read_text("utf-8")


def test_a_report_that_cannot_be_written_fails_the_run(desk: Desk) -> None:
    told = desk.run("plan", "--report", "html=missing/plan.html")

    assert told.code == 1
    assert "The report cannot be saved to missing/plan.html" in told.err
    assert told.out == ""


@pytest.mark.parametrize("value", ["html", "html=", "=x", "pdf=x", "", "HTML=x"])
def test_a_report_needs_a_form_and_a_file(value: str, desk: Desk) -> None:
    told = desk.run("plan", "--report", value)

    assert told.code == 1
    assert "is not FORM=FILE with one of the forms text, json, markdown" in " ".join(
        told.err.split()
    )
    assert desk.console.requests == []


def test_two_reports_cannot_go_to_one_file(desk: Desk) -> None:
    told = desk.run("plan", "--report", "html=x", "--report", "csv=./x")

    assert told.code == 1
    assert "Two reports would go to one file" in told.err


def test_a_refused_plan_is_reported_in_every_form(desk: Desk) -> None:
    desk.write("guardrails.yaml", "version: 1\nnothing_left: delete\nmax_revokes: 0\n")

    told = desk.run("plan", "--format", "sarif", "--report", "junit=junit.xml")

    assert told.code == 3
    rules = {result["ruleId"] for result in json.loads(told.out)["runs"][0]["results"]}
    assert "guardrail/max_revokes" in rules
    root = fromstring(Path("junit.xml").read_text("utf-8"))  # noqa: S314 - our own report
    assert "max_revokes" in {case.attrib["name"] for case in root.iter() if len(case)}


def test_a_stale_plan_can_be_shown_in_every_form_without_a_console(desk: Desk) -> None:
    desk.run("plan", "--out", "saved.json")
    desk.console.requests.clear()
    desk.make("ana@acme.example", "Viewer")
    count = len(desk.console.requests)

    for form in PLAN_FORMS:
        told = desk.run("show", "saved.json", "--format", form)
        assert (told.code, bool(told.out)) == (0, True)
    assert len(desk.console.requests) == count


def test_drift_is_told_in_its_own_words_in_every_form(desk: Desk) -> None:
    told = desk.run("drift", "--report", "html=d.html", "--report", "markdown=d.md")

    assert told.code == 2
    for name in ("d.html", "d.md"):
        assert "Drift: 3 missing" in Path(name).read_text("utf-8")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--out", "-", "--format json prints the plan"),
        ("--report", "csv=-", "--format csv prints it"),
    ],
)
def test_no_file_is_called_by_the_name_of_standard_output(
    desk: Desk, option: str, value: str, told: str
) -> None:
    done = desk.run("plan", option, value)

    assert (done.code, done.out) == (1, "")
    assert told in done.err
    assert not Path("-").exists()


@pytest.mark.parametrize("bad", ["nowhere/p.html", "policies", "x" * 300])
def test_when_one_file_cannot_be_written_none_is_and_the_console_is_not_asked(
    desk: Desk, bad: str
) -> None:
    before = set(desk.folder.rglob("*"))
    reports = ("--report", "csv=p.csv", "--report", f"html={bad}")

    for arguments in (("plan", "--out", "p.json", *reports), ("plan", "--out", bad)):
        told = desk.run(*arguments)
        assert (told.code, told.out) == (1, "")
        assert bad in told.err
    assert desk.console.requests == []
    assert desk.run("drift", *reports).code == 1
    assert set(desk.folder.rglob("*")) == before


def test_a_plan_and_a_report_do_not_go_to_one_file(desk: Desk) -> None:
    told = desk.run("plan", "--out", "p.json", "--report", "json=p.json")

    assert (told.code, Path("p.json").exists()) == (1, False)


def test_problems_go_to_stdout_for_machines_and_to_stderr_for_people(desk: Desk) -> None:
    desk.edit("access.yaml", "role: SOC", "rule: SOC")

    told = desk.run("validate", "--format", "json", "--report", "junit=v.xml")

    assert told.code == 1
    found = json.loads(told.out)
    assert not found["is_valid"]
    codes = {problem["code"] for problem in found["problems"]}
    assert codes == {"missing-key", "unknown-key"}
    assert all(code in told.err for code in codes)
    cases = fromstring(Path("v.xml").read_text("utf-8")).iter("testcase")  # noqa: S314 - our own
    assert {case.attrib["name"]: len(case) for case in cases} == {
        "policies/access.yaml": 1,
        "policies/guardrails.yaml": 0,
    }


def test_a_plan_of_broken_files_has_a_text_for_the_pull_request_and_a_page(desk: Desk) -> None:
    desk.edit("access.yaml", "role: SOC", "rule: SOC")

    told = desk.run("plan", "--report", "markdown=p.md", "--report", "html=p.html")

    assert (told.code, told.out) == (1, "")
    text = Path("p.md").read_text("utf-8")
    assert text.startswith("### 2 problems in the policy files\n")
    assert "| `policies/access.yaml:8:5` | **`unknown-key`**<br>" in text
    assert "2 problems found; there is no plan." in Path("p.html").read_text("utf-8")
    assert desk.run("plan", "--format", "markdown").out == text


def test_text_says_a_problem_once_and_on_stderr(desk: Desk) -> None:
    desk.edit("access.yaml", "role: SOC", "rule: SOC")

    told = desk.run("validate")

    assert told.out == ""
    assert told.err.count("unknown-key") == 1


def test_a_folder_that_is_not_there_is_a_problem_in_every_form(desk: Desk) -> None:
    told = desk.run("validate", "--policies", "nowhere", "--format", "junit")

    assert told.code == 1
    assert 'name="nowhere"' in told.out


def test_valid_files_are_valid_in_every_form(desk: Desk) -> None:
    text, found = desk.run("validate"), desk.run("validate", "--format", "json")

    assert text.out.startswith("policies: valid. ")
    assert json.loads(found.out)["is_valid"] is True
    assert (text.code, found.code) == (0, 0)


def test_a_plan_that_stops_at_the_files_still_annotates_their_lines(desk: Desk) -> None:
    desk.edit("access.yaml", "Acme/Berlin, Acme/Lyon", "Acme/Berlin, Acme/Paris")

    told = desk.run(
        "plan", "--format", "github", "--report", "sarif=p.sarif", "--report", "csv=p.csv"
    )

    assert told.code == 1
    assert told.out.startswith("::error file=policies/access.yaml,line=10,col=")
    results = json.loads(Path("p.sarif").read_text("utf-8"))["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["unknown-site"]
    assert "unknown-site" in told.err
    assert not Path("p.csv").exists()


def test_a_plan_in_json_that_stops_at_the_files_prints_nothing(desk: Desk) -> None:
    desk.edit("access.yaml", "role: SOC", "rule: SOC")

    told = desk.run("plan", "--format", "json")

    assert (told.code, told.out) == (1, "")


def test_hostile_names_reach_no_runner_in_any_form(desk: Desk) -> None:
    users = desk.console.world.users
    for key, one in users.items():
        users[key] = replace(one, full_name="x\n::add-mask::1\n##[error]y\x1b[2J")
    desk.edit("access.yaml", "name: Lena Fischer", 'name: "=1+1 ::stop-commands::z ##[group]"')

    for form in PLAN_FORMS:
        told = desk.run("plan", "--format", form, GITHUB_ACTIONS="true")
        assert told.code == 0
        lines = [line.lstrip() for line in told.out.splitlines()]
        obeyed = [line for line in lines if line.startswith("::") or "##[" in line]
        assert not obeyed or form == "github"
        assert "\x1b" not in told.out
        assert all(line.startswith(("::warning ", "::notice ")) for line in obeyed)


def test_a_spreadsheet_reads_one_record_for_each_change(desk: Desk) -> None:
    told = desk.run("plan", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(told.out)))
    changes = [(row["action"], row["principal"]) for row in rows if row["kind"] == "change"]
    assert changes.count(("revoke", "eve@acme.example")) == 1
    assert len(changes) == 5
