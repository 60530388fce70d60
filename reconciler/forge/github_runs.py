"""GitHub's runs and what they keep: GitHub Docs, "REST API endpoints for GitHub Actions"."""

import re
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from reconciler.domain.review import Trigger
from reconciler.forge.answers import (
    AbsentError,
    digits,
    flag,
    moment,
    objects,
    text,
    text_or_nothing,
)
from reconciler.forge.api import Api
from reconciler.forge.archive import unpack
from reconciler.forge.base import ForgeError, IsMeant, RunOf
from reconciler.forge.words import is_countable, whole_number, whole_sha

_ACTIONS, _CONTENTS = "actions: read", "contents: read"
_OF_DEFAULT = "schedule"
"""Runs of the default branch, whatever else has its name ("Events that trigger workflows")."""
_OF_A_REF = ("push", "workflow_dispatch")
"""Run the workflow of a branch or of a tag; a pull request's is its own."""
_TRIGGERS = {
    "pull_request": Trigger.REQUEST,
    "push": Trigger.PUSH,
    "schedule": Trigger.SCHEDULE,
    "workflow_dispatch": Trigger.DISPATCH,
}
_MAX_RUNS = 30
_MAX_ATTEMPTS = 20
"""Of one run, whose artifacts are looked into."""
_WORKFLOW = re.compile(r"\.github/workflows/[A-Za-z0-9._-]{1,200}\.ya?ml")


