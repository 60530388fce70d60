"""What a job is given, and how its steps and jobs follow each other."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from runner.documents import DocumentError
from runner.expressions import ExpressionError
from runner.job import JobMachine
from runner.machine import Runner
from runner.records import RunRecord
from runner.setting import Environment, Settings
from runner.site import Site

Go = Callable[..., RunRecord]


def test_a_step_gets_what_a_runner_sets_and_nothing_of_the_test(
    go: Go, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINELONE_TOKEN", "of the test")
    record = go("""\
        jobs:
          a:
            runs-on: ubuntu-24.04
            steps:
              - {id: all, run: env -0 > all; cat all; pwd > where; cp "$GITHUB_EVENT_PATH" event}
        """)
    text = record.job("a").step("all").stdout
    env = dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)
    workspace = Path(env["GITHUB_WORKSPACE"])
    assert (workspace / "where").read_text().strip() == str(workspace)
    assert json.loads((workspace / "event").read_text())["inputs"] == {}
    assert env["GITHUB_REPOSITORY"] == "acme/access"
    assert env["GITHUB_EVENT_NAME"] == "workflow_dispatch"
    assert env["GITHUB_REF"] == "refs/heads/main"
    assert env["GITHUB_SHA"] == site.head
    assert env["GITHUB_API_URL"] == site.host.api
    assert env["GITHUB_SERVER_URL"] == site.host.web.url
    assert env["GITHUB_RUN_ID"] == str(record.run_id)
    assert env["GITHUB_ACTIONS"] == env["CI"] == "true"
    assert Path(env["RUNNER_TEMP"]).is_dir()
    assert Path(env["GITHUB_OUTPUT"]).is_file()
    assert env["HOME"] != str(Path.home())
    assert not {"GITHUB_TOKEN", "SENTINELONE_TOKEN", "VIRTUAL_ENV"} & set(env)


def test_steps_tell_each_other_by_files_and_expressions(go: Go) -> None:
    record = go("""\
        env: {TOP: top, SHARED: "from the workflow"}
        jobs:
          a:
            runs-on: ubuntu-24.04
            env: {SHARED: "${{ env.TOP }} of the job"}
            outputs: {all: "${{ steps.one.outputs.lines }}"}
            steps:
              - id: one
                shell: bash
                env: {MINE: "${{ env.SHARED }}!"}
                run: |
                  { echo "lines<<END"; echo "$MINE"; echo two; echo END; } >> "$GITHUB_OUTPUT"
                  echo "LATER=later" >> "$GITHUB_ENV"
                  mkdir bin && printf '#!/bin/sh\\necho mine' > bin/own && chmod +x bin/own
                  echo "$PWD/bin" >> "$GITHUB_PATH"
                  echo "### Title" >> "$GITHUB_STEP_SUMMARY"
              - id: two
                run: own; echo "$LATER ${{ steps.one.outputs.lines }} $TOP"
          b:
            needs: a
            runs-on: ubuntu-24.04
            steps:
              - {id: three, run: 'echo "${{ needs.a.outputs.all }} ${{ needs.a.result }}"'}
        """)
    assert record.conclusion == "success", record.told
    assert record.job("a").step("two").stdout == "mine\nlater top of the job!\ntwo top\n"
    assert record.job("a").summary == "### Title\n"
    assert record.job("b").step("three").stdout == "top of the job!\ntwo success\n"


def test_a_failure_skips_what_does_not_ask_for_it(go: Go) -> None:
    record = go("""\
        jobs:
          a:
            runs-on: ubuntu-24.04
            steps:
              - {id: forgiven, run: exit 3, continue-on-error: true}
              - {id: before, run: "true"}
              - {id: bad, run: exit 4}
              - {id: after, run: "true"}
              - {id: failed, if: failure(), run: "echo ${{ steps.bad.outcome }}"}
              - {id: always, if: "${{ always() && steps.after.outcome == 'skipped' }}", run: "true"}
              - {id: never, if: cancelled(), run: "true"}
          b: {needs: a, runs-on: x, steps: [{run: "true"}]}
          c: {needs: b, if: always(), runs-on: x, steps: [{id: c, run: "echo ${{needs.b.result}}"}]}
          d: {needs: [a, c], if: failure(), runs-on: x, steps: [{run: "true"}]}
          e: {runs-on: x, steps: [{run: "true"}]}
        """)
    outcomes = {step.id: (step.outcome, step.conclusion) for step in record.job("a").steps}
    assert outcomes == {
        "forgiven": ("failure", "success"),
        "before": ("success", "success"),
        "bad": ("failure", "failure"),
        "after": ("skipped", "skipped"),
        "failed": ("success", "success"),
        "always": ("success", "success"),
        "never": ("skipped", "skipped"),
    }
    assert record.job("a").step("bad").exit_code == 4
    assert {name: job.result for name, job in record.jobs.items()} == {
        "a": "failure", "b": "skipped", "c": "success", "d": "success", "e": "success",
    }  # fmt: skip
    assert record.job("c").step("c").stdout == "skipped\n"
    assert record.conclusion == "failure"


@pytest.mark.parametrize(
    ("shell", "outcome"), [("bash", "failure"), ("sh", "success"), ("", "success")]
)
def test_only_a_named_bash_notices_a_broken_pipe(go: Go, shell: str, outcome: str) -> None:
    named = f", shell: {shell}" if shell else ""
    record = go(f'jobs: {{a: {{runs-on: x, steps: [{{id: s, run: "false | true"{named}}}]}}}}')
    assert record.job("a").step("s").outcome == outcome


def test_defaults_name_shell_and_folder(go: Go) -> None:
    record = go("""\
        defaults: {run: {shell: bash}}
        jobs:
          a:
            runs-on: x
            defaults: {run: {working-directory: below}}
            steps:
              - {run: mkdir below, working-directory: .}
              - {id: where, run: pwd}
              - {id: nowhere, run: pwd, working-directory: absent}
              - {id: shell, if: always(), run: "false | true"}
        """)
    job = record.job("a")
    assert job.step("where").stdout.endswith("/below\n")
    assert job.step("nowhere").error == "no working directory 'absent'"
    assert job.step("shell").outcome == "failure"


def test_a_shell_beyond_this_runner_fails(go: Go) -> None:
    record = go("jobs: {a: {runs-on: x, steps: [{id: s, run: x, shell: pwsh}]}}")
    assert "pwsh" in record.job("a").step("s").error


def test_a_script_that_hangs_is_ended(go: Go) -> None:
    record = go("jobs: {a: {runs-on: x, steps: [{id: s, run: sleep 600}]}}", patience=0.1)
    assert record.job("a").step("s").outcome == "failure"
    assert "still running" in record.job("a").step("s").stderr


ANNOTATE = """\
jobs:
  a:
    runs-on: x
    steps:
      - id: s
        run: |
          echo "::error file=a.yaml,line=3::wrong"
          echo "::add-mask::hidden"
          echo "::warning::hidden too"
          echo "a hidden thing" | tee -a "$GITHUB_STEP_SUMMARY"
          echo "x=hidden" >> "$GITHUB_OUTPUT"
          echo "y=open" >> "$GITHUB_OUTPUT"
    outputs: {x: "${{ steps.s.outputs.x }}", y: "${{ steps.s.outputs.y }}"}
