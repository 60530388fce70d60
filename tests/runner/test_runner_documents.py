"""Workflow files are read strictly, and start when their filters say so."""

from pathlib import Path

import pytest
from runner.documents import (
    DocumentError,
    is_admitted,
    is_triggered,
    load_action,
    matches,
    read_action,
    read_workflow,
)  # fmt: skip

STEPS = "runs-on: ubuntu-24.04, steps: [{run: 'true'}]"


def workflow(on: str = "push", jobs: str = f"{{a: {{{STEPS}}}}}", more: str = "") -> str:
    return f"on: {on}\njobs: {jobs}\n{more}"


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        workflow(more="job: {}"),
        workflow(jobs="[]"),
        workflow(jobs=f"{{a: {{{STEPS}, strategy: {{}}}}}}"),
        workflow(jobs=f"{{a: {{{STEPS}, services: {{}}}}}}"),
        workflow(jobs="{a: {uses: ./.github/workflows/b.yml}}"),
        workflow(jobs=f"{{a: {{{STEPS}, needs: b}}}}"),
        workflow(jobs=f"{{a: {{{STEPS}, needs: b}}, b: {{{STEPS}, needs: a}}}}"),
        workflow(jobs=f"{{a: {{{STEPS}, permissions: {{content: read}}}}}}"),
        workflow(jobs=f"{{a: {{{STEPS}, permissions: {{contents: all}}}}}}"),
        workflow(jobs=f"{{a: {{{STEPS}, continue-on-error: true}}}}"),
        workflow(jobs="{a: {runs-on: x, steps: [{run: 'true', uses: ./a}]}}"),
        workflow(jobs="{a: {runs-on: x, steps: [{name: nothing}]}}"),
        workflow(jobs="{a: {runs-on: x, steps: [{run: 'true', with: {}}]}}"),
        workflow(jobs="{a: {runs-on: x, steps: [{uses: ./a, shell: bash}]}}"),
        workflow(jobs="{a: {runs-on: x, steps: [{runs: 'true'}]}}"),
        workflow(more="defaults: {shell: bash}"),
        workflow(more="permissions: read"),
    ],
)
def test_what_is_unknown_or_beyond_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        read_workflow(text, "w.yml")


@pytest.mark.parametrize(
    "text",
    [
        "runs: {using: node24, main: x.js}",
        "runs: {using: node24, steps: []}",
        "runs: {using: composite, steps: [{run: 'true'}]}",
        "inputs: {a: {type: string}}\nruns: {using: composite, steps: []}",
        "outputs: {a: {values: x}}\nruns: {using: composite, steps: []}",
    ],
)
def test_only_composite_actions_are_taken(text: str) -> None:
    with pytest.raises(DocumentError):
        read_action(text, "action.yml")


def test_an_action_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="checked out before"):
        load_action(tmp_path)


def test_jobs_come_after_those_they_need() -> None:
    found = read_workflow(
        workflow(
            jobs=f"{{c: {{{STEPS}, needs: [a, b]}}, b: {{{STEPS}, needs: a}}, a: {{{STEPS}}}}}"
        ),
        "w",
    )
    assert [job.id for job in found.jobs] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("top", "of_job", "found"),
    [
        ("", "", {"contents": "read"}),
        ("permissions: {}", "", {}),
        ("permissions: {}", ", permissions: {issues: write, contents: none}", {"issues": "write"}),
        ("permissions: {issues: write}", ", permissions: {}", {}),
    ],
)
def test_a_jobs_permissions_replace_the_workflows(
    top: str, of_job: str, found: dict[str, str]
) -> None:
    text = workflow(jobs=f"{{a: {{{STEPS}{of_job}}}}}", more=top)
    assert read_workflow(text, "w").jobs[0].permissions == found


def test_all_permissions_can_be_read() -> None:
    found = read_workflow(workflow(more="permissions: read-all"), "w").jobs[0].permissions
    assert found["issues"] == found["contents"] == "read"


@pytest.mark.parametrize(
    ("on", "event", "action", "branch", "files", "started"),
    [
        ("push", "push", "", "main", ["a"], True),
        ("push", "pull_request", "opened", "main", ["a"], False),
        ("[push, pull_request]", "pull_request", "synchronize", "main", ["a"], True),
        ("pull_request", "pull_request", "closed", "main", ["a"], False),
        ("{pull_request: {types: [closed]}}", "pull_request", "closed", "main", ["a"], True),
        ("{push: {branches: [main]}}", "push", "", "other", ["a"], False),
        ("{push: {branches: ['release/**']}}", "push", "", "release/1/2", ["a"], True),
        ("{push: {branches-ignore: [main]}}", "push", "", "main", ["a"], False),
        ("{push: {paths: [policies/**]}}", "push", "", "main", ["a", "policies/b/c.yaml"], True),
        ("{push: {paths: [policies/**]}}", "push", "", "main", ["docs/policies/a"], False),
        ("{push: {paths: ['**', '!docs/**']}}", "push", "", "main", ["docs/a"], False),
        ("{push: {paths-ignore: ['**.md']}}", "push", "", "main", ["a/b.md"], False),
        ("{push: {paths-ignore: ['*.md']}}", "push", "", "main", ["a/b.md"], True),
        ("{schedule: [{cron: 1 * * * *}]}", "schedule", "", "main", [], True),
    ],
)
def test_an_event_starts_a_workflow(
    on: str, event: str, action: str, branch: str, files: list[str], started: bool
) -> None:
    found = read_workflow(workflow(on), "w")
    assert is_triggered(found, event, action, branch, files) is started


def test_a_filter_that_is_unknown_is_refused() -> None:
    with pytest.raises(DocumentError):
        is_triggered(read_workflow(workflow("{push: {path: [a]}}"), "w"), "push", "", "main", [])


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [("a/b", "*", False), ("a/b", "**", True), ("b.c", "**/*.c", True), ("a.b", "a?b", False)],
)
def test_a_star_stays_in_its_segment(name: str, pattern: str, fits: bool) -> None:
    assert matches(name, pattern) is fits


@pytest.mark.parametrize(
    ("ref", "patterns", "admitted"),
    [
        ("refs/heads/main", ("main",), True),
        ("refs/heads/other", ("main",), False),
        ("refs/pull/7/merge", ("main", "refs/pull/*/merge"), True),
        ("refs/pull/7/merge", ("main",), False),
    ],
)
def test_an_environment_admits_refs(ref: str, patterns: tuple[str, ...], admitted: bool) -> None:
    assert is_admitted(ref, patterns) is admitted
