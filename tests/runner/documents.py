"""Workflow files and composite actions, read strictly: an unknown key is an error."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PERMISSIONS = {
    "actions", "artifact-metadata", "attestations", "checks", "contents", "deployments",
    "discussions", "id-token", "issues", "models", "packages", "pages", "pull-requests",
    "security-events", "statuses",
}  # fmt: skip
_WORKFLOW = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
_JOB = {
    "name", "needs", "if", "runs-on", "permissions", "environment", "concurrency", "outputs",
    "env", "defaults", "steps", "timeout-minutes",
}  # fmt: skip
_STEP = {
    "id", "if", "name", "uses", "run", "with", "env", "shell", "working-directory",
    "continue-on-error", "timeout-minutes",
}  # fmt: skip
_ACTION = {"name", "description", "author", "inputs", "outputs", "runs", "branding"}
_TYPES = {"pull_request": {"opened", "synchronize", "reopened"}}
"""Activities that count when a workflow names none."""


class DocumentError(Exception):
    """A workflow or action that is wrong, or uses what this runner does not do."""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    """Shown; expressions in it are not filled."""
    id: str
    uses: str
    run: str | None
    given: dict[str, Any]
    """Under `with`."""
    env: dict[str, Any]
    when: Any
    shell: str
    folder: Any
    continues: Any
    """`continue-on-error`."""


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    name: str
    needs: list[str]
    when: Any
    permissions: dict[str, str]
    environment: Any
    outputs: dict[str, Any]
    env: dict[str, Any]
    steps: list[Step]
    shell: str
    folder: Any
    concurrency: Any


@dataclass(frozen=True, slots=True)
class Workflow:
    path: str
    name: str
    on: dict[str, dict[str, Any]]
    env: dict[str, Any]
    jobs: list[Job]
    """In an order in which each comes after those it needs."""
    concurrency: Any


@dataclass(frozen=True, slots=True)
class Action:
    """A composite action."""

    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    steps: list[Step] = field(default_factory=list)


def _parse(text: str, where: str) -> dict[str, Any]:
    tree = YAML(typ="safe", pure=True).load(text)
    if not isinstance(tree, dict):
        raise DocumentError(f"{where}: no mapping")
    return tree


def _known(tree: Any, keys: Iterable[str], where: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise DocumentError(f"{where}: no mapping")
    unknown = sorted(str(key) for key in tree if key not in keys)
    if unknown:
        raise DocumentError(f"{where}: {', '.join(unknown)} unknown here")
    return tree


def read_workflow(text: str, path: str) -> Workflow:
    """Parse a workflow. Raises DocumentError."""
    tree = _known(_parse(text, path), _WORKFLOW, path)
    default = _permissions(tree.get("permissions", {"contents": "read"}), path)
    defaults = _defaults(tree, path)
    jobs = {
        str(name): _job(str(name), job, default, defaults, f"{path}: {name}")
        for name, job in _known(tree["jobs"], tree["jobs"], path).items()
    }
    return Workflow(
        path, tree.get("name", path), _triggers(tree["on"]), tree.get("env") or {},
        _ordered(jobs, path), tree.get("concurrency"),
    )  # fmt: skip


def read_action(text: str, where: str) -> Action:
    """Parse the action.yml of a composite action. Raises DocumentError."""
    tree = _known(_parse(text, where), _ACTION, where)
    runs = _known(tree["runs"], {"using", "steps"}, where)
    if runs.get("using") != "composite":
        raise DocumentError(f"{where}: only composite actions can be run")
    steps = [_step(step, f"{where}: step {at}") for at, step in enumerate(runs["steps"], 1)]
    for step in steps:
        if step.run is not None and not step.shell:
            raise DocumentError(f"{where}: {step.name}: a composite action has to name the shell")
    inputs = {str(name): each or {} for name, each in (tree.get("inputs") or {}).items()}
    for name, each in inputs.items():
        _known(each, {"description", "required", "default", "deprecationMessage"}, name)
    outputs = {
        str(name): _known(each, {"description", "value"}, name)["value"]
        for name, each in (tree.get("outputs") or {}).items()
    }
    return Action(inputs, outputs, steps)


def _triggers(on: Any) -> dict[str, dict[str, Any]]:
    if isinstance(on, str):
        on = [on]
    if isinstance(on, list):
        on = dict.fromkeys(on)
    return {name: given if isinstance(given, dict) else {} for name, given in on.items()}


def _permissions(given: Any, where: str) -> dict[str, str]:
    if given in {"read-all", "write-all"} if isinstance(given, str) else False:
        return dict.fromkeys(PERMISSIONS, given.removesuffix("-all"))
    for name, level in _known(given or {}, PERMISSIONS, f"{where}: permissions").items():
        if level not in {"read", "write", "none"}:
            raise DocumentError(f"{where}: permissions: {name}: {level}")
    return {name: level for name, level in (given or {}).items() if level != "none"}


def _defaults(tree: dict[str, Any], where: str) -> dict[str, Any]:
    given = _known(tree.get("defaults") or {}, {"run"}, where).get("run") or {}
    return _known(given, {"shell", "working-directory"}, where)


def _job(
    name: str, tree: Any, default: dict[str, str], defaults: dict[str, Any], where: str
) -> Job:
    _known(tree, _JOB, where)
    needs = tree.get("needs") or []
    run = defaults | _defaults(tree, where)
    permissions = tree.get("permissions")
    return Job(
        name,
        str(tree.get("name", name)),
        [needs] if isinstance(needs, str) else list(needs),
        tree.get("if"),
        default if permissions is None else _permissions(permissions, where),
        tree.get("environment"),
        tree.get("outputs") or {},
        tree.get("env") or {},
        [_step(step, f"{where}: step {at}") for at, step in enumerate(tree["steps"], 1)],
        run.get("shell", ""),
        run.get("working-directory"),
        tree.get("concurrency"),
    )


def _step(tree: Any, where: str) -> Step:
    _known(tree, _STEP, where)
    if ("uses" in tree) == ("run" in tree):
        raise DocumentError(f"{where}: one of `uses` and `run`")
    uses = str(tree.get("uses", ""))
    if ("with" in tree and not uses) or (uses and {"shell", "working-directory"} & set(tree)):
        raise DocumentError(f"{where}: `with` is for `uses`, `shell` for `run`")
    first = str(tree.get("run", "")).strip().partition("\n")[0]
    return Step(
        str(tree.get("name") or uses or f"Run {first}"),
        str(tree.get("id", "")),
        uses,
        tree.get("run"),
        tree.get("with") or {},
        tree.get("env") or {},
        tree.get("if"),
        tree.get("shell", ""),
        tree.get("working-directory"),
        tree.get("continue-on-error", False),
    )


def _ordered(jobs: dict[str, Job], where: str) -> list[Job]:
    done: list[Job] = []
    left = dict(jobs)
    while left:
        ready = [job for job in left.values() if not set(job.needs) & set(left)]
        missing = {need for job in ready for need in job.needs} - set(jobs)
        if not ready or missing:
            raise DocumentError(f"{where}: needs that cannot be met: {sorted(missing or left)}")
        done += ready
        left = {name: job for name, job in left.items() if job not in ready}
    return done


def is_triggered(
    workflow: Workflow, event: str, action: str, branch: str, files: Iterable[str]
) -> bool:
    """Tell whether an event starts a workflow, by its name, activity, branch and changed files."""
    if event not in workflow.on:
        return False
    filters = _known(
        workflow.on[event],
        {"types", "branches", "branches-ignore", "paths", "paths-ignore", "inputs"},
        f"{workflow.path}: on: {event}",
    )
    types = set(filters.get("types") or _TYPES.get(event) or ())
    if types and action and action not in types:
        return False
    names = list(files)
    return (
        _passes(filters, "branches", [branch])
        and _passes(filters, "paths", names)
    )  # fmt: skip


def _passes(filters: dict[str, Any], key: str, names: list[str]) -> bool:
    """Tell whether one name is asked for, and not all are ignored."""
    wanted, ignored = filters.get(key), filters.get(f"{key}-ignore")
    if wanted is not None:
        return any(_chosen(name, wanted) for name in names)
    if ignored is not None:
        return not all(_chosen(name, ignored) for name in names)
    return True


def _chosen(name: str, patterns: list[str]) -> bool:
    """Decide by the last pattern that fits; `!` takes away."""
    chosen = False
    for pattern in patterns:
        if matches(name, pattern.removeprefix("!")):
            chosen = not pattern.startswith("!")
    return chosen


def matches(name: str, pattern: str) -> bool:
    """Match as filters do: `*` within a segment, `**` across them."""
    parts = re.split(r"(\*\*/?|\*)", pattern)
    signs = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*"}
    return re.fullmatch("".join(signs.get(p, re.escape(p)) for p in parts), name) is not None


def is_admitted(ref: str, patterns: Iterable[str]) -> bool:
    """Tell whether an environment's branch rule admits a ref: by its short name or in full."""
    short = ref.removeprefix("refs/heads/")
    return any(fnmatchcase(name, p) for p in patterns for name in (short, ref))


def load_action(folder: Path) -> Action:
    """Read the action in a folder. Raises DocumentError."""
    for name in ("action.yml", "action.yaml"):
        if (folder / name).is_file():
            return read_action((folder / name).read_text(encoding="utf-8"), str(folder / name))
    raise DocumentError(f"{folder}: no action.yml; was the repository checked out before?")
