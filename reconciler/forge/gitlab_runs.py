"""GitLab's pipelines: GitLab Docs, "Jobs API", "Pipelines API", "Commits API"."""

import re
from typing import Any

from reconciler.domain.review import Trigger
from reconciler.forge.answers import (
    AbsentError,
    digits,
    flag,
    items,
    moment,
    moment_or_none,
    text,
)
from reconciler.forge.api import Api
from reconciler.forge.base import ForgeError, RunOf
from reconciler.forge.words import is_countable, whole_sha

_READ = "Reporter"
_TRIGGERS = {
    "merge_request_event": Trigger.REQUEST,
    "push": Trigger.PUSH,
    "schedule": Trigger.SCHEDULE,
    "web": Trigger.DISPATCH,
    "api": Trigger.DISPATCH,
    "trigger": Trigger.DISPATCH,
}
_OF_REQUEST = re.compile(r"refs/merge-requests/([1-9][0-9]{0,18})/(head|merge|train)")
_ENDED = ("success", "failed", "canceled", "skipped")
_PARENTS = 2


class GitLabRuns:
    """What ran in one project."""

    def __init__(self, api: Api, project: str) -> None:
        """Take the project's number."""
        self._api = api
        self._home = f"/projects/{project}"
        self._project = project

    def run(self, run: str, attempt: str = "") -> RunOf | None:
        """Return what is known of the pipeline of a job ("Get a single job", "... pipeline").

        One job of it plans and another one publishes, so its times are those of both.
        """
        if not is_countable(run) or attempt:  # a job that is started again is another job
            return None
        try:
            job = self._api.get(f"{self._home}/jobs/{run}", needs=_READ)
        except AbsentError:
            return None
        number = digits(job, "pipeline", "id")
        told = self._api.get(f"{self._home}/pipelines/{number}", needs=_READ)
        trigger = _TRIGGERS.get(text(told, "source"), Trigger.OTHER)
        is_own = digits(told, "project_id") == self._project
        is_request = trigger is Trigger.REQUEST
        return RunOf(
            trigger=trigger,
            head=self._head(told) if is_request else whole_sha(text(told, "sha")),
            is_own=is_own and (not is_request or self._is_of_project(told)),
            is_default=is_own and not is_request and self._is_default(told),
            # And not `started_at`: a job may wait for its turn, and one that is started again
            # finds the note right already.
            started=moment(told, "created_at"),
            ended=moment_or_none(told, "finished_at") if text(told, "status") in _ENDED else None,
            # Which file described it, no answer says: only where the project looks for one now.
            workflow="",
            # The job's own word: that the outcome was not published takes nothing from an apply.
            is_success=text(job, "status") == "success",
        )

    def _head(self, told: Any) -> str:
        """Return the last commit of the request that a pipeline is of.

        Of a pipeline of the merged result `sha` is a merge that GitLab made of the target branch
        and, as its second parent, the request's last commit ("Merged results pipelines").
        """
        sha, way = whole_sha(text(told, "sha")), _place(told)[2]
        if way == "head":
            return sha
        commit = self._api.get(f"{self._home}/repository/commits/{sha}", needs=_READ)
        parents = items(commit, "parent_ids")
        if len(parents) != _PARENTS:
            raise ForgeError(
                f"the merged result {sha[:8]} of a pipeline has {len(parents)} parents, not 2",
                "Let the pipeline of the merge request run again.",
            )
        return whole_sha(str(parents[1]))

    def _is_of_project(self, told: Any) -> bool:
        """Tell whether the request of a pipeline is of the project itself ("Get single MR").

        A member may start a fork's pipeline here, with what the fork says shall run.
        """
        path = f"{self._home}/merge_requests/{_place(told)[1]}"
        return digits(self._api.get(path, needs=_READ), "source_project_id") == self._project

    def _is_default(self, told: Any) -> bool:
        """Tell whether a pipeline was for the default branch ("Get a single project")."""
        if flag(told, "tag"):
            return False
        branch = text(self._api.get(self._home, needs=_READ), "default_branch")
        return text(told, "ref") == branch


def _place(told: Any) -> re.Match[str]:
    found = _OF_REQUEST.fullmatch(text(told, "ref"))
    if found is None:
        raise ForgeError(
            f"the pipeline of a merge request is of {text(told, 'ref')[:100]!a}, which names none",
            "A newer version of this tool may be needed.",
        )
    return found
