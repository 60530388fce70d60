"""What a job is run in: settings of the repository, folders, and the variables of a runner."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.documents import Job, Workflow
from runner.site import Event, Site

if TYPE_CHECKING:
    from runner.job import JobMachine

Replacement = str | Callable[["JobMachine", Mapping[str, str]], Mapping[str, str] | None]
"""A script, or a function of the job and the step's environment that returns outputs."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A deployment environment."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    refs: tuple[str, ...] = ("*",)
    """Branches or refs that may use it: `main`, `refs/pull/*/merge`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What people set in the repository's settings, and what a test sets."""

    site: Site
    folder: Path
    environments: Mapping[str, Environment] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, Replacement] = field(default_factory=dict)
    """Steps, by id or `job.id`, that are done otherwise."""
    actions: Mapping[str, Path] = field(default_factory=dict)
    """`owner/name/path` of composite actions from elsewhere -> a folder with their action.yml."""
    path: str = os.defpath
    """PATH of a fresh machine."""
    patience: float = 300
    """Seconds until a script that hangs fails its step."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one workflow."""

    settings: Settings
    workflow: Workflow
    event: Event
    id: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Folders:
    """Of one job, all fresh."""

    workspace: Path
    temp: Path
    home: Path
    tools: Path

    @classmethod
    def below(cls, folder: Path, repository: str) -> "Folders":
        name = repository.partition("/")[2]
        made = cls(folder / "work" / name / name, folder / "temp", folder / "home", folder / "tool")
        for each in (made.workspace, made.temp / "_files", made.home, made.tools):
            each.mkdir(parents=True)
        return made


def secrets_of(run: Run, environment: Environment, token: str) -> dict[str, str]:
    """Return the context: a fork's run and Dependabot's are given nothing but their token."""
    given = {**run.settings.secrets, **environment.secrets} if run.event.is_trusted else {}
    return given | {"GITHUB_TOKEN": token}


def variables_of(run: Run, environment: Environment) -> dict[str, str]:
    return {**run.settings.variables, **environment.variables} if run.event.is_trusted else {}


def permissions_of(run: Run, job: Job) -> dict[str, str]:
    """Return those of the job's token: for what is not trusted, at most to read."""
    if run.event.is_trusted:
        return dict(job.permissions)
    return {name: "read" for name, level in job.permissions.items() if level != "none"}


def github_of(run: Run, job: Job, folders: Folders, token: str) -> dict[str, Any]:
    """Return the context `github`."""
    host, event = run.settings.site.host, run.event
    repository = host.world.repository
    kind = "tag" if event.ref.startswith("refs/tags/") else "branch"
    short = event.ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")
    pull = event.payload.get("pull_request")
    return {
        "action": "",
        "action_path": "",
        "action_ref": "",
        "action_repository": "",
        "actor": event.actor,
        "actor_id": str(host.world.account(event.actor).id),
        "api_url": host.api,
        "base_ref": pull["base"]["ref"] if pull else "",
        "event": event.payload,
        "event_name": event.name,
        "event_path": str(folders.temp / "_files" / "event.json"),
        "graphql_url": f"{host.api}/graphql",
        "head_ref": pull["head"]["ref"] if pull else "",
        "job": job.id,
        "ref": event.ref,
        "ref_name": short.removeprefix("pull/") if pull else short,
        "ref_protected": event.branch == host.world.default_branch and not pull,
        "ref_type": kind,
        "repository": repository,
        "repository_id": str(host.world.id),
        "repository_owner": repository.partition("/")[0],
        "retention_days": "90",
        "run_attempt": "1",
        "run_id": str(run.id),
        "run_number": str(len(host.world.runs)),
        "server_url": host.web.url,
        "sha": event.sha,
        "token": token,
        "triggering_actor": event.actor,
        "workflow": run.workflow.name,
        "workflow_ref": f"{repository}/{run.workflow.path}@{event.ref}",
        "workflow_sha": event.sha,
        "workspace": str(folders.workspace),
    }


def runner_of(folders: Folders) -> dict[str, Any]:
    """Return the context `runner`."""
    return {
        "arch": "X64",
        "debug": "",
        "environment": "github-hosted",
        "name": "GitHub Actions 1",
        "os": "Linux",
        "temp": str(folders.temp),
        "tool_cache": str(folders.tools),
        "workspace": str(folders.workspace.parent),
    }


def variables_for_all(
    github: Mapping[str, Any], runner: Mapping[str, Any], folders: Folders, trusted: Path
) -> dict[str, str]:
    """Return the variables that a runner sets for every step. The token is not among them."""
    hidden = {"event", "token", "action_path", "action_repository", "action_ref"}
    told = {
        f"GITHUB_{name.upper()}": {True: "true", False: "false"}.get(value, value)
        if isinstance(value, bool)
        else value
        for name, value in github.items()
        if name not in hidden
    }
    about = {f"RUNNER_{name.upper()}": value for name, value in runner.items() if name != "debug"}
    # What measures coverage of processes is of the test and not of the workflow.
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    own = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        # As where a company's own authority signs: only that makes this host unlike GitHub's.
        "GIT_SSL_CAINFO": str(trusted),
        "HOME": str(folders.home),
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "USER": "runner",
    }
    return {**kept, **told, **about, **own}


def python_folder(folders: Folders) -> Path:
    """Return a folder with `python` in it: the interpreter beneath the tests' own environment."""
    there = folders.tools / "python" / "bin"
    there.mkdir(parents=True, exist_ok=True)
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for name in ("python", "python3"):
        link = there / name
        if not link.exists():
            link.write_text(f'#!/bin/sh\nexec "{base}" "$@"\n')
            link.chmod(0o755)
    return there
