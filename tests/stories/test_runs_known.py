"""What the code host knows of the runs of these stories: as much as of real ones."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from codehost import gitlab
from stories.bureau import Bureau
from stories.desk import Desk
from stories.office import Office
from stories.repository import Job
from stories.test_in_ci import SIEM, VIEWER

from reconciler.domain.review import Trigger
from reconciler.forge.base import RunOf
from reconciler.forge.choice import open_forge

APPLY = ".github/workflows/apply.yml"


def known(environ: dict[str, str], run: str) -> RunOf:
    with open_forge(environ, lambda: 0.0, lambda _: None) as forge:
        assert forge is not None
        found = forge.run(run)
    assert found is not None
    return found


def on_hub(job: Job) -> RunOf:
    return known(job.runner, job.runner["GITHUB_RUN_ID"])


def test_an_apply_is_a_run_of_its_workflow_that_ends_as_it_did(office: Office) -> None:
    before = office.main
    refused = office.apply(before)
    pull = office.open("Less for the SIEM", SIEM)
    office.publish(office.plan(pull))
    commit = office.merge(pull)
    applied = office.apply()
    clock = office.scheduled()
    by_hand = office.by_hand("--digest", "sha256:" + "0" * 64)

    runs = [on_hub(job) for job in (refused, applied, clock, by_hand)]

    assert [job.code == 0 for job in (refused, applied, clock, by_hand)] == [
        run.is_success for run in runs
    ]
    assert [run.is_success for run in runs[:2]] == [False, True]
    assert [run.trigger for run in runs] == [
        Trigger.PUSH, Trigger.PUSH, Trigger.SCHEDULE, Trigger.DISPATCH,
    ]  # fmt: skip
    assert [run.head for run in runs] == [before, commit, commit, commit]
    assert all(run.workflow == APPLY and run.is_default and run.is_own for run in runs)
    assert all(run.ended == office.hub.now for run in runs)


def test_a_run_goes_on_until_its_process_ends(
    office: Office, proxy: Any, faults: Any, end: Any
) -> None:
    edits = {**SIEM, "policies/more.yaml": ("", VIEWER)}
    pull = office.open("Less", edits)
    office.publish(office.plan(pull))
    office.merge(pull)
    started: list[Any] = []
    seen: list[RunOf] = []

    def stop() -> None:
        [number] = [n for n, run in office.hub.world.runs.items() if run.path == APPLY]
        seen.append(known(office.scheduled("drift").runner, str(number)))
        started[0].send_signal(signal.SIGTERM)

    proxy.when(faults.before(stop), method="POST|PUT|DELETE")
    process, _ = office.start()
    started.append(process)
    end(process)
    process.communicate(timeout=120)
    later = office.scheduled("drift")

    [number] = [n for n, run in office.hub.world.runs.items() if run.path == APPLY]
    seen.append(known(later.runner, str(number)))
    assert [(run.ended is None, run.is_success) for run in seen] == [(True, False), (False, False)]


def test_a_run_of_another_branch_is_not_of_the_default_one(office: Office) -> None:
    elsewhere = office.apply(GITHUB_REF="refs/heads/other")

    assert not on_hub(elsewhere).is_default


@pytest.fixture
def bureau(desk: Desk, tmp_path: Path, adopted: Any) -> Iterator[Bureau]:
    adopted()
    with gitlab.running() as lab:
        yield Bureau(desk, lab, tmp_path / "bureau")


def test_a_job_on_gitlab_ends_as_it_did(bureau: Bureau) -> None:
    refused = bureau.pushed()
    request = bureau.open("Less for the SIEM", SIEM)
    bureau.requested(request)
    commit = bureau.merge(request)
    applied = bureau.pushed()

    runs = []
    for pipeline in (refused, applied):
        given = pipeline.given["publish-apply"]
        runs.append(known(given, pipeline.given["apply"]["CI_JOB_ID"]))

    codes = [pipeline.jobs["apply"].code for pipeline in (refused, applied)]
    assert [code == 0 for code in codes] == [False, True]
    assert [run.is_success for run in runs] == [False, True]
    assert all(run.is_default and run.trigger is Trigger.PUSH for run in runs)
    assert [run.workflow for run in runs] == ["", ""]
    assert (runs[1].head, runs[1].ended) == (commit, bureau.lab.now)