class GitHubRuns:
    """What ran in one repository."""

    def __init__(self, api: Api, home: str) -> None:
        """Take the repository's place below the API."""
        self._api = api
        self._home = home

    def run(self, run: str, attempt: str = "") -> RunOf | None:
        """Return what is known of a run ("Get a workflow run", "Get a workflow run attempt").

        Of a pull request `head_sha` is its last commit, not the trial merge that was checked out.
        """
        if not is_countable(run) or not (attempt == "" or is_countable(attempt)):
            return None
        which = f"{run}/attempts/{attempt}" if attempt else run
        try:
            told = self._api.get(f"{self._home}/actions/runs/{which}", needs=_ACTIONS)
        except AbsentError:
            return None
        trigger = _TRIGGERS.get(text(told, "event"), Trigger.OTHER)
        head = whole_sha(text(told, "head_sha"))
        has_ended = text_or_nothing(told, "status") == "completed"
        return RunOf(
            trigger=trigger,
            head=head,
            is_own=_is_own(told),
            is_default=_is_own(told) and self._is_default(told, trigger, head),
            # And not `run_started_at`, which is the last attempt's: a comment that an attempt
            # finds right already keeps the instant at which an earlier one wrote it.
            started=moment(told, "created_at"),
            ended=moment(told, "updated_at") if has_ended else None,
            workflow=_workflow(told),
            is_success=has_ended and text_or_nothing(told, "conclusion") == "success",
        )

    def artifact(
        self, run: str, name: str, is_meant: IsMeant | None = None
    ) -> dict[str, bytes] | None:
        """Return the files of a run ("List workflow run artifacts", "Download an artifact").

        The list has those of every attempt, which may share a name (actions/toolkit, `latest` of
        `ListArtifactsOptions`).
        """
        path = f"{self._home}/actions/runs/{whole_number(run)}/artifacts"
        try:
            found = self._artifacts(path, name)
        except AbsentError:
            return None
        newest = self._files(next(iter(found), None))
        if is_meant is None or (newest is not None and is_meant(newest)):
            return newest
        earlier = (self._files(item) for item in found[1:_MAX_ATTEMPTS])
        return next((files for files in earlier if files and is_meant(files)), newest)

    def newest_artifact(self, name: str, branch: str) -> dict[str, bytes] | None:
        """Return the newest files of a trusted run ("List artifacts for a repository").

        The artifact says which branch and repository its run worked on, the run ("Get a workflow
        run") by which event, with which workflow and of which commit. GitHub names a tag where it
        would name a branch, so that commit has to be one of the branch's, unless the clock, which
        knows the default branch only, started the run.
        """
        found = [
            item
            for item in self._artifacts(f"{self._home}/actions/artifacts", name)
            if text_or_nothing(item, "workflow_run", "head_branch") == branch
            and digits(item, "workflow_run", "head_repository_id")
            == digits(item, "workflow_run", "repository_id")
        ]
        trusted = (item for item in found[:_MAX_RUNS] if self._is_trusted(item, branch))
        return self._files(next(trusted, None))

    def _artifacts(self, path: str, name: str) -> list[Any]:
        """Return the artifacts of that name that can still be had, newest first."""
        pages = self._api.pages(path, {"name": name}, needs=_ACTIONS)
        listed = [item for page in pages for item in objects(page, "artifacts")]
        found = [
            item for item in listed if text(item, "name") == name and not flag(item, "expired")
        ]
        return sorted(found, key=lambda item: int(digits(item, "id")), reverse=True)

    def _files(self, artifact: Any | None) -> dict[str, bytes] | None:
        """Return what an artifact holds; newer servers also say the digest of its archive."""
        if artifact is None:
            return None
        path = f"{self._home}/actions/artifacts/{digits(artifact, 'id')}/zip"
        try:
            content = self._api.archive(path, needs=_ACTIONS)
        except AbsentError:
            return None
        if artifact.get("digest") not in (None, f"sha256:{sha256(content).hexdigest()}"):
            raise ForgeError(
                f"the archive of artifact {digits(artifact, 'id')} is not what GitHub recorded",
                "Run the job that makes it again.",
            )
        return unpack(content)

    def _is_trusted(self, item: Any, branch: str) -> bool:
        run = digits(item, "workflow_run", "id")
        told = self._api.get(f"{self._home}/actions/runs/{run}", needs=_ACTIONS)
        event = text(told, "event")
        return (
            event in (_OF_DEFAULT, *_OF_A_REF)
            and text_or_nothing(told, "head_branch") == branch
            and digits(told, "head_repository", "id") == digits(told, "repository", "id")
            and re.match(r"\.github/workflows/", text(told, "path")) is not None
            and (event == _OF_DEFAULT or self._is_on(whole_sha(text(told, "head_sha")), branch))
        )

    def _is_default(self, told: Any, trigger: Trigger, head: str) -> bool:
        """Tell whether a run was for the default branch ("Get a repository")."""
        if trigger is Trigger.SCHEDULE:
            return True
        if trigger not in {Trigger.PUSH, Trigger.DISPATCH}:
            return False
        branch = text(self._api.get(self._home, needs="metadata: read"), "default_branch")
        return text_or_nothing(told, "head_branch") == branch and self._is_on(head, branch)

    def _is_on(self, commit: str, branch: str) -> bool:
        """Tell whether a commit belongs to a branch ("Get a branch", "Compare two commits").

        Both sides are commits: a name could be a tag's too.
        """
        path = f"{self._home}/branches/{quote(branch, safe='')}"
        tip = whole_sha(text(self._api.get(path, needs=_CONTENTS), "commit", "sha"))
        if tip == commit:
            return True
        path = f"{self._home}/compare/{commit}...{tip}?per_page=1"
        return text(self._api.get(path, needs=_CONTENTS), "status") == "ahead"


def _workflow(told: Any) -> str:
    """Return the path of the workflow file, without the ref that may follow it.

    Only the run's own branch is cut off: a file could be called `apply.yml@evil.yml`. What is not
    plain then, as runs that no file of the repository describes (`dynamic/...`), is empty.
    """
    path, branch = text(told, "path"), text_or_nothing(told, "head_branch")
    for ref in (f"@refs/heads/{branch}", f"@{branch}"):
        if branch and path.endswith(ref):
            path = path.removesuffix(ref)
            break
    return path if _WORKFLOW.fullmatch(path) else ""


def _is_own(told: Any) -> bool:
    """Tell whether a run's head is of the repository itself; a fork may be gone, and null."""
    if told.get("head_repository") is None:
        return False
    return digits(told, "head_repository", "id") == digits(told, "repository", "id")
