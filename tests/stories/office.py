"""A repository on a code host, people who open and merge pull requests, and CI that runs for them.

The code host is the one of `codehost`, the repository a real one that is pushed to and cloned;
what a runner would set, a job here sets.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codehost.github import GitHub
from codehost.github_world import Item
from stories.desk import Desk, Told

BRANCH = "reconciler-journal"
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@acme.example",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@acme.example",
    "PATH": os.environ.get("PATH", os.defpath),
}


@dataclass(frozen=True)
class Job:
    """What one job said and left behind."""

    told: Told
    folder: Path
    summary: str
    outputs: dict[str, str] = field(default_factory=dict)
    runner: dict[str, str] = field(default_factory=dict)
    """What the runner set."""

    @property
    def code(self) -> int:
        return self.told.code

    @property
    def text(self) -> str:
        return self.told.text

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "result.json").read_text("utf-8"))
        return found


class Office:
    """The people, the repository and the runners."""

    def __init__(self, desk: Desk, hub: GitHub, folder: Path) -> None:
        self.desk = desk
        self.hub = hub
        self.bare = folder / "acme" / "access.git"
        self.work = folder / "work"
        self._folder = folder
        self._jobs = 0
        self.bare.parent.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=folder)
        self.git("clone", "--quiet", str(self.bare), str(self.work), at=folder)
        self.git("checkout", "-q", "-B", "main")
        shutil.copytree(desk.folder / "policies", self.work / "policies")
        self.commit("The policies")
        self.git("push", "--quiet", "origin", "main")

    # The repository

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", "-C", str(at or self.work), *arguments]
        done = subprocess.run(command, env=_GIT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.work / name).read_text("utf-8")
        assert old in text, name
        self.write(name, text.replace(old, new))

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    @property
    def main(self) -> str:
        return self.git("rev-parse", "main", at=self.bare)

    def open(self, title: str, edits: Mapping[str, tuple[str, str]], *, fork: str = "") -> Item:
        """Somebody opens a pull request that replaces texts in files."""
        branch = title.lower().replace(" ", "-")
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "-q", "-B", branch, "origin/main")
        for name, (old, new) in edits.items():
            if old:
                self.edit(name, old, new)
            else:
                self.write(name, new)
        head = self.commit(title)
        pull = self.hub.world.open_pull("bea", title, head, branch, self.main, fork=fork or None)
        self._propose(pull.number, head, branch)
        return pull

    def push(self, pull: Item, name: str, old: str, new: str) -> None:
        """The author pushes a further commit."""
        branch = self._branch(pull)
        self.git("checkout", "-q", branch)
        self.edit(name, old, new)
        head = self.commit(f"More of {pull.title}")
        self.hub.world.push(pull.number, head)
        self._propose(pull.number, head, branch)

    def merge(self, pull: Item, *, squash: bool = True) -> str:
        """Cleo approves and merges; return the commit on main."""
        self.hub.world.review(pull.number, "cleo", "APPROVED")
        branch = self._branch(pull)
        self.git("checkout", "-q", "-B", "main", "origin/main")
        if squash:
            self.git("merge", "--quiet", "--squash", branch)
            commit = self.commit(f"{pull.title} (#{pull.number})")
        else:
            self.git("merge", "--quiet", "--no-ff", "-m", f"Merge #{pull.number}", branch)
            commit = self.git("rev-parse", "HEAD")
        self.git("push", "--quiet", "origin", "main")
        self.hub.world.merge(pull.number, "cleo", commit)
        return commit

    def _branch(self, pull: Item) -> str:
        self.git("fetch", "--quiet", "origin")
        assert pull.pull is not None
        return pull.pull.head_ref

    def _propose(self, number: int, head: str, branch: str) -> None:
        """Let the code host make the commit that merging would give."""
        self.git("checkout", "-q", "--detach", "origin/main")
        self.git("merge", "--quiet", "--no-ff", "-m", f"Merge {head}", head)
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

    def apply(self, commit: str = "", before: str = "", *arguments: str, **environ: str) -> Job:
        """The job that applies a push."""
        commit = commit or self.main
        history = self.git("rev-list", "--first-parent", commit, at=self.bare).split()
        before = before or (history[1] if len(history) > 1 else "0" * 40)
        event = {"before": before}
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
        token = self.hub.world.actions_token({"pull-requests": "write", "issues": "write"})
        names = {"GITHUB_TOKEN": token, "SENTINELONE_TOKEN": "", "SENTINELONE_URL": ""}
        return self.desk.run("ci", "publish", str(job.folder), **(job.runner | names | environ))

    def keep(self, job: Job, event: str, branch: str, name: str) -> None:
        """Keep a job's folder as an artifact."""
        run = self.hub.world.run(event, branch, self.main, run_id=int(job.result["run"]))
        files = {path.name: path.read_bytes() for path in job.folder.iterdir() if path.is_file()}
        self.hub.world.keep(run, name, files)

    def checkout(self, commit: str, name: str) -> Path:
        folder = self._folder / name / "access"
        folder.parent.mkdir(parents=True)
        self.git("clone", "--quiet", str(self.bare), str(folder), at=self._folder)
        self.git("fetch", "--quiet", "origin", "+refs/pull/*:refs/remotes/pull/*", at=folder)
        self.git("checkout", "-q", "--detach", commit, at=folder)
        return folder

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
        self._jobs += 1
        run = str(9_000_000_000 + self._jobs)
        name = f"job-{self._jobs}"
        access = self.checkout(commit, name)
        home = access.parent
        event_file, summary, output = home / "event.json", home / "summary.md", home / "output"
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
            "GITHUB_ACTOR": "cleo",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_TOKEN": token,
            "RECONCILER_JOURNAL_REMOTE": str(self.bare),
        }
        folder = home / "result"
        where = ("--policies", str(access / "policies"), "--folder", str(folder))
        told = self.desk.run("ci", command, *where, *arguments, **(runner | environ))
        lines = output.read_text("utf-8").splitlines() if output.exists() else []
        outputs = dict(line.split("=", 1) for line in lines)
        text = summary.read_text("utf-8") if summary.exists() else ""
        return Job(told, folder, text, outputs, runner)

    # What can be seen

    def comments(self, pull: Item) -> list[str]:
        return [comment.body for comment in self.hub.world.comments_on(pull.number)]

    def labels(self, pull: Item) -> set[str]:
        return set(self.hub.world.items[pull.number].labels)

    def journal(self) -> list[dict[str, Any]]:
        """The records on the journal's branch."""
        text = self.git("show", f"{BRANCH}:journal.jsonl", at=self.bare)
        return [json.loads(line) for line in text.splitlines()]
