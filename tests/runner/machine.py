"""Runs workflows as GitHub would, against a fake GitHub and real processes.

site = Site(hub, origin)                      # tests/runner/site.py: a repository and people
settings = Settings(site, tmp_path, {"s1-plan": Environment({"SENTINELONE_TOKEN": token})},
                    replace={"install": script})
event = site.open_pull("ada", "More for Bo", {"policies/emea/soc.yaml": text})
record = Runner(settings).run(".github/workflows/plan.yml", event)
assert record.job("plan").result == "success", record.told
"""

from dataclasses import replace
from typing import Any

from runner.documents import DocumentError, Job, Workflow, is_admitted, is_triggered, read_workflow
from runner.expressions import Scope, Strict, condition, fill, string_of
from runner.job import JobMachine
from runner.records import JobRecord, RunRecord
from runner.setting import Environment, Folders, Run, Settings, permissions_of, variables_of
from runner.site import Event

FOLDER = ".github/workflows"


class Runner:
    """Everything a host does between an event and the end of its runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def handle(self, event: Event) -> dict[str, RunRecord]:
        """Run every workflow that an event starts. Return the records by file name."""
        origin = self.settings.site.origin
        started = {}
        for path in origin.files(event.sha, f"{FOLDER}/"):
            if self.triggers(path, event):
                started[path.removeprefix(f"{FOLDER}/")] = self.run(path, event)
        return started

    def triggers(self, path: str, event: Event) -> bool:
        """Tell whether an event starts a workflow."""
        workflow = self._read(path, event)
        action = str(event.payload.get("action", ""))
        return is_triggered(workflow, event.name, action, event.branch, event.files)

    def _read(self, path: str, event: Event) -> Workflow:
        """Read a workflow as the event's commit has it: of a pull request, what it proposes."""
        return read_workflow(self.settings.site.origin.show(event.sha, path), path)

    def run(self, path: str, event: Event) -> RunRecord:
        """Run a workflow that the event starts. Raises DocumentError if it does not start it."""
        workflow = self._read(path, event)
        if not self.triggers(path, event):
            raise DocumentError(f"{path}: not started by {event.name}")
        world = self.settings.site.host.world
        branch = event.head_ref or event.branch
        kept = world.run(
            event.name, branch, event.head, repository=event.head_repository, path=path
        )
        self.settings.site.show_branch()
        kept.status, kept.conclusion = "in_progress", None
        run = Run(self.settings, workflow, event, kept.id, self.settings.folder / str(kept.id))
        record = RunRecord(path, event.name, kept.id)
        for job in workflow.jobs:
            record.jobs[job.id] = JobMaker(run, record).job(job)
        record.concurrency = _filled(workflow.concurrency, _scope(run, {}))
        kept.status, kept.conclusion = "completed", record.conclusion
        return record


class JobMaker:
    """Decides whether a job runs, and gives it what it may have."""

    def __init__(self, run: Run, record: RunRecord) -> None:
        self._run = run
        self._record = record

    def job(self, job: Job) -> JobRecord:
        """Run one job, or skip it."""
        run, record = self._run, JobRecord(job.id)
        needs = {
            name: {"result": self._record.jobs[name].result,
                   "outputs": self._record.jobs[name].outputs}
            for name in job.needs
        }  # fmt: skip
        scope = _scope(run, needs)
        if not condition(job.when, scope):
            return record
        record.permissions = permissions_of(run, job)
        record.concurrency = _filled(job.concurrency, scope)
        environment = self._environment(job, scope, record)
        if environment is None:
            record.result = "failure"
            return record
        world = run.settings.site.host.world
        token = world.actions_token(record.permissions)
        folders = Folders.below(run.folder / job.id, world.repository)
        JobMachine(run, job, token, environment, folders, needs, record).perform()
        del world.tokens[token]  # it ends with its job
        return record

    def _environment(self, job: Job, scope: Scope, record: JobRecord) -> Environment | None:
        """Return the job's environment; None when its rule does not admit the ref."""
        given = job.environment
        name = string_of(fill(given.get("name") if isinstance(given, dict) else given, scope))
        record.environment = name
        if not name:
            return Environment()
        if name not in self._run.settings.environments:
            raise DocumentError(f"the test sets up no environment {name!r}")
        environment = self._run.settings.environments[name]
        ref = self._run.event.ref
        if not is_admitted(ref, environment.refs):
            record.error = f"{ref} is not allowed to deploy to {name} due to environment protection"
            return None
        return environment


def _scope(run: Run, needs: dict[str, Any]) -> Scope:
    """Return what a job's own keys see, before it has a machine."""
    site, event = run.settings.site, run.event
    pull = event.payload.get("pull_request")
    github = {
        "actor": event.actor,
        "base_ref": pull["base"]["ref"] if pull else "",
        "event": event.payload,
        "event_name": event.name,
        "head_ref": pull["head"]["ref"] if pull else "",
        "ref": event.ref,
        "ref_name": event.ref.removeprefix("refs/heads/").removeprefix("refs/pull/"),
        "repository": site.host.world.repository,
        "repository_owner": site.host.world.repository.partition("/")[0],
        "run_id": str(run.id),
        "sha": event.sha,
        "workflow": run.workflow.name,
    }
    results = {need["result"] for need in needs.values()}
    contexts = {
        "github": Strict(github),
        "needs": Strict(needs),
        "inputs": event.inputs,
        "vars": variables_of(run, Environment()),
    }
    functions = {
        "always": lambda: True,
        "success": lambda: results <= {"success"},
        "failure": lambda: "failure" in results,
        "cancelled": lambda: False,
    }
    return Scope(contexts, functions)


def _filled(tree: Any, scope: Scope) -> Any:
    if isinstance(tree, dict):
        return {key: _filled(value, scope) for key, value in tree.items()}
    return fill(tree, scope)


def with_replaced(settings: Settings, **steps: Any) -> Settings:
    """Return the settings with further steps replaced."""
    return replace(settings, replace={**settings.replace, **steps})
