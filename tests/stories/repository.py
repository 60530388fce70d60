"""A repository that people push to and CI checks out: the same whichever code host shows it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

ADOPTED = """\
version: 1
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
  - {members: [service:reconciler-plan], role: Viewer, tenant: true}
  - members: [ana@acme.example]
    role: SOC
    sites: [Acme/Berlin]
  - {members: [bo@acme.example], role: Viewer, sites: [Acme/Berlin]}
  - {members: [service:siem], role: Viewer, sites: [Acme/Berlin]}
  - {members: [eve@acme.example], role: SOC, sites: [Acme/Lyon]}
"""
"""What the small world holds, as policies."""


@dataclass(frozen=True)
class Job:
    """What one job said and left behind."""

    told: Told
    folder: Path
    summary: str = ""
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


class Repository:
    """A bare repository, a work tree of somebody who pushes to it, and checkouts for jobs."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.bare = folder / "acme" / "access.git"
        self.work = folder / "work"
        self._folder = folder
        self.bare.parent.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=folder)
        self.git("clone", "--quiet", str(self.bare), str(self.work), at=folder)
        self.git("checkout", "-q", "-B", "main")
        shutil.copytree(desk.folder / "policies", self.work / "policies")
        self.commit("The policies")
        self.git("push", "--quiet", "origin", "main")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", "-C", str(at or self.work), "-c", "core.fsync=none", *arguments]
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

    @property
    def history(self) -> list[str]:
        """The tips that main had, newest first."""
        return self.git("rev-list", "--first-parent", "main", at=self.bare).split()

    def before(self, commit: str) -> str:
        """The tip of main before a push brought this commit; zeros for the first."""
        history = self.git("rev-list", "--first-parent", "-n2", commit, at=self.bare).split()
        return history[1] if len(history) > 1 else "0" * 40

    def propose(self, branch: str, message: str, edits: Mapping[str, tuple[str, str]]) -> str:
        """Replace texts in files on a new branch of main; an empty text makes the file anew."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "-q", "-B", branch, "origin/main")
        for name, (old, new) in edits.items():
            if old:
                self.edit(name, old, new)
            else:
                self.write(name, new)
        return self.commit(message)

    def further(self, branch: str, message: str, name: str, old: str, new: str) -> str:
        """Add a commit to a branch."""
        self.git("checkout", "-q", branch)
        self.edit(name, old, new)
        return self.commit(message)

    def merged(self, branch: str, title: str, number: int, *, squash: bool = True) -> str:
        """Merge a branch into main and push; return the commit on main."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "-q", "-B", "main", "origin/main")
        if squash:
            self.git("merge", "--quiet", "--squash", branch)
            commit = self.commit(f"{title} ({number})")
        else:
            self.git("merge", "--quiet", "--no-ff", "-m", f"Merge {number}", branch)
            commit = self.git("rev-parse", "HEAD")
        self.git("push", "--quiet", "origin", "main")
        return commit

    def forwarded(self, branch: str) -> str:
        """Let main go on to the tip of a branch that comes after it; return that commit."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "-q", "-B", "main", "origin/main")
        self.git("merge", "--quiet", "--ff-only", branch)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def merge_commit(self, head: str) -> None:
        """Let the work tree stand at what merging would give, on no branch."""
        self.git("checkout", "-q", "--detach", "origin/main")
        self.git("merge", "--quiet", "--no-ff", "-m", f"Merge {head}", head)

    def checkout(self, commit: str, name: str, *more: str) -> Path:
        """Return a clone with all history at a commit; `more` are further refs to fetch."""
        folder = self._folder / name / "access"
        folder.parent.mkdir(parents=True)
        self.git("clone", "--quiet", "--no-checkout", str(self.bare), str(folder), at=self._folder)
        if more:
            self.git("fetch", "--quiet", "origin", *more, at=folder)
        self.git("checkout", "-q", "--detach", commit, at=folder)
        return folder

    def journal(self) -> list[dict[str, Any]]:
        """The records on the journal's branch."""
        text = self.git("show", f"{BRANCH}:journal.jsonl", at=self.bare)
        return [json.loads(line) for line in text.splitlines()]
