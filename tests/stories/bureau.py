"""A project on GitLab, people who open and merge requests, and pipelines that run for them.

The pipelines are those of the document that customers copy (docs/ci.md), executed line by line: a
shell reads each line as a runner's would, and the product is given the words it finds there.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codehost.github_world import packed
from codehost.gitlab import GitLab
from codehost.gitlab_world import Item
from codehost.gitlab_world import Job as KeptJob
from ruamel.yaml import YAML
from stories.desk import Desk, Told
from stories.repository import Job, Repository

_DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "ci.md"
_TERM = re.compile(r'(\$\w+) (==|!=) (\$\w+|"[^"]*")')
_SHOW = 'reconciler() { printf "%s\\0" reconciler "$@"; }; '
"""Let the shell say which words it would give to the command."""


def pipeline_file() -> dict[str, Any]:
    """Return what a customer copies."""
    blocks = re.findall(r"```yaml\n(.*?)```", _DOCUMENT.read_text("utf-8"), re.DOTALL)
    [text] = [block for block in blocks if block.startswith("# access.yml")]
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return found


@dataclass
class Pipeline:
    """What ran, in order, by name."""

    jobs: dict[str, Job] = field(default_factory=dict)
    given: dict[str, dict[str, str]] = field(default_factory=dict)
    """Job -> the variables it could see."""

    @property
    def text(self) -> str:
        return "\n".join(job.text for job in self.jobs.values())


class Bureau(Repository):
    """The people, the project and its runners."""

    def __init__(self, desk: Desk, lab: GitLab, folder: Path) -> None:
        super().__init__(desk, folder)
        self.lab = lab
        self.file = pipeline_file()
        self.has_merged_results = False
        """Premium: a pipeline is of what merging would give, not of the branch alone."""
        self._count = 0
        commenter = lab.world.project_token()
        plan = {"SENTINELONE_TOKEN": desk.console.token_for("reconciler-plan")}
        apply = {
            "SENTINELONE_TOKEN": desk.token,
            "RECONCILER_GITLAB_TOKEN": lab.world.project_token("read_api"),
            "RECONCILER_COMMENT_AUTHOR": lab.world.tokens[commenter].member.username,
        }
        self.variables: dict[str, dict[str, str]] = {
            "s1-plan": plan,
            "s1-drift": plan,
            "s1-apply": apply,
            "s1-windows": apply,
            "s1-publish": {"RECONCILER_GITLAB_TOKEN": commenter},
        }
        """Environment -> its masked variables."""

    # People

    def open(self, title: str, edits: Mapping[str, tuple[str, str]], *, fork: int = 0) -> Item:
        """Somebody opens a merge request that replaces texts in files."""
        branch = title.lower().replace(" ", "-")
        head = self.propose(branch, title, edits)
        request = self.lab.world.open_request(
            "bea", title, head, branch, self.main, source_project=fork
        )
        self._show(request, head)
        return request

    def push(self, request: Item, name: str, old: str, new: str) -> None:
        """The author pushes a further commit."""
        assert request.request is not None
        head = self.further(request.request.source, f"More of {request.title}", name, old, new)
        self.lab.world.push(request.iid, head)
        self._show(request, head)

    def merge(self, request: Item, way: str = "squash") -> str:
        """Cleo approves and merges; return the commit on main."""
        self.lab.world.approve(request.iid, "cleo")
        assert request.request is not None
        source = request.request.source
        if way == "fast-forward":
            commit = self.forwarded(source)
            self.lab.world.merge(request.iid, "cleo")
            return commit
        commit = self.merged(source, request.title, request.iid, squash=way == "squash")
        self.lab.world.merge(request.iid, "cleo", **{way: commit})
        return commit

    def _show(self, request: Item, head: str) -> None:
        assert request.request is not None
        self.merge_commit(head)
        ref = f"refs/merge-requests/{request.iid}"
        self.git("push", "--quiet", "--force", "origin", f"HEAD:{ref}/merge", f"{head}:{ref}/head")

    # Pipelines

    def requested(self, request: Item, **more: str) -> Pipeline:
        """The pipeline of a merge request."""
        pull = request.request
        assert pull is not None
        variables = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_COMMIT_BEFORE_SHA": "0" * 40,
            "CI_MERGE_REQUEST_IID": str(request.iid),
            "CI_MERGE_REQUEST_PROJECT_ID": str(self.lab.world.id),
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": str(pull.source_project),
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.git(
                "merge-base", "main", pull.head, at=self.bare
            ),
        }
        commit, ref = pull.head, f"refs/merge-requests/{request.iid}"
        if self.has_merged_results:
            commit = self.git("rev-parse", f"{ref}/merge", at=self.bare)
            variables |= {
                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": pull.head,
                "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": self.main,
            }
            self.lab.world.parents[commit] = [self.main, pull.head]
            ref = f"{ref}/merge"
        else:
            ref = f"{ref}/head"
        return self._run(ref, commit, variables | more)

    def pushed(self, commit: str = "", **more: str) -> Pipeline:
        """The pipeline of a push to main."""
        commit = commit or self.main
        variables = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BEFORE_SHA": self.before(commit)}
        return self._run("main", commit, self._on_main | variables | more)

    def scheduled(self, what: str) -> Pipeline:
        """The pipeline of one of the two schedules."""
        variables = {"CI_PIPELINE_SOURCE": "schedule", "SCHEDULED": what}
        return self._run("main", self.main, self._on_main | variables)

    def by_hand(self, **more: str) -> Pipeline:
        """The pipeline that somebody starts on main."""
        return self._run("main", self.main, self._on_main | {"CI_PIPELINE_SOURCE": "web"} | more)

    def begin(self) -> None:
        """The first apply: by hand, since nobody has read a plan of what was there before."""
        drift = self.scheduled("drift").jobs["drift"]
        told = (drift.folder / "comment.md").read_text("utf-8")
        [digest] = set(re.findall(r"digest `(sha256:[0-9a-f]{64})`", told))
        assert self.by_hand(DIGEST=digest).jobs["apply"].code == 0

    @property
    def _on_main(self) -> dict[str, str]:
        return {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": "0" * 40}

    def _run(self, ref: str, commit: str, variables: dict[str, str]) -> Pipeline:
        world = self.lab.world
        pipeline, number = Pipeline(), next(world.ids)
        project = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": self.lab.api,
            "CI_PROJECT_ID": str(world.id),
            "CI_PROJECT_URL": f"https://gitlab.example/{world.path}",
            "CI_DEFAULT_BRANCH": world.default_branch,
            "CI_COMMIT_SHA": commit,
            "GITLAB_USER_LOGIN": "cleo",
            "RECONCILER_JOURNAL_REMOTE": str(self.bare),
            "SENTINELONE_URL": self.desk.url,
            **self.file["variables"],
        }
        for name, job in self._jobs():
            if any(_holds(rule["if"], project | variables) for rule in job["rules"]):
                job_id = next(world.ids)
                seen = project | variables | job.get("variables", {})
                seen |= self.variables[job["environment"]["name"]]
                seen |= {
                    "CI_JOB_ID": str(job_id),
                    "CI_JOB_URL": f"{project['CI_PROJECT_URL']}/-/jobs/{job_id}",
                    "CI_JOB_TOKEN": world.project_token("read_api"),
                }
                pipeline.given[name] = seen
                kept = world.job(
                    name, ref, commit, source=seen["CI_PIPELINE_SOURCE"], job_id=job_id,
                    pipeline=number,
                )  # fmt: skip
                kept.status = "running"
                pipeline.jobs[name] = self._job(name, job, seen, pipeline)
                self._keep(kept, job, pipeline.jobs[name])
        return pipeline

    def _jobs(self) -> list[tuple[str, dict[str, Any]]]:
        names = [
            name for name, job in self.file.items() if isinstance(job, dict) and "rules" in job
        ]
        return [
            (name, self.file.get(self.file[name].get("extends", ""), {}) | self.file[name])
            for name in names
        ]

    def _job(self, name: str, job: dict[str, Any], seen: dict[str, str], pipeline: Pipeline) -> Job:
        self._count += 1
        place = self._folder / f"job-{self._count}"
        if seen["GIT_STRATEGY"] == "none":
            place.mkdir(parents=True)
        else:
            everything = "+refs/merge-requests/*:refs/remotes/requests/*"
            place = self.checkout(seen["CI_COMMIT_SHA"], place.name, everything)
        for need in job.get("needs", []):
            if need["job"] in pipeline.jobs:
                kept = pipeline.jobs[need["job"]].folder
                shutil.copytree(kept, place / kept.name)
            else:
                assert need.get("optional"), (name, need)
        told = Told(0, "", "")
        for line in job["script"]:
            told = self._line(line, seen, place)
            if told.code != 0:
                break
        [kept_as] = job.get("artifacts", {"paths": ["result/"]})["paths"]
        return Job(told, place / kept_as)

    def _line(self, line: str, seen: dict[str, str], place: Path) -> Told:
        """Execute one line; the product in this process, for its clock."""
        said = subprocess.run(
            ["sh", "-ec", _SHOW + line],
            cwd=place,
            env=seen | {"PATH": os.environ.get("PATH", os.defpath)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (said.returncode, said.stderr) == (0, ""), line
        words = said.stdout.split("\0")[:-1]
        if not words:
            return Told(0, "", "")
        before = Path.cwd()
        os.chdir(place)
        try:
            return self.desk.run(*words[1:], **({"SENTINELONE_TOKEN": ""} | seen))
        finally:
            os.chdir(before)

    def _keep(self, kept: KeptJob, job: dict[str, Any], done: Job) -> None:
        """End a job, and keep its artifacts as GitLab does: with their folder, if it says so."""
        kept.status = "success" if done.code == 0 else "failed"
        kept.finished = self.lab.now
        is_kept = done.code == 0 or job.get("artifacts", {}).get("when") == "always"
        files = None
        if "artifacts" in job and is_kept and done.folder.is_dir():
            files = {
                f"{done.folder.name}/{path.name}": path.read_bytes()
                for path in done.folder.iterdir()
                if path.is_file()
            }
        kept.archive = None if files is None else packed(files)

    # What can be seen

    def notes(self, request: Item) -> list[str]:
        return [note.body for note in request.notes if not note.is_system]


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Tell whether an `if` of a rule holds, as far as ours are written."""
    terms = condition.split(" && ")
    found = [_TERM.fullmatch(term) for term in terms]
    assert all(found), condition

    def value(word: str) -> str:
        return variables.get(word[1:], "") if word.startswith("$") else word.strip('"')

    return all(
        (value(term[1]) == value(term[3])) == (term[2] == "==")
        for term in found
        if term is not None
    )
