"""What a GitLab project holds, and what people do in it in a browser."""

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from codehost.github_world import packed

GUEST, REPORTER, DEVELOPER, MAINTAINER = 10, 20, 30, 40


@dataclass(slots=True)
class Member:
    username: str
    id: int
    role: int
    is_bot: bool = False


@dataclass(slots=True)
class Token:
    member: Member
    scope: str
    """`api` or `read_api`."""


@dataclass(slots=True)
class Note:
    id: int
    body: str
    author: Member
    created: datetime
    updated: datetime
    is_system: bool = False
    edited_by: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Request:
    """A merge request."""

    source: str
    target: str
    head: str
    base: str
    source_project: int
    commits: list[str] = field(default_factory=list)
    """Every head there was, oldest first."""
    files: list[str] = field(default_factory=list)
    approved: dict[str, datetime] = field(default_factory=dict)
    """Who approves, since when; of which commit GitLab does not say."""
    merge_commit: str | None = None
    squash_commit: str | None = None
    merged_by: Member | None = None
    merged_at: datetime | None = None
    landed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Item:
    """An issue or, with `request`, a merge request; each kind counts its own numbers."""

    iid: int
    title: str
    description: str
    author: Member
    created: datetime
    state: str = "opened"
    labels: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    request: Request | None = None


@dataclass(slots=True)
class Job:
    id: int
    name: str
    ref: str
    """A branch, a tag, or for a merge request `refs/merge-requests/N/head`; `.../merge` where the
    pipeline is of the merged result."""
    commit: str
    source: str
    """Of its pipeline: push, merge_request_event, schedule or web."""
    pipeline: int
    created: datetime
    status: str = "success"
    archive: bytes | None = None
    """None: it kept nothing, or no longer."""
    is_tag: bool = False
    finished: datetime | None = None
    """None: as when it was created."""


class World:
    """One project and its members."""

    def __init__(self, path: str, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.id = 4711
        self.is_private = True
        self.default_branch = "main"
        self.members: dict[str, Member] = {}
        self.tokens: dict[str, Token] = {}
        self.issues: dict[int, Item] = {}
        self.requests: dict[int, Item] = {}
        self.jobs: dict[int, Job] = {}
        self.commits: set[str] = set()
        self.parents: dict[str, list[str]] = {}
        """Commit -> its parents, where somebody asks for them."""
        self.commands: list[tuple[int, str]] = []
        """(merge request or issue, quick action) that a text set off: `/merge`, `/close` ..."""
        self.ids = itertools.count(5_000_001)
        self._clock = clock

    # Who

    def member(self, username: str, role: int = DEVELOPER, *, is_bot: bool = False) -> Member:
        """Return the member, made on first use."""
        return self.members.setdefault(username, Member(username, next(self.ids), role, is_bot))

    def token(self, username: str, scope: str = "api") -> str:
        """Mint a token of a member."""
        value = f"glpat-{secrets.token_hex(10)}"
        self.tokens[value] = Token(self.member(username), scope)
        return value

    def project_token(self, scope: str = "api", role: int = DEVELOPER) -> str:
        """Mint a project access token; a bot user of its own stands behind it."""
        username = f"project_{self.id}_bot_{secrets.token_hex(4)}"
        self.member(username, role, is_bot=True)
        return self.token(username, scope)

    # What people do

    def open_request(
        self, username: str, title: str, head: str, source: str, base: str, *,
        target: str = "main", source_project: int = 0, files: tuple[str, ...] = (),
    ) -> Item:  # fmt: skip
        """Open a merge request; `source_project` is a fork's number."""
        request = Request(
            source, target, head, base, source_project or self.id, [head], list(files)
        )
        item = Item(
            len(self.requests) + 1, title, "", self.member(username), self._clock(), request=request
        )
        self.requests[item.iid] = item
        return item

    def request(self, iid: int) -> Request:
        request = self.requests[iid].request
        assert request is not None, iid
        return request

    def push(self, iid: int, head: str, *, resets_approvals: bool = True) -> None:
        """Push a further commit; approvals fall unless the project is set to keep them."""
        item, request = self.requests[iid], self.request(iid)
        request.head = head
        request.commits.append(head)
        if resets_approvals:
            request.approved.clear()
        self.note(item, item.author.username, "added 1 commit", is_system=True)

    def approve(self, iid: int, username: str) -> None:
        self.request(iid).approved[self.member(username).username] = self._clock()

    def merge(
        self, iid: int, username: str, *brought: str, merge: str | None = None,
        squash: str | None = None,
    ) -> None:  # fmt: skip
        """Merge by a merge commit, a squash, both, or by fast forward (neither)."""
        item, request = self.requests[iid], self.request(iid)
        request.merge_commit, request.squash_commit = merge, squash
        request.merged_by, request.merged_at = self.member(username), self._clock()
        request.landed = {commit for commit in (merge, squash, *brought) if commit}
        item.state = "merged"

    def open_issue(
        self, username: str, title: str, description: str = "", labels: tuple[str, ...] = ()
    ) -> Item:
        item = Item(
            len(self.issues) + 1, title, description, self.member(username), self._clock(),
            labels=list(labels),
        )  # fmt: skip
        self.issues[item.iid] = item
        return item

    def note(self, item: Item, username: str, body: str, *, is_system: bool = False) -> Note:
        now = self._clock()
        note = Note(next(self.ids), body, self.member(username), now, now, is_system)
        item.notes.append(note)
        return note

    def job(
        self, name: str, ref: str, commit: str, files: Mapping[str, bytes] | None = None, *,
        source: str = "push", job_id: int = 0, pipeline: int = 0,
    ) -> Job:  # fmt: skip
        """Record a job that ended well and kept these files."""
        number = job_id or next(self.ids)
        archive = None if files is None else packed(files)
        self.jobs[number] = Job(
            number, name, ref, commit, source, pipeline or next(self.ids), self._clock(),
            archive=archive,
        )  # fmt: skip
        return self.jobs[number]
