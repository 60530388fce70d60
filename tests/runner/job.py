"""Runs the steps of one job, one after the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner import actions, commands
from runner.commands import FileError
from runner.documents import Action, Job, Step, load_action
from runner.expressions import Scope, Strict, condition, fill, string_of, truth
from runner.process import SHELLS, run_script
from runner.records import JobRecord, StepRecord
from runner.setting import (
    Environment,
    Folders,
    Run,
    github_of,
    runner_of,
    secrets_of,
    variables_for_all,
    variables_of,
)  # fmt: skip


class StepError(Exception):
    """A step failed for this reason."""


@dataclass
class Frame:
    """Where steps stand: in the job itself, or in a composite action."""

    env: dict[str, str]
    steps: Strict
    inputs: dict[str, Any] | None = None
    """None: of a workflow."""
    action_path: str = ""
    failed: bool = False


@dataclass
class JobMachine:
    """A fresh machine for one job."""

    run: Run
    job: Job
    token: str
    environment: Environment
    folders: Folders
    needs: Mapping[str, Any]
    record: JobRecord
    path: list[str] = field(default_factory=list)
    """What steps put in front of PATH."""
    added: dict[str, str] = field(default_factory=dict)
    """What steps wrote to GITHUB_ENV."""
    count: int = 0

    def __post_init__(self) -> None:
        self.secrets = secrets_of(self.run, self.environment, self.token)
        self.variables = variables_of(self.run, self.environment)
        self.github = Strict(github_of(self.run, self.job, self.folders, self.token))
        self.runner = Strict(runner_of(self.folders))
        for secret in self.secrets.values():
            self.record.masks |= {secret, *commands.lines_of(secret)}
        Path(self.github["event_path"]).write_text(json.dumps(self.run.event.payload, indent=2))

    def perform(self) -> None:
        """Run all steps; fill the record."""
        frame = Frame({}, steps_context(self.job.steps))
        frame.env |= self._env(self.run.workflow.env, frame)
        frame.env |= self._env(self.job.env, frame)
        for step in self.job.steps:
            self.record.steps.append(self.step(step, frame))
        self.record.result = "failure" if frame.failed else "success"
        for name, value in self.job.outputs.items():
            text = string_of(fill(value, self.scope(frame)))
            if any(mask in text for mask in self.record.masks if mask.strip()):
                self.record.withheld.append(name)
            else:
                self.record.outputs[name] = text

    def scope(self, frame: Frame, env: Mapping[str, str] | None = None) -> Scope:
        """Return what an expression sees at this place."""
        contexts: dict[str, Any] = {
            "github": Strict(self.github | {"action_path": frame.action_path}),
            "runner": self.runner,
            "env": dict(frame.env | self.added if env is None else env),
            "steps": frame.steps,
            "job": {"status": "failure" if frame.failed else "success"},
        }
        if frame.inputs is None:
            inputs = self.run.event.inputs
            more = {"secrets": self.secrets, "vars": self.variables, "inputs": inputs}
            contexts |= more | {"needs": Strict(self.needs)}
        else:
            contexts["inputs"] = Strict(frame.inputs)
        functions = {
            "always": lambda: True,
            "success": lambda: not frame.failed,
            "failure": lambda: frame.failed,
            "cancelled": lambda: False,
        }
        return Scope(contexts, functions)

    def _env(
        self, given: Mapping[str, Any], frame: Frame, env: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        scope = self.scope(frame, env)
        return {name: string_of(fill(value, scope)) for name, value in given.items()}

    def step(self, step: Step, frame: Frame) -> StepRecord:
        """Run one step, whatever it is."""
        record = StepRecord(step.name, step.id, step.uses)
        env = frame.env | self.added
        env |= self._env(step.env, frame)
        scope = self.scope(frame, env)
        if condition(step.when, scope):
            record.env = env
            self._attempt(step, frame, scope, record)
            record.conclusion = record.outcome
            if record.outcome == "failure" and truth(fill(step.continues, scope)):
                record.conclusion = "success"
            frame.failed |= record.conclusion == "failure"
        self._mask(record)
        if step.id:
            frame.steps[step.id] = {
                "outputs": record.outputs,
                "outcome": record.outcome,
                "conclusion": record.conclusion,
            }
        return record

    def _mask(self, record: StepRecord) -> None:
        """Hide what is secret in everything that is shown."""
        masks = self.record.masks
        record.log = commands.masked(f"{record.stdout}{record.stderr}", masks)
        record.error = commands.masked(record.error, masks)
        record.annotations = [
            replace(each, message=commands.masked(each.message, masks))
            for each in record.annotations
        ]

    def _attempt(self, step: Step, frame: Frame, scope: Scope, record: StepRecord) -> None:
        try:
            self._do(step, frame, scope, record)
            record.outcome = "failure" if record.exit_code or record.error else "success"
        except (StepError, FileError, actions.ActionError) as error:
            record.error = str(error)
            record.outcome = "failure"

    def _do(self, step: Step, frame: Frame, scope: Scope, record: StepRecord) -> None:
        replaced = self.run.settings.replace
        other = replaced.get(f"{self.job.id}.{step.id}", replaced.get(step.id)) if step.id else None
        if other is not None:
            record.is_replaced = True
        if callable(other):
            record.outputs |= other(self, record.env) or {}
        elif other is not None or step.run is not None:
            script = string_of(fill(step.run, scope)) if other is None else other
            shell = step.shell or self.job.shell if frame.inputs is None else step.shell
            self._script(script, "bash" if other else shell, step, scope, record, frame)
        else:
            record.given = {
                name: string_of(fill(value, scope)) for name, value in step.given.items()
            }
            self._use(step.uses, frame, record)

    # Scripts

    def _script(
        self, script: str, shell: str, step: Step, scope: Scope, record: StepRecord, frame: Frame
    ) -> None:  # fmt: skip
        if shell not in SHELLS:
            raise StepError(f"shell {shell!r} is beyond this runner")
        record.script = script
        where = string_of(fill(step.folder or self.job.folder, scope))
        folder = self.folders.workspace / where
        if not folder.is_dir():
            raise StepError(f"no working directory {where!r}")
        self.count += 1
        files = self._files(self.count)
        env = self.process_env(record.env, frame) | {n: str(p) for n, p in files.items()}
        env["GITHUB_ACTION"] = step.id or f"__run_{self.count}"
        at = self.folders.temp / "_files" / f"script_{self.count}.sh"
        patience = self.run.settings.patience
        ended = run_script(script, shell, at, folder, env, patience)
        record.exit_code, record.stdout, record.stderr = ended
        self._hear(record)
        self._collect(files, record)

    def process_env(self, env: Mapping[str, str], frame: Frame) -> dict[str, str]:
        """Return the whole environment of a process."""
        base = variables_for_all(
            self.github, self.runner, self.folders, self.run.settings.site.host.web.trusted
        )
        action = {"GITHUB_ACTION_PATH": frame.action_path} if frame.action_path else {}
        path = ":".join([*self.path, env.get("PATH", self.run.settings.path)])
        return {**env, **base, **action, "PATH": path}

    def _files(self, number: int) -> dict[str, Path]:
        """Return a fresh file for each thing that a step may tell the runner."""
        names = ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")
        folder = self.folders.temp / "_files"
        files = {f"GITHUB_{n}": folder / f"{n.lower()}_{number}" for n in names}
        for path in files.values():
            path.touch()
        return files

    def _hear(self, record: StepRecord) -> None:
        said = commands.listen(record.stdout, record.stderr)
        record.annotations, record.dropped = said.annotations, said.dropped
        record.commands = said.commands
        record.outputs |= said.outputs
        self.record.masks |= set(said.masks)
        if said.refused:
            record.error = said.annotations[-1].message

    def _collect(self, files: Mapping[str, Path], record: StepRecord) -> None:
        """Read what the step wrote; an error fails it, after all that can be read is."""
        texts = {
            name: path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            for name, path in files.items()
        }
        summary = texts["GITHUB_STEP_SUMMARY"]
        size = len(summary.encode())
        if size > commands.SUMMARY_LIMIT:
            record.annotations.append(commands.Annotation(
                "error",
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, "
                f"got {size // 1024}k",
            ))  # fmt: skip
        else:
            record.summary = commands.masked(summary, self.record.masks)
        record.outputs |= commands.pairs_of(texts["GITHUB_OUTPUT"])
        for name, value in commands.pairs_of(texts["GITHUB_ENV"]).items():
            if name.upper().startswith(("GITHUB_", "RUNNER_")) or name == "NODE_OPTIONS":
                raise FileError(f"Can't store {name} output parameter using '$GITHUB_ENV' command.")
            self.added[name] = value
        self.path[:0] = [line for line in texts["GITHUB_PATH"].splitlines() if line][::-1]

    # Actions

    def _use(self, uses: str, frame: Frame, record: StepRecord) -> None:
        name = uses.partition("@")[0]
        if uses.startswith("./"):
            self._composite(self.folders.workspace / uses, frame, record)
        elif name in self.run.settings.actions:
            self._composite(self.run.settings.actions[name], frame, record)
        elif name in actions.KNOWN:
            record.outputs |= actions.KNOWN[name](actions.Call(self, record, dict(record.given)))
            self._hear(record)
        else:
            raise NotImplementedError(f"{uses}: this runner does not know that action")

    def _composite(self, folder: Path, outer: Frame, record: StepRecord) -> None:
        action = load_action(folder)
        inner = Frame(dict(record.env), steps_context(action.steps), {}, str(folder.resolve()))
        inner.inputs = self._inputs(action, record, outer)
        for step in action.steps:
            record.steps.append(self.step(step, inner))
        scope = self.scope(inner)
        for name, value in action.outputs.items():
            record.outputs[name] = string_of(fill(value, scope))
        if inner.failed:
            failed = next(s for s in record.steps if s.conclusion == "failure")
            raise StepError(f"step {failed.name!r} of the action failed")

    def _inputs(self, action: Action, record: StepRecord, outer: Frame) -> dict[str, Any]:
        """Return the action's inputs, strings all; unknown or missing ones are an error here."""
        unknown = set(record.given) - set(action.inputs)
        if unknown:
            raise StepError(f"Unexpected input(s) {sorted(unknown)}")
        inputs = {}
        for name, declared in action.inputs.items():
            if name in record.given:
                inputs[name] = record.given[name]
            elif declared.get("required") and "default" not in declared:
                raise StepError(f"Input required and not supplied: {name}")
            else:
                plain = self.scope(outer)
                inputs[name] = string_of(fill(declared.get("default", ""), plain))
        return inputs


def steps_context(steps: list[Step]) -> Strict:
    """Return the context `steps`: those with an id, not run yet."""
    nothing: dict[str, Any] = {"outputs": {}, "outcome": None, "conclusion": None}
    return Strict({step.id: dict(nothing) for step in steps if step.id})
