"""A repository on a code host, people who open and merge pull requests, and CI that runs for them.

The code host is the one of `codehost`, the repository a real one that is pushed to and cloned;
what a runner would set, a job here sets.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from codehost.github import GitHub
from codehost.github_world import Item
from stories.desk import Desk, Told
from stories.repository import Job, Repository


class Office(Repository):
    """The people, the repository and the runners."""

    def __init__(self, desk: Desk, hub: GitHub, folder: Path) -> None:
        super().__init__(desk, folder)
        self.hub = hub
        self._jobs = 0
        self._started: dict[int, subprocess.Popen[str]] = {}
        """Runs that are processes, which end when they do."""
        self._has_begun = False

    def open(self, title: str, edits: Mapping[str, tuple[str, str]], *, fork: str = "") -> Item:
        """Somebody opens a pull request that replaces texts in files."""
        branch = title.lower().replace(" ", "-")
        head = self.propose(branch, title, edits)
        pull = self.hub.world.open_pull("bea", title, head, branch, self.main, fork=fork or None)
        self._propose(pull.number, head, branch)
        return pull

    def push(self, pull: Item, name: str, old: str, new: str) -> None:
        """The author pushes a further commit."""
        branch = self._branch(pull)
        head = self.further(branch, f"More of {pull.title}", name, old, new)
        self.hub.world.push(pull.number, head)
        self._propose(pull.number, head, branch)

    def merge(self, pull: Item, *, squash: bool = True) -> str:
        """Cleo approves and merges; return the commit on main."""
        self.hub.world.review(pull.number, "cleo", "APPROVED")
        commit = self.merged(self._branch(pull), pull.title, pull.number, squash=squash)
        self.hub.world.merge(pull.number, "cleo", commit)
        return commit

    def rebase(self, pull: Item) -> str:
        """Cleo merges each commit of a request as it is; return the last."""
        before = self.main
        commit = self.forwarded(self._branch(pull))
        brought = self.git("rev-list", f"{before}..{commit}").split()
        self.hub.world.merge(pull.number, "cleo", *brought)
        return commit

    def _branch(self, pull: Item) -> str:
        assert pull.pull is not None
        return pull.pull.head_ref

    def _propose(self, number: int, head: str, branch: str) -> None:
        """Let the code host make the commit that merging would give."""
        self.merge_commit(head)
        ref = f"refs/pull/{number}/merge"
        self.git(
            "push", "--quiet", "--force", "origin", f"HEAD:{ref}", f"{head}:refs/heads/{branch}"
        )

    # CI

    def plan(self, pull: Item, **environ: str) -> Job:
        """The job that plans a pull request."""
        merge = self.git("rev-parse", f"refs/pull/{pull.number}/merge", at=self.bare)
        assert pull.pull is not None
        request = {
            "number": pull.number,
            "title": pull.title,
            "user": {"login": pull.author.login if pull.author else ""},
            "base": {"sha": self.main, "ref": "main"},
            "head": {"sha": pull.pull.head, "repo": {"full_name": pull.pull.head_repository}},
        }
        ref = f"refs/pull/{pull.number}/merge"
        job = self._job("plan", "pull_request", {"pull_request": request}, merge, ref, **environ)
        if job.folder.exists():
            self.keep(job, "pull_request", pull.pull.head_ref, "reconciler-plan")
        return job

    def begin(self) -> None:
        """The first apply, once: by hand, since nobody has read a plan of what was there before."""
        if not self._has_begun:
            self._has_begun = True
            report = self.scheduled("drift")
            done = self.by_hand("--digest", report.outputs["digest"])
            assert done.code == 0, done.text

    def apply(self, commit: str = "", before: str = "", *arguments: str, **environ: str) -> Job:
        """The job that applies a push."""
        commit = commit or self.main
        event = {"before": before or self.before(commit)}
        return self._job("apply", "push", event, commit, "refs/heads/main", *arguments, **environ)

    def scheduled(self, command: str = "apply", *arguments: str, **environ: str) -> Job:
        """The job that the clock starts on main."""
        ref = "refs/heads/main"
        return self._job(command, "schedule", {}, self.main, ref, *arguments, **environ)

    def by_hand(self, *arguments: str, **environ: str) -> Job:
        """The job that somebody starts."""
        name, ref = "workflow_dispatch", "refs/heads/main"
        return self._job("apply", name, {}, self.main, ref, *arguments, **environ)

    def publish(self, job: Job, **environ: str) -> Told:
        """The job that may comment."""
        token = self.hub.world.actions_token(
            {"pull-requests": "write", "issues": "write", "actions": "read", "contents": "read"}
        )
        names = {"GITHUB_TOKEN": token, "SENTINELONE_TOKEN": "", "SENTINELONE_URL": ""}
        return self.desk.run("ci", "publish", str(job.folder), **(job.runner | names | environ))

    def keep(self, job: Job, event: str, branch: str, name: str) -> None:
        """Keep a job's folder as an artifact."""
        head = job.result["head"] or self.main
        run = self.hub.world.run(event, branch, head, run_id=int(job.result["run"]))
        files = {path.name: path.read_bytes() for path in job.folder.iterdir() if path.is_file()}
        self.hub.world.keep(run, name, files)

    def start(self, commit: str = "") -> tuple["subprocess.Popen[str]", Path]:
        """Start the job that applies a push as a process; return it and its folder."""
        commit = commit or self.main
        event = {"before": self.before(commit)}
        words, runner, home = self._prepared("apply", "push", event, commit, "refs/heads/main")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SENTINELONE_")}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "reconciler", *words, "--concurrency", "1"],
            cwd=home,
            env=clean | self.desk.environ | runner,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._begin("apply", runner)
        self._started[int(runner["GITHUB_RUN_ID"])] = process
        return process, home / "result"

    def _job(
        self,
        command: str,
        event: str,
        tree: dict[str, Any],
        commit: str,
        ref: str,
        *arguments: str,
        **environ: str,
    ) -> Job:
        words, runner, home = self._prepared(command, event, tree, commit, ref)
        self._begin(command, runner | environ)
        told = self.desk.run(*words, *arguments, **(runner | environ))
        self._end(int((runner | environ)["GITHUB_RUN_ID"]), told.code)
        summary, output = home / "summary.md", home / "output"
        lines = output.read_text("utf-8").splitlines() if output.exists() else []
        outputs = dict(line.split("=", 1) for line in lines)
        text = summary.read_text("utf-8") if summary.exists() else ""
        return Job(told, home / "result", text, outputs, runner)

    def _begin(self, command: str, runner: Mapping[str, str]) -> None:
        """Let the code host know of a run on a branch; `keep` tells it of a pull request's."""
        world, number = self.hub.world, int(runner["GITHUB_RUN_ID"])
        world.branches["main"] = self.history[::-1]
        for started, process in self._started.items():
            if process.poll() is not None:
                self._end(started, process.returncode)
        if command == "plan":
            return
        event, commit = runner["GITHUB_EVENT_NAME"], runner["GITHUB_SHA"]
        branch = runner["GITHUB_REF"].removeprefix("refs/heads/")
        path = f".github/workflows/{command}.yml"
        run = world.runs.get(number) or world.run(event, branch, commit, path=path, run_id=number)
        attempt = int(runner["GITHUB_RUN_ATTEMPT"])
        if attempt != run.attempt:
            run.earlier[run.attempt] = replace(run)
        run.attempt = attempt
        run.status, run.conclusion = "in_progress", None

    def _end(self, number: int, code: int) -> None:
        run = self.hub.world.runs.get(number)
        if run is not None:
            run.status, run.conclusion = "completed", "failure" if code else "success"
            run.updated = self.hub.now

    def _prepared(
        self, command: str, event: str, tree: dict[str, Any], commit: str, ref: str
    ) -> tuple[tuple[str, ...], dict[str, str], Path]:
        """Return the command line, what the runner sets, and a folder with the checkout."""
        self._jobs += 1
        run = str(9_000_000_000 + self._jobs)
        access = self.checkout(commit, f"job-{self._jobs}", "+refs/pull/*:refs/remotes/pull/*")
        home = access.parent
        event_file = home / "event.json"
        event_file.write_text(json.dumps({**tree, "repository": {"default_branch": "main"}}))
        token = self.hub.world.actions_token(
            {"contents": "write", "pull-requests": "read", "actions": "read"}
        )
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.hub.api,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": self.hub.world.repository,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(event_file),
            "GITHUB_SHA": commit,
            "GITHUB_REF": ref,
            "GITHUB_RUN_ID": run,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW_REF": (
                f"{self.hub.world.repository}/.github/workflows/{command}.yml@{ref}"
            ),
            "GITHUB_ACTOR": "cleo",
            "GITHUB_STEP_SUMMARY": str(home / "summary.md"),
            "GITHUB_OUTPUT": str(home / "output"),
            "GITHUB_TOKEN": token,
            "RECONCILER_JOURNAL_REMOTE": str(self.bare),
        }
        where = ("--policies", str(access / "policies"), "--folder", str(home / "result"))
        return ("ci", command, *where), runner, home

    # What can be seen

    def comments(self, pull: Item) -> list[str]:
        return [comment.body for comment in self.hub.world.comments_on(pull.number)]

    def labels(self, pull: Item) -> set[str]:
        return set(self.hub.world.items[pull.number].labels)
