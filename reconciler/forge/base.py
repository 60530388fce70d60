"""What is asked of a code host, in words that fit every one of them.

Every method raises ForgeError when the host does not do it: after all retries, or at once when it
says no. `ci` decides what that means; here nothing is forgiven.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.domain.review import Approval, Trigger
from reconciler.errors import ReconcilerError

IsMeant = Callable[[Mapping[str, bytes]], bool]
"""Tells whether files of an artifact, by name, are the ones that somebody looks for."""


class ForgeError(ReconcilerError):
    """The code host did not do what it was asked."""


class ForbiddenError(ForgeError):
    """The token may not do this (401, 403, or 404 where the thing is known to exist).

    The ordinary case: the pull request comes from a fork, whose token only reads.
    """


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request (GitLab: a note on a merge request)."""

    id: str
    body: str
    is_ours: bool
    """Whether the author is the account that this token writes as. A marker alone proves nothing:
    anybody can copy it (T15)."""
    url: str = ""
    updated: datetime | None = None
    """When its text was last written, with a time zone; None when the host does not say."""


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that carries one of our labels."""

    number: str
    title: str
    body: str
    is_open: bool
    is_ours: bool
    """As for a comment."""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The pull request that brought a commit to the protected branch."""

    number: str
    url: str
    head: str
    """The last commit of the request before it was merged: what reviewers saw last."""
    author: str
    merged_by: str
    approvals: tuple[Approval, ...] = ()
    merged_at: datetime | None = None
    """With a time zone; None when the host does not say."""


@dataclass(frozen=True, slots=True)
class RunOf:
    """A run in CI as the host knows it: nobody can write this into a comment."""

    trigger: Trigger
    head: str
    """The commit that it was started for: of a pull request the last one, not the trial merge."""
    is_own: bool
    """Whether that commit is of this repository, and not of a fork."""
    is_default: bool
    """Whether it ran for the default branch; a pull request's never does."""
    started: datetime
    """When it was first started, however often since."""
    ended: datetime | None
    """When it ended the last time; None while it runs."""
    workflow: str
    """Path of the workflow file that ran, `.github/workflows/apply.yml`; empty where the host names
    none of this repository, as GitLab never does."""
    is_success: bool
    """Whether it ended, and well, by the host's word; False while it runs. GitLab: of the job
    itself, which ends before the pipeline that it is of."""


class Forge(Protocol):
    """One repository (project) on a code host. Ids are strings of digits."""

    name: str
    """`GitHub` or `GitLab`, for messages."""
    comment_limit: int
    """Characters of the longest comment it takes."""

    def comments(self, number: str) -> tuple[Comment, ...]:
        """Return every comment of a pull request, oldest first."""

    def add_comment(self, number: str, body: str) -> Comment:
        """Write a comment. Not repeated when the answer is lost: look for it before."""

    def edit_comment(self, number: str, comment_id: str, body: str) -> None:
        """Replace the text of a comment."""

    def labels(self, number: str) -> frozenset[str]:
        """Return the labels of a pull request."""

    def change_labels(self, number: str, add: Iterable[str], remove: Iterable[str]) -> None:
        """Add and remove labels; one that is not there is as good as removed."""

    def issues(self, label: str) -> tuple[Issue, ...]:
        """Return the issues with a label, open ones and closed ones, newest first."""

    def add_issue(self, title: str, body: str, label: str) -> Issue:
        """Open an issue. Not repeated when the answer is lost."""

    def edit_issue(
        self, number: str, *, title: str, body: str, is_open: bool, note: str = ""
    ) -> None:
        """Replace title and text, open or close it, and say `note` (if any) as a comment."""

    def merged(self, commit: str, branch: str) -> Merged | None:
        """Return the request whose merge into `branch` made `commit`; None when there is none.

        Whether by merge, squash or rebase. Raises ForgeError when there are several.
        """

    def requests_of(self, commit: str, branch: str) -> frozenset[str]:
        """Return the numbers of the requests that brought `commit` into `branch`, if any.

        Not only as the commit that the merge made: a rebase and a fast forward bring several.
        """

    def open_head(self, number: str) -> str | None:
        """Return the last commit of a request that is open; None of one merged or closed."""

    def run(self, run: str, attempt: str = "") -> RunOf | None:
        """Return what is known of a run; None when there is none of that number.

        Of one attempt at it whether that has ended, and how; without, the last one counts.

        GitLab: of the pipeline that a job belongs to, since several of its jobs make one run.
        """

    def artifact(
        self, run: str, name: str, is_meant: IsMeant | None = None
    ) -> dict[str, bytes] | None:
        """Return the files that a run kept under a name; None when it kept none, or no longer.

        A run that was started again has kept several: the newest that `is_meant`, else the newest.
        At most 64 MiB unpacked; names are plain file names without folders.
        """

    def newest_artifact(self, name: str, branch: str) -> dict[str, bytes] | None:
        """Return the newest files kept under a name by a run on `branch` of this repository.

        A fork's branch of the same name does not count, nor does a run of a pull request.
        """