"""


def test_what_is_masked_is_in_no_log_and_in_no_output_of_the_job(go: Go) -> None:
    job = go(ANNOTATE).job("a")
    assert [(a.message, a.properties.get("line")) for a in job.annotations] == [
        ("wrong", "3"), ("*** too", None),
    ]  # fmt: skip
    assert job.step("s").stdout.endswith("a hidden thing\n")
    assert "a *** thing" in job.log
    assert "::add-mask::hidden" not in job.log
    assert job.summary == "a *** thing\n"
    assert (job.outputs, job.withheld) == ({"y": "open"}, ["x"])


def test_a_job_shows_fifty_annotations(go: Go) -> None:
    step = "{run: 'for _ in {1..11}; do echo ::error::x; echo ::notice::y; done', shell: bash}"
    job = go(f"jobs: {{a: {{runs-on: x, steps: [{', '.join([step] * 3)}]}}}}").job("a")
    assert (len(job.annotations), len(job.dropped)) == (50, 16)


def test_a_summary_beyond_a_mebibyte_is_not_shown_and_the_step_stays_green(go: Go) -> None:
    run = "head -c 1048577 /dev/zero | tr '\\\\0' x >> \\\"$GITHUB_STEP_SUMMARY\\\""
    record = go(f'jobs: {{a: {{runs-on: x, steps: [{{id: s, run: "{run}"}}]}}}}')
    step = record.job("a").step("s")
    assert (step.outcome, step.summary) == ("success", "")
    assert "upload aborted" in step.annotations[0].message


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo nothing >> $GITHUB_OUTPUT", "Invalid format 'nothing'"),
        ("echo GITHUB_SHA=x >> $GITHUB_ENV", "Can't store GITHUB_SHA"),
        ("echo NODE_OPTIONS=x >> $GITHUB_ENV", "Can't store NODE_OPTIONS"),
        ("echo '::set-env name=A::b'", "is disabled"),
    ],
)
def test_what_a_runner_refuses_fails_the_step(go: Go, script: str, said: str) -> None:
    record = go(f'jobs: {{a: {{runs-on: x, steps: [{{id: s, run: "{script}"}}]}}}}')
    assert record.job("a").step("s").outcome == "failure"
    assert said in record.job("a").step("s").error
    assert "s: failure" in record.told or "failure" in record.told


DEPLOYS = """\
permissions: {}
jobs:
  a:
    runs-on: x
    environment: {name: "${{ github.event_name == 'push' && 'main-only' || 'open' }}", url: u}
    permissions: {contents: read, pull-requests: write}
    steps:
      - id: s
        env:
          TOKEN: ${{ secrets.TOKEN }}
          PLACE: ${{ vars.PLACE }}
          OWN: ${{ secrets.GITHUB_TOKEN == github.token }}
        run: echo "[$TOKEN][$PLACE][$OWN]"
