"""Laws of the shipped workflows (T05, T06), each shown to catch what it is for."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
BAD = Path(__file__).parent / "examples" / "workflows" / "bad.yml"
ACTION = ROOT / ".github" / "actions" / "reconciler" / "action.yml"
TOOL = "./tool/.github/actions/reconciler"


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
    # The tool's own action comes from a checkout of a commit that the workflow names.
    used = [str(step["uses"]) for step in steps(workflow) if step.get("uses", TOOL) != TOOL]
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
def test_the_consoles_token_is_given_to_one_step_of_a_job_that_may_not_comment(name: str) -> None:
    workflow = load(ROOT / ".github" / "workflows" / name)
    [holder] = [job for job in workflow["jobs"].values() if "secrets." in str(job)]
    assert "secrets." not in str(workflow.get("env"))
    assert "s1-" in holder["environment"]
    writable = {key for key, value in holder["permissions"].items() if value == "write"}
    assert writable <= ({"contents"} if name == "apply.yml" else set())
    [step] = [step for step in holder["steps"] if "secrets." in str(step)]
    assert step["uses"] == TOOL
    assert step["with"]["command"] == name.removesuffix(".yml")


@pytest.mark.parametrize("name", ["plan.yml", "apply.yml", "drift.yml"])
def test_who_may_comment_holds_no_token_of_the_console(name: str) -> None:
    jobs = load(ROOT / ".github" / "workflows" / name)["jobs"].values()
    [speaker] = [job for job in jobs if {"issues", "pull-requests"} & writes(job)]
    assert "environment" not in speaker
    assert [step["with"]["command"] for step in speaker["steps"] if step["uses"] == TOOL] == [
        "publish"
    ]


def writes(job: dict[str, Any]) -> set[str]:
    return {key for key, value in job["permissions"].items() if value == "write"}


def test_a_fork_is_given_neither_environment_nor_secret_nor_the_right_to_write() -> None:
    plan = load(ROOT / ".github" / "workflows" / "plan.yml")["jobs"]
    assert "head.repo.full_name == github.repository" in plan["plan"]["if"]
    assert "environment" not in plan["outside"]
    assert "secrets." not in str(plan["outside"])
    assert writes(plan["outside"]) == set()


def test_the_tool_of_a_pull_request_comes_from_the_base_branch() -> None:
    plan = load(ROOT / ".github" / "workflows" / "plan.yml")
    for job in plan["jobs"].values():
        checkout, tool = job["steps"]
        assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
        assert checkout["with"]["path"] == "tool"
        assert tool["uses"] == TOOL


def test_applies_wait_for_each_other_and_none_is_dropped() -> None:
    concurrency = load(ROOT / ".github" / "workflows" / "apply.yml")["concurrency"]
    assert concurrency == {
        "group": "${{ github.event_name == 'schedule' && 's1-windows' || 's1-apply' }}",
        "cancel-in-progress": False,
        "queue": "max",
    }


def test_the_clock_has_an_environment_without_reviewers_of_its_own() -> None:
    [job] = [
        job
        for job in load(ROOT / ".github" / "workflows" / "apply.yml")["jobs"].values()
        if "environment" in job
    ]
    expected = "${{ github.event_name == 'schedule' && 's1-windows' || 's1-apply' }}"
    assert job["environment"] == expected


# The composite action


def test_the_action_runs_nothing_that_came_with_the_policies() -> None:
    action = load(ACTION)["runs"]["steps"]
    scripts = [step["run"] for step in action if "run" in step]
    assert all("${{" not in script for script in scripts)
    assert not any("working-directory" in step for step in action)
    for script in scripts:
        assert [word for word in script.split() if word.startswith(("access", "./"))] == []
    install = next(step["run"] for step in action if step.get("id") == "install")
    assert "--require-hashes" in install
    assert "GITHUB_ACTION_PATH" in install
    used = [step["uses"] for step in action if "uses" in step]
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", use) for use in used)


def test_every_step_of_the_action_that_runs_python_ignores_the_working_directory() -> None:
    for step in load(ACTION)["runs"]["steps"]:
        if "reconciler-tool/bin/" in step.get("run", "") and "cp " not in step["run"]:
            assert step["env"]["PYTHONSAFEPATH"] == "1", step


def test_no_step_of_the_action_holds_both_tokens_but_to_read() -> None:
    """The code host's token of that job only reads, or pushes the journal: see the workflows."""
    both = [
        step.get("name")
        for step in load(ACTION)["runs"]["steps"]
        if {"SENTINELONE_TOKEN", "GITHUB_TOKEN"} <= set(step.get("env", {}))
    ]
    assert both == ["Run"]


def test_the_result_is_kept_though_the_command_failed() -> None:
    keep = next(
        step for step in load(ACTION)["runs"]["steps"] if step.get("name") == "Keep the result"
    )
    assert keep["if"].startswith("always()")
    assert keep["with"]["overwrite"] is True
