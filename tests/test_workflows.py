"""Laws of the shipped workflows (T05, T06), each shown to catch what it is for."""

import re
import runpy
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
BAD = Path(__file__).parent / "examples" / "workflows" / "bad.yml"
SUMMARY = ROOT / ".github" / "summary.py"
HOSTILE = "x\n::add-mask::1\n  ::error file=a::b\n<img src=x onerror=alert(1)>\n# heading\n"


def load(path: Path) -> dict[str, Any]:
    document = YAML(typ="safe").load(path)
    assert isinstance(document, dict)
    return document


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job.get("steps", [])


def faults(path: Path) -> set[str]:
    """Name every law that a workflow breaks."""
    text, workflow = path.read_text(), load(path)
    used = [str(step["uses"]) for step in steps(workflow) if "uses" in step]
    checkouts = [s for s in steps(workflow) if str(s.get("uses")).startswith("actions/checkout@")]
    jobs = workflow["jobs"].values()
    laws = {
        "pull_request_target": "pull_request_target" in text or "workflow_run" in text,
        "unsafe checkout": "allow-unsafe-pr-checkout" in text,
        "expression in a script": any("${{" in str(step.get("run")) for step in steps(workflow)),
        "not pinned": not all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", use) for use in used),
        "tag not named": not all(
            re.search(rf"{re.escape(use)} # v\d+\.\d+\.\d+$", text, re.MULTILINE) for use in used
        ),
        "permissions": workflow.get("permissions") != {},
        "timeout": not all(isinstance(job.get("timeout-minutes"), int) for job in jobs),
        "image": not all(re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"]) for job in jobs),
        "credentials": not all(
            step.get("with", {}).get("persist-credentials") is False for step in checkouts
        ),
    }
    return {law for law, broken in laws.items() if broken}


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a linter of this environment, whatever the PATH says."""
    tool = Path(sysconfig.get_path("scripts")) / name
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


def run_zizmor(*paths: Path) -> subprocess.CompletedProcess[str]:
    return run_tool("zizmor", "--offline", "--no-progress", "--persona=auditor", *paths)


def make_summary(*arguments: str | Path) -> str:
    command = [sys.executable, "-I", SUMMARY, *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def test_plan_apply_drift_and_ci_are_shipped() -> None:
    names = {path.name for path in WORKFLOWS}
    assert names >= {"ci.yml", "plan.yml", "apply.yml", "drift.yml"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_shipped_workflow_breaks_no_law(path: Path) -> None:
    assert faults(path) == set()


def test_the_bad_workflow_breaks_every_law() -> None:
    assert faults(BAD) == {
        "pull_request_target",
        "unsafe checkout",
        "expression in a script",
        "not pinned",
        "tag not named",
        "permissions",
        "timeout",
        "image",
        "credentials",
    }


def test_zizmor_finds_nothing_in_the_shipped_workflows() -> None:
    run = run_zizmor(ROOT / ".github")
    assert run.returncode == 0, run.stdout + run.stderr


def test_zizmor_condemns_the_bad_workflow() -> None:
    run = run_zizmor(BAD)
    assert run.returncode != 0
    for finding in ("dangerous-triggers", "template-injection", "unpinned-uses", "artipacked"):
        assert f"[{finding}]" in run.stdout


def test_actionlint_finds_nothing_in_the_shipped_workflows() -> None:
    run = run_tool("actionlint", *WORKFLOWS)
    assert run.returncode == 0, run.stdout + run.stderr


def test_actionlint_condemns_the_bad_workflow() -> None:
    run = run_tool("actionlint", BAD)
    assert run.returncode == 1
    assert "potentially untrusted" in run.stdout


@pytest.mark.parametrize("name", ["plan.yml", "apply.yml", "drift.yml"])
def test_a_token_is_given_to_one_step_of_a_job_with_its_own_environment(name: str) -> None:
    workflow = load(ROOT / ".github" / "workflows" / name)
    holders = {
        job.get("environment")
        for job in workflow["jobs"].values()
        if "secrets." in str([job.get("env"), job["steps"]])
    }
    assert holders == {f"s1-{name.removesuffix('.yml')}"}
    given = [step for step in steps(workflow) if "secrets." in str(step)]
    assert [set(step["env"]) - {"BASE"} for step in given] == [
        {"SENTINELONE_URL", "SENTINELONE_TOKEN"}
    ]
    assert "secrets." not in str(workflow.get("env"))


@pytest.mark.parametrize("name", ["plan.yml", "apply.yml"])
def test_what_is_judged_is_judged_against_a_base_that_the_event_names(name: str) -> None:
    runs = [
        step
        for step in steps(load(ROOT / ".github" / "workflows" / name))
        if any(
            f'reconciler" {word}' in step.get("run", "") for word in ("validate", "plan", "apply")
        )
    ]
    assert runs
    for step in runs:
        assert '--base "$BASE"' in step["run"]
        assert step["env"]["BASE"].startswith("${{ github.event.")


def test_a_fork_is_given_no_environment() -> None:
    plan = load(ROOT / ".github" / "workflows" / "plan.yml")["jobs"]
    unconditional = {name for name, job in plan.items() if "if" not in job}
    assert unconditional == {"validate"}
    assert "environment" not in plan["validate"]
    assert "head.repo.full_name == github.repository" in plan["plan"]["if"]


def test_the_tool_of_a_pull_request_comes_from_the_base_branch() -> None:
    plan = load(ROOT / ".github" / "workflows" / "plan.yml")
    for job in plan["jobs"].values():
        sources = {
            step["with"]["path"]: step["with"].get("ref")
            for step in job["steps"]
            if "path" in step.get("with", {})
        }
        assert sources == {"trusted": "${{ github.event.pull_request.base.sha }}", "proposed": None}
        scripts = " ".join(step.get("run", "") for step in job["steps"])
        assert re.findall(r"proposed\S*", scripts) == ["proposed/policies"]
        assert "--guardrails trusted/policies/guardrails.yaml" in scripts
        assert not any("working-directory" in step for step in job["steps"])


@pytest.mark.parametrize("name", ["plan.yml", "apply.yml", "drift.yml"])
def test_nothing_of_the_product_is_printed_to_the_log(name: str) -> None:
    workflow = load(ROOT / ".github" / "workflows" / name)
    scripts = [step["run"] for step in steps(workflow) if "bin/reconciler" in step.get("run", "")]
    assert scripts
    for script in scripts:
        assert script.count("bin/reconciler") == 1
        assert '> "$RUNNER_TEMP/out" 2> "$RUNNER_TEMP/err" || code=$?' in script
    assert workflow["env"] == {"PYTHONSAFEPATH": "1"}


def test_applies_wait_for_each_other_and_none_is_dropped() -> None:
    concurrency = load(ROOT / ".github" / "workflows" / "apply.yml")["concurrency"]
    assert concurrency == {"group": "s1-apply", "cancel-in-progress": False, "queue": "max"}


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 4, 17])
def test_an_output_cannot_close_its_fence(tmp_path: Path, ticks: int) -> None:
    output = tmp_path / "out"
    output.write_text(f"{HOSTILE}{'`' * ticks}end\n")
    lines = make_summary("Plan", output).splitlines()
    fence = "`" * max(3, ticks + 1)
    assert lines[:3] == ["### Plan", "", f"{fence}text"]
    assert lines[-1] == fence
    assert "\n".join(lines[3:-1]) + "\n" == output.read_text()


def test_an_empty_output_leaves_no_block(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("No changes.\n")
    (tmp_path / "err").write_text("\n")
    written = make_summary("Plan", tmp_path / "out", tmp_path / "err")
    assert written == "### Plan\n\n```text\nNo changes.\n```\n"


@pytest.mark.parametrize("line", ["é" * 50, "x", "`" * 300, "`" * 500_000])
def test_a_long_output_is_cut_at_a_line_and_says_so(tmp_path: Path, line: str) -> None:
    output, count = tmp_path / "out", 1_200_000 // len(line)
    output.write_text(f"{line}\n" * count)
    written = make_summary("Plan", output, output)
    assert len(written.encode()) <= 1_000_000
    assert written.count("\n**") == 2
    for block in written.split("**\n")[:2]:
        shown, missing = block.split("\n\n**")
        assert shown.splitlines().count(line) + int(missing.split()[0]) == count


def test_every_limit_is_kept_and_every_line_is_shown_or_counted() -> None:
    summary = runpy.run_path(str(SUMMARY))["summary"]
    text = "".join(f"line {number} `é`\n" for number in range(30))
    cut = set()
    for limit in range(200, 800):
        written = summary("Plan", text, limit=limit)
        missing = sum(map(int, re.findall(r"(\d+) more lines", written)))
        assert len(written.encode()) <= limit
        assert written.count("line ") + missing == 30
        cut.add(missing)
    assert min(cut) == 0 < max(cut)


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"\xff\xfe\n")
    assert "\ufffd\ufffd\n" in make_summary("Plan", tmp_path / "out")