"""
GIVEN = {
    "open": Environment({"TOKEN": "t0p"}, {"PLACE": "here"}),
    "main-only": Environment({}, {}, ("main",)),
}


def test_an_environments_secrets_reach_its_job_and_are_masked(go: Go, site: Site) -> None:
    job = go(DEPLOYS, environments=GIVEN).job("a")
    assert job.step("s").stdout == "[t0p][here][true]\n"
    assert job.log.strip() == "[***][here][true]"
    assert job.environment == "open"
    assert job.permissions == {"contents": "read", "pull-requests": "write"}
    assert site.host.world.tokens == {}, "a token outlives its job"


def test_a_fork_is_given_neither_secrets_nor_variables_nor_writing(go: Go) -> None:
    job = go(
        DEPLOYS,
        lambda site: site.open_pull("eve", "x", {"policies/a.yaml": "x"}, fork="eve/access"),
        environments=GIVEN,
        secrets={"TOKEN": "of the repository"},
    ).job("a")
    assert job.step("s").stdout == "[][][true]\n"
    assert job.permissions == {"contents": "read", "pull-requests": "read"}


def test_an_environment_that_does_not_admit_the_branch_fails_the_job(go: Go, site: Site) -> None:
    record = go(DEPLOYS, lambda site: site.push_to_main("ada", {"b": "x"}), environments=GIVEN)
    assert record.job("a").result == "success"
    site.origin.commit("other", {}, parent=site.head)
    strict = {"open": Environment(refs=("main",))}
    refused = go(DEPLOYS, lambda site: site.dispatch("ada", branch="other"), environments=strict)
    assert refused.job("a").result == "failure"
    assert "not allowed to deploy to open" in refused.job("a").error


def test_an_environment_that_the_test_did_not_set_up_is_an_error(go: Go) -> None:
    with pytest.raises(DocumentError, match="no environment 'open'"):
        go(DEPLOYS)


ACTION = """\
name: a
description: d
inputs:
  greeting: {default: "${{ github.ref_name }}"}
  to: {required: true}
