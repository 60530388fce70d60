"""What became of a workflow run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runner.commands import Annotation, Command

LIMIT = 50
"""Annotations of a job that are shown."""


@dataclass(slots=True)
class StepRecord:
    name: str
    id: str
    uses: str
    outcome: str = "skipped"
    """success, failure or skipped, before `continue-on-error`."""
    conclusion: str = "skipped"
    exit_code: int | None = None
    """Of a script."""
    script: str = ""
    """As it was run, expressions filled."""
    env: dict[str, str] = field(default_factory=dict)
    """What the workflow gave to the step, without what every step gets."""
    given: dict[str, str] = field(default_factory=dict)
    """Inputs of an action."""
    outputs: dict[str, str] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""
    log: str = ""
    """Both, as shown: secrets masked."""
    summary: str = ""
    annotations: list[Annotation] = field(default_factory=list)
    dropped: list[Annotation] = field(default_factory=list)
    """Annotations beyond the runner's limits."""
    commands: list[Command] = field(default_factory=list)
    """Every workflow command that was recognised on its output."""
    error: str = ""
    """Why it failed, when that was not a script's exit code."""
    steps: list["StepRecord"] = field(default_factory=list)
    """Of a composite action."""
    is_replaced: bool = False

    def all(self) -> Iterator["StepRecord"]:
        yield self
        for step in self.steps:
            yield from step.all()


@dataclass(slots=True)
class JobRecord:
    id: str
    result: str = "skipped"
    """success, failure or skipped."""
    steps: list[StepRecord] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    withheld: list[str] = field(default_factory=list)
    """Outputs that were not passed on because they hold something secret."""
    permissions: dict[str, str] = field(default_factory=dict)
    """Of its token."""
    environment: str = ""
    concurrency: Any = None
    error: str = ""
    attested: list[dict[str, str]] = field(default_factory=list)
    """{"name", "digest"} of each subject."""
    masks: set[str] = field(default_factory=set)

    def all(self) -> list[StepRecord]:
        """Every step, those inside of actions too, in the order of their start."""
        return [each for step in self.steps for each in step.all()]

    def step(self, name: str) -> StepRecord:
        """Return the one step with this id, or else this name. Raises AssertionError."""
        found = [s for s in self.all() if s.id == name] or [s for s in self.all() if s.name == name]
        assert len(found) == 1, f"{len(found)} steps {name!r} among {[s.name for s in self.all()]}"
        return found[0]

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.all())

    @property
    def annotations(self) -> list[Annotation]:
        """Those that are shown: of a job at most 50."""
        return [each for step in self.all() for each in step.annotations][:LIMIT]

    @property
    def dropped(self) -> list[Annotation]:
        """Those beyond the limits of a step or of the job."""
        beyond = [each for step in self.all() for each in step.annotations][LIMIT:]
        return [each for step in self.all() for each in step.dropped] + beyond

    @property
    def log(self) -> str:
        """Everything that is shown, for tests that look for what must not be."""
        return "\n".join([*(step.log for step in self.all()), self.error])


@dataclass(slots=True)
class RunRecord:
    workflow: str
    """Its path."""
    event: str
    run_id: int
    jobs: dict[str, JobRecord] = field(default_factory=dict)
    concurrency: Any = None
    """As written, expressions filled; runs do not wait for each other here."""

    def job(self, name: str) -> JobRecord:
        return self.jobs[name]

    @property
    def conclusion(self) -> str:
        results = {job.result for job in self.jobs.values()}
        return "failure" if "failure" in results else "success"

    @property
    def told(self) -> str:
        """What failed and why, for the message of an assertion."""
        lines = []
        for job in self.jobs.values():
            lines.append(f"{job.id}: {job.result} {job.error}")
            lines += [
                f"  {step.name}: {step.outcome} {step.exit_code} {step.error}\n{step.log}"
                for step in job.all()
            ]
        return "\n".join(lines)
