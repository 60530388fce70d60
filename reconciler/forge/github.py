"""GitHub: GitHub Docs, "REST API", version 2022-11-28.

That version and not 2026-03-10, which no longer says `merge_commit_sha` of a pull request
("Breaking changes"): by it a merge is known. A version is kept for 24 months after the next one
("API versions").
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from reconciler.domain.review import Approval
from reconciler.forge.answers import (
    AbsentError,
    digits,
    flag,
    moment_or_none,
    objects,
    text,
    text_or_nothing,
)
from reconciler.forge.api import Api
from reconciler.forge.base import Comment, Issue, Merged
from reconciler.forge.github_runs import GitHubRuns
from reconciler.forge.words import the_only, unlabelled, whole_number, whole_sha

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
REMEDY = (
    "Give the job `permissions: {needs}`. For a pull request from a fork, or of Dependabot, the"
    " token only reads, whatever the workflow says."
)
ACTIONS_BOT = "github-actions[bot]"
"""Who writes with a job's GITHUB_TOKEN."""
_PULLS, _ISSUES, _READ_PULLS = "pull-requests: write", "issues: write", "pull-requests: read"
_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


class GitHub(GitHubRuns):
    """One repository."""

    name = "GitHub"
    comment_limit = 65_536

    def __init__(self, api: Api, repository: str, author: str = ACTIONS_BOT) -> None:
        """Take `OWNER/NAME` and the login that the token writes as."""
        super().__init__(api, f"/repos/{repository}")
        self._repository = repository
        self._author = author

    def comments(self, number: str) -> tuple[Comment, ...]:
        """Return every comment ("List issue comments": by ascending id)."""
        path = f"{self._home}/issues/{whole_number(number)}/comments"
        pages = self._api.pages(path, {}, needs=_READ_PULLS)
        return tuple(self._comment(item) for page in pages for item in objects(page))

    def add_comment(self, number: str, body: str) -> Comment:
        """Write a comment ("Create an issue comment")."""
        path = f"{self._home}/issues/{whole_number(number)}/comments"
        return self._comment(self._post(path, {"body": body}, needs=_PULLS))

    def edit_comment(self, number: str, comment_id: str, body: str) -> None:
        """Replace a comment's text ("Update an issue comment"); ids count for the repository."""
        whole_number(number)
        path = f"{self._home}/issues/comments/{whole_number(comment_id)}"
        self._api.write("PATCH", path, {"body": body}, needs=_PULLS)

    def labels(self, number: str) -> frozenset[str]:
        """Return the labels ("List labels for an issue")."""
        pages = self._api.pages(self._labels(number), {}, needs=_READ_PULLS)
        return frozenset(text(item, "name") for page in pages for item in objects(page))

    def change_labels(self, number: str, add: Iterable[str], remove: Iterable[str]) -> None:
        """Add and remove labels ("Add labels to an issue", "Remove a label from an issue").

        Adding is no setting, so that labels of others stay, and adding twice is adding once.
        """
        path = self._labels(number)
        names = sorted(set(add))
        if names:
            self._api.write("POST", path, {"labels": names}, needs=_PULLS)
        for name in sorted(set(remove)):
            try:
                self._api.write("DELETE", f"{path}/{quote(name, safe='')}", needs=_PULLS)
            except AbsentError:
                continue

    def issues(self, label: str) -> tuple[Issue, ...]:
        """Return the issues with a label ("List repository issues"), pull requests left out."""
        query = {"labels": label, "state": "all", "sort": "created", "direction": "desc"}
        pages = self._api.pages(f"{self._home}/issues", query, needs="issues: read")
        found = (item for page in pages for item in objects(page))
        return tuple(self._issue(item) for item in found if "pull_request" not in item)

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue ("Create an issue").

        GitHub leaves a label out without a word when the token may not set it. Such an issue would
        not be found again, and each run would open a further one: it is closed, and an error.
        """
        wanted = {"title": title, "body": body, "labels": [label]}
        item = self._post(f"{self._home}/issues", wanted, needs=_ISSUES)
        issue = self._issue(item)
        names = {text(one, "name").casefold() for one in objects(item, "labels")}
        if label.casefold() not in names:
            self.edit_issue(issue.number, title=title, body=body, is_open=False)
            raise unlabelled(self.name, issue.url, label, REMEDY.format(needs=_ISSUES))
        return issue

    def edit_issue(
        self, number: str, *, title: str, body: str, is_open: bool, note: str = ""
    ) -> None:
        """Change an issue ("Update an issue"), then say the note."""
        path = f"{self._home}/issues/{whole_number(number)}"
        wanted = {"title": title, "body": body, "state": "open" if is_open else "closed"}
        self._api.write("PATCH", path, wanted, needs=_ISSUES)
        if note:
            self._post(f"{path}/comments", {"body": note}, needs=_ISSUES)

    def merged(self, commit: str, branch: str) -> Merged | None:
        """Return the request that was merged as `commit`.

        "List pull requests associated with a commit" names the candidates; "Get a pull request"
        says as which commit each was merged: the merge commit, the squashed one, or for a rebase
        the last of them. An older commit of a rebase, or of a merge queue's push, proves nothing.
        """
        whole_sha(commit)
        pull = self._api.settled(lambda: self._merge(commit, branch))
        return None if pull is None else self._merged(pull)

    def requests_of(self, commit: str, branch: str) -> frozenset[str]:
        """Return who brought a commit ("List pull requests associated with a commit")."""
        path = f"{self._home}/commits/{whole_sha(commit)}/pulls"

        def ask() -> frozenset[str] | None:
            pages = self._api.pages(path, {}, needs=_READ_PULLS)
            found = (item for page in pages for item in objects(page))
            merged = (item for item in found if text_or_nothing(item, "merged_at"))
            into = (item for item in merged if text(item, "base", "ref") == branch)
            return frozenset(digits(item, "number") for item in into) or None

        return self._api.settled(ask) or frozenset()

    def open_head(self, number: str) -> str | None:
        """Return the last commit of an open request ("Get a pull request")."""
        item = self._api.get(f"{self._home}/pulls/{whole_number(number)}", needs=_READ_PULLS)
        return whole_sha(text(item, "head", "sha")) if text(item, "state") == "open" else None

    def _post(self, path: str, body: dict[str, Any], *, needs: str) -> Any:
        return self._api.write("POST", path, body, needs=needs, is_repeatable=False)

    def _labels(self, number: str) -> str:
        return f"{self._home}/issues/{whole_number(number)}/labels"

    def _is_ours(self, item: Any) -> bool:
        """Tell whether we wrote it; nobody but an app has brackets in the login."""
        is_author = text_or_nothing(item, "user", "login").casefold() == self._author.casefold()
        is_bot = text_or_nothing(item, "user", "type") == "Bot"
        return is_author and (is_bot or self._author != ACTIONS_BOT)

    def _comment(self, item: Any) -> Comment:
        return Comment(
            id=digits(item, "id"),
            body=text_or_nothing(item, "body"),
            is_ours=self._is_ours(item),
            url=text(item, "html_url"),
            updated=moment_or_none(item, "updated_at"),
        )

    def _issue(self, item: Any) -> Issue:
        return Issue(
            number=digits(item, "number"),
            title=text(item, "title"),
            body=text_or_nothing(item, "body"),
            is_open=text(item, "state") == "open",
            is_ours=self._is_ours(item),
            url=text(item, "html_url"),
        )

    def _merge(self, commit: str, branch: str) -> Any | None:
        path = f"{self._home}/commits/{commit}/pulls"
        pages = self._api.pages(path, {}, needs=_READ_PULLS)
        found = [item for page in pages for item in objects(page)]
        listed = [digits(item, "number") for item in found if text_or_nothing(item, "merged_at")]
        pulls = [self._api.get(f"{self._home}/pulls/{one}", needs=_READ_PULLS) for one in listed]
        return the_only([one for one in pulls if self._is_merge(one, commit, branch)], commit)

    def _is_merge(self, item: Any, commit: str, branch: str) -> bool:
        return (
            flag(item, "merged")
            and text_or_nothing(item, "merge_commit_sha") == commit
            and text(item, "base", "ref") == branch
            and text(item, "base", "repo", "full_name").casefold() == self._repository.casefold()
        )

    def _merged(self, item: Any) -> Merged:
        author = text_or_nothing(item, "user", "login")
        return Merged(
            number=digits(item, "number"),
            url=text(item, "html_url"),
            head=whole_sha(text(item, "head", "sha")),
            author=author,
            merged_by=text_or_nothing(item, "merged_by", "login"),
            approvals=self._approvals(digits(item, "number"), author),
            merged_at=moment_or_none(item, "merged_at"),
        )

    def _approvals(self, one: str, author: str) -> tuple[Approval, ...]:
        """Return who approves by their latest opinion ("List reviews": in chronological order)."""
        pages = self._api.pages(f"{self._home}/pulls/{one}/reviews", {}, needs=_READ_PULLS)
        latest: dict[str, Any] = {}
        for item in (item for page in pages for item in objects(page)):
            by = text_or_nothing(item, "user", "login")
            if by and by != author and text(item, "state") in _OPINIONS:
                latest[by] = item
        return tuple(
            Approval(
                by,
                text_or_nothing(latest[by], "commit_id"),
                moment_or_none(latest[by], "submitted_at"),
            )
            for by in sorted(latest)
            if text(latest[by], "state") == "APPROVED"
        )
