"""GitLab: GitLab Docs, "REST API", version 4. A pull request is a merge request, a comment a note.

A run is a job and its number the job's; an artifact is what the job kept, in one folder.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from reconciler.domain.review import Approval
from reconciler.forge.answers import (
    AbsentError,
    digits,
    flag,
    items,
    moment_or_none,
    objects,
    text,
    text_or_nothing,
)
from reconciler.forge.api import Api
from reconciler.forge.archive import unpack
from reconciler.forge.base import Comment, ForgeError, IsMeant, Issue, Merged
from reconciler.forge.gitlab_runs import GitLabRuns
from reconciler.forge.words import the_only, unlabelled, whole_number, whole_sha

REMEDY = (
    "Let RECONCILER_GITLAB_TOKEN be a token of this project with the scope `api` and at least the"
    " role {needs}; protected variables are missing in pipelines of unprotected branches."
)
_READ, _WRITE = "Reporter", "Developer"
_COMMAND = re.compile(r"(?:^|(?<=\r))[^\S\r\n]*(?=/)", re.MULTILINE)


class GitLab(GitLabRuns):
    """One project."""

    name = "GitLab"
    comment_limit = 1_000_000

    def __init__(self, api: Api, project: str, web: str = "", author: str = "") -> None:
        """Take the project's number, its address in the browser if known, and who comments.

        That is the token's own account unless `author` names another.
        """
        super().__init__(api, whole_number(project))
        self._web = web
        self._author = author
        self._own_id: str | None = None

    def comments(self, number: str) -> tuple[Comment, ...]:
        """Return every note that a person or bot wrote ("Notes API"); the rest is GitLab's own."""
        query = {"sort": "asc", "order_by": "created_at"}
        found = self._all(f"{self._request(number)}/notes", query)
        return tuple(self._comment(item, number) for item in found if not flag(item, "system"))

    def add_comment(self, number: str, body: str) -> Comment:
        """Write a note ("Create new merge request note")."""
        path = f"{self._request(number)}/notes"
        return self._comment(self._post(path, {"body": _without_commands(body)}), number)

    def edit_comment(self, number: str, comment_id: str, body: str) -> None:
        """Replace a note's text ("Modify existing merge request note")."""
        path = f"{self._request(number)}/notes/{whole_number(comment_id)}"
        self._api.write("PUT", path, {"body": _without_commands(body)}, needs=_WRITE)

    def labels(self, number: str) -> frozenset[str]:
        """Return the labels ("Get single MR")."""
        item = self._api.get(self._request(number), needs=_READ)
        return frozenset(text({"label": label}, "label") for label in items(item, "labels"))

    def change_labels(self, number: str, add: Iterable[str], remove: Iterable[str]) -> None:
        """Add and remove labels in one go ("Update MR"); labels of others stay."""
        wanted = {"add_labels": _listed(add), "remove_labels": _listed(remove)}
        wanted = {key: names for key, names in wanted.items() if names}
        if wanted:
            self._api.write("PUT", self._request(number), wanted, needs=_WRITE)

    def issues(self, label: str) -> tuple[Issue, ...]:
        """Return the issues with a label ("List project issues")."""
        query = {"labels": _listed([label]), "state": "all"}
        query |= {"order_by": "created_at", "sort": "desc"}
        return tuple(self._issue(item) for item in self._all(f"{self._home}/issues", query))

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue ("New issue"); a label that the project lacks is made.

        A label that the token may not set is left out without a word. Such an issue would not be
        found again, and each run would open a further one: it is closed, and an error.
        """
        wanted = {"title": title, "description": _without_commands(body)}
        item = self._post(f"{self._home}/issues", wanted | {"labels": _listed([label])})
        issue = self._issue(item)
        if label not in items(item, "labels"):
            self.edit_issue(issue.number, title=title, body=body, is_open=False)
            raise unlabelled(self.name, issue.url, label, REMEDY.format(needs=_WRITE))
        return issue

    def edit_issue(
        self, number: str, *, title: str, body: str, is_open: bool, note: str = ""
    ) -> None:
        """Change an issue ("Edit an issue"), then say the note."""
        path = f"{self._home}/issues/{whole_number(number)}"
        wanted = {"title": title, "description": _without_commands(body)}
        wanted["state_event"] = "reopen" if is_open else "close"
        self._api.write("PUT", path, wanted, needs=_WRITE)
        if note:
            self._post(f"{path}/notes", {"body": _without_commands(note)})

    def merged(self, commit: str, branch: str) -> Merged | None:
        """Return the request that was merged as `commit`.

        "List merge requests associated with a commit" names the candidates; of each it says the
        merge commit, else the squashed one, else (fast-forward) its own last one.
        """
        path = f"{self._home}/repository/commits/{whole_sha(commit)}/merge_requests"

        def ask() -> Any | None:
            found = self._all(path, {})
            return the_only([one for one in found if self._is_merge(one, commit, branch)], commit)

        item = self._api.settled(ask)
        return None if item is None else self._merged(item)

    def requests_of(self, commit: str, branch: str) -> frozenset[str]:
        """Return who brought a commit ("List merge requests associated with a commit")."""
        path = f"{self._home}/repository/commits/{whole_sha(commit)}/merge_requests"

        def ask() -> frozenset[str] | None:
            merged = (item for item in self._all(path, {}) if text(item, "state") == "merged")
            into = (item for item in merged if text(item, "target_branch") == branch)
            return frozenset(digits(item, "iid") for item in into) or None

        return self._api.settled(ask) or frozenset()

    def open_head(self, number: str) -> str | None:
        """Return the last commit of an open request ("Get single MR")."""
        item = self._api.get(self._request(number), needs=_READ)
        return whole_sha(text(item, "sha")) if text(item, "state") == "opened" else None

    def artifact(
        self, run: str, name: str, is_meant: IsMeant | None = None
    ) -> dict[str, bytes] | None:
        """Return what a job kept ("Get job artifacts"): one archive, whatever its name.

        A job that is started again is another job.
        """
        del name, is_meant
        return self._files(f"{self._home}/jobs/{whole_number(run)}/artifacts")

    def newest_artifact(self, name: str, branch: str) -> dict[str, bytes] | None:
        """Return what the job `name` kept in the newest successful pipeline of a branch.

        "Download the artifacts archive": pipelines of merge requests belong to no branch, and
        those of a fork to the fork. A tag of the branch's name would pass for it, and the job's
        own token may not ask for more, so tags have to be protected.
        """
        ref, job = quote(branch, safe=""), quote(name, safe="")
        return self._files(f"{self._home}/jobs/artifacts/{ref}/download?job={job}")

    def _request(self, number: str) -> str:
        return f"{self._home}/merge_requests/{whole_number(number)}"

    def _all(self, path: str, query: dict[str, str]) -> list[Any]:
        pages = self._api.pages(path, query, needs=_READ)
        return [item for page in pages for item in objects(page)]

    def _post(self, path: str, body: dict[str, str]) -> Any:
        return self._api.write("POST", path, body, needs=_WRITE, is_repeatable=False)

    def _is_ours(self, item: Any) -> bool:
        """Tell whether the named account, else the token's own, wrote it ("Users API")."""
        if self._author:
            return text_or_nothing(item, "author", "username") == self._author
        if self._own_id is None:
            self._own_id = digits(self._api.get("/user", needs=_READ), "id")
        return digits(item, "author", "id") == self._own_id

    def _comment(self, item: Any, number: str) -> Comment:
        one = digits(item, "id")
        place = f"{self._web}/-/merge_requests/{number}#note_{one}" if self._web else ""
        updated = moment_or_none(item, "updated_at")
        return Comment(one, text(item, "body"), self._is_ours(item), place, updated)

    def _issue(self, item: Any) -> Issue:
        return Issue(
            number=digits(item, "iid"),
            title=text(item, "title"),
            body=text_or_nothing(item, "description"),
            is_open=text(item, "state") == "opened",
            is_ours=self._is_ours(item),
            url=text(item, "web_url"),
        )

    def _is_merge(self, item: Any, commit: str, branch: str) -> bool:
        ways = ("merge_commit_sha", "squash_commit_sha", "sha")
        made = next((sha for sha in (text_or_nothing(item, way) for way in ways) if sha), "")
        return (
            text(item, "state") == "merged"
            and made == commit
            and text(item, "target_branch") == branch
            and digits(item, "target_project_id") == self._project
        )

    def _merged(self, item: Any) -> Merged:
        author = text_or_nothing(item, "author", "username")
        return Merged(
            number=digits(item, "iid"),
            url=text(item, "web_url"),
            head=whole_sha(text(item, "sha")),
            author=author,
            merged_by=text_or_nothing(item, "merge_user", "username"),
            approvals=self._approvals(digits(item, "iid"), author),
            merged_at=moment_or_none(item, "merged_at"),
        )

    def _approvals(self, number: str, author: str) -> tuple[Approval, ...]:
        """Return who approves ("Merge request approvals API"), which says no commit.

        Older servers leave out when, too.
        """
        told = self._api.get(f"{self._request(number)}/approvals", needs=_READ)
        found = {text(item, "user", "username"): item for item in objects(told, "approved_by")}
        return tuple(
            Approval(by, "", moment_or_none(found[by], "approved_at"))
            for by in sorted(found.keys() - {author})
        )

    def _files(self, path: str) -> dict[str, bytes] | None:
        try:
            return unpack(self._api.archive(path, needs=_READ), in_folder=True)
        except AbsentError:
            return None


def _without_commands(body: str) -> str:
    r"""Return the text with `\` before each `/` that begins a line.

    GitLab would obey such a line ("GitLab quick actions"), whoever brought it into the text; with
    the backslash it reads the same.
    """
    return _COMMAND.sub(r"\g<0>\\", body)


def _listed(names: Iterable[str]) -> str:
    found = sorted(set(names))
    if any("," in name for name in found):
        raise ForgeError(
            "a label's name has a comma, which GitLab reads as two labels", "Choose another name."
        )
    return ",".join(found)