outputs: {said: {value: "${{ steps.inner.outputs.said }}"}}
runs:
  using: composite
  steps:
    - id: inner
      shell: bash
      env: {TO: "${{ inputs.to }}"}
      run: |
        echo "said=${{ inputs.greeting }} $TO $OUTER" >> "$GITHUB_OUTPUT"
        cat "$GITHUB_ACTION_PATH/word"
    - {id: bad, if: "inputs.to == 'nobody'", shell: bash, run: exit 5}
    - {id: last, if: always(), shell: bash, run: "echo ${{ steps.bad.outcome }}"}
"""
USES = """\
jobs:
  a:
    runs-on: x
    steps:
      - {uses: actions/checkout@v7, with: {path: here}}
      - {run: exit 1, continue-on-error: true}
      - {id: use, uses: ./here/act, with: {to: "${{ 1 + '' }}"}, env: {OUTER: outer}}
      - {id: after, run: "echo ${{ steps.use.outputs.said }}"}
"""


@pytest.mark.parametrize(("to", "outcome"), [("bo", "success"), ("nobody", "failure")])
def test_a_composite_action_has_inputs_outputs_and_a_status_of_its_own(
    go: Go, to: str, outcome: str
) -> None:
    files = {"act/action.yml": ACTION, "act/word": "word\n"}
    job = go(USES.replace("\"${{ 1 + '' }}\"", to), files=files).job("a")
    assert job.step("use").outcome == outcome
    assert job.step("use").outputs == {"said": f"main {to} outer"}
    assert job.step("inner").stdout == "word\n"
    assert job.step("last").stdout == {"bo": "skipped\n", "nobody": "failure\n"}[to]
    assert job.step("after").outcome == {"bo": "success", "nobody": "skipped"}[to]
    assert ("'Run exit 5' of the action failed" in job.step("use").error) is (to == "nobody")


def test_an_action_from_elsewhere_is_run_from_the_folder_that_the_test_names(
    go: Go, tmp_path: Path
) -> None:
    (tmp_path / "act").mkdir()
    (tmp_path / "act" / "action.yaml").write_text(ACTION)
    (tmp_path / "act" / "word").write_text("x")
    uses = "{id: use, uses: sentinel/reconciler/act@v1, with: {to: bo, greeting: Hi}}"
    record = go(
        f"jobs: {{a: {{runs-on: x, steps: [{uses}]}}}}",
        actions={"sentinel/reconciler/act": tmp_path / "act"},
    )
    assert record.job("a").step("use").outputs == {"said": "Hi bo "}, record.told


@pytest.mark.parametrize(
    ("given", "said"), [("{}", "not supplied: to"), ("{to: x, too: y}", "Unexpected input")]
)
def test_inputs_that_do_not_fit_fail_the_step(go: Go, given: str, said: str) -> None:
    text = USES.replace("{to: \"${{ 1 + '' }}\"}", given)
    job = go(text, files={"act/action.yml": ACTION}).job("a")
    assert said in job.step("use").error


@pytest.mark.parametrize("context", ["secrets.TOKEN", "vars.PLACE", "needs.a.result"])
def test_a_composite_action_does_not_see_what_is_the_workflows(go: Go, context: str) -> None:
    action = ACTION.replace("inputs.to }}", f"{context} }}}}")
    with pytest.raises(ExpressionError, match="no context"):
        go(USES.replace("\"${{ 1 + '' }}\"", "bo"), files={"act/action.yml": action})


def test_an_action_that_nobody_knows_is_an_error_of_the_test(go: Go) -> None:
    with pytest.raises(NotImplementedError, match="actions/cache"):
        go("jobs: {a: {runs-on: x, steps: [{uses: actions/cache@v5}]}}")


def test_a_step_can_be_replaced_by_a_script_or_a_function(go: Go) -> None:
    seen: dict[str, str] = {}

    def other(machine: JobMachine, env: Mapping[str, str]) -> dict[str, str]:
        seen.update(env, workspace=str(machine.folders.workspace))
        return {"x": "2"}

    job = go(
        """\
        jobs:
          a:
            runs-on: x
            steps:
              - {id: one, run: exit 1, env: {A: b}}
              - {id: two, run: exit 1}
              - {id: three, run: "echo ${{ steps.one.outputs.x }}"}
        """,
        replace={"one": other, "a.two": "echo replaced"},
    ).job("a")
    assert (seen["A"], job.step("three").stdout) == ("b", "2\n")
    assert job.step("two").stdout == "replaced\n"
    assert [step.is_replaced for step in job.steps] == [True, True, False]


def test_concurrency_is_filled_and_kept(go: Go) -> None:
    record = go("""\
        concurrency: {group: "x-${{ github.ref }}", cancel-in-progress: false}
        jobs: {a: {runs-on: x, concurrency: one, steps: [{run: "true"}]}}
        """)
    assert record.concurrency == {"group": "x-refs/heads/main", "cancel-in-progress": False}
    assert record.job("a").concurrency == "one"


def test_a_dispatch_has_inputs_as_they_were_given(go: Go) -> None:
    job = go(
        'jobs: {a: {runs-on: x, steps: [{id: s, run: "echo ${{ inputs.digest }}"}]}}',
        lambda site: site.dispatch("ada", {"digest": "sha256:1"}),
    ).job("a")
    assert job.step("s").stdout == "sha256:1\n"


def test_an_event_starts_every_workflow_that_asks_for_it(site: Site, tmp_path: Path) -> None:
    body = "jobs: {a: {runs-on: x, steps: [{run: 'true'}]}}\n"
    site.origin.commit("main", {
        ".github/workflows/one.yml": f"on: push\n{body}",
        ".github/workflows/two.yml": f"on: {{push: {{paths: [policies/**]}}}}\n{body}",
        ".github/workflows/three.yml": f"on: pull_request\n{body}",
    })  # fmt: skip
    runner = Runner(Settings(site, tmp_path / "runs"))
    assert list(runner.handle(site.push_to_main("ada", {"docs": "x"}))) == ["one.yml"]
    both = runner.handle(site.push_to_main("ada", {"policies/a.yaml": "x"}))
    assert set(both) == {"one.yml", "two.yml"}
    with pytest.raises(DocumentError, match="not started by schedule"):
        runner.run(".github/workflows/one.yml", site.schedule())
    runs = list(site.host.world.runs.values())
    assert [(run.event, run.conclusion) for run in runs] == [("push", "success")] * 3


def test_a_pull_request_is_run_as_it_proposes(site: Site, tmp_path: Path) -> None:
    text = "on: pull_request\njobs: {a: {runs-on: x, steps: [{id: s, run: echo new}]}}\n"
    event = site.open_pull("ada", "x", {".github/workflows/w.yml": text})
    record = Runner(Settings(site, tmp_path / "runs")).run(".github/workflows/w.yml", event)
    assert record.job("a").step("s").stdout == "new\n"


def test_a_step_is_named_once_or_not_found(go: Go) -> None:
    job = go("jobs: {a: {runs-on: x, steps: [{run: 'true'}, {run: 'true', id: s}]}}").job("a")
    assert job.step("s").name == "Run true"
    with pytest.raises(AssertionError, match="0 steps 'other'"):
        job.step("other")
