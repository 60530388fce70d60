"""What a GitHub repository holds, and what people do in it in a browser."""

import hashlib
import io
import itertools
import secrets
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACTIONS = "github-actions[bot]"


@dataclass(slots=True)
class Account:
    login: str
    id: int
    type: str = "User"


@dataclass(slots=True)
class Token:
    """What one token may do: {"contents": "read", "pull-requests": "write"}, as in a workflow."""

    account: Account
    permissions: dict[str, str]
    reset: datetime
    """When the primary limit starts anew."""
    is_app: bool = False
    """An installation token such as GITHUB_TOKEN: no user stands behind it."""
    limit: int = 1000
    """Requests an hour."""
    remaining: int = 0

    def __post_init__(self) -> None:
        self.remaining = self.remaining or self.limit

    def may(self, level: str, *names: str) -> bool:
        levels = {"read", "write"} if level == "read" else {"write"}
        return any(self.permissions.get(name) in levels for name in names)


@dataclass(slots=True)
class Comment:
    id: int
    number: int
    author: Account | None
    """None: the account was deleted."""
    body: str
    created: datetime
    updated: datetime
    by_app: bool = False
    edited_by: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Review:
    id: int
    author: Account | None
    state: str
    """APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING."""
    commit: str
    submitted: datetime


@dataclass(slots=True)
class Pull:
    head: str
    head_ref: str
    base: str
    base_ref: str
    head_repository: str | None
    """`owner/name`; None: the fork was deleted."""
    files: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    """Every head there was, oldest first."""
    reviews: list[Review] = field(default_factory=list)
    merge_commit: str | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    landed: set[str] = field(default_factory=set)
    """Commits that the merge brought to the base branch."""


@dataclass(slots=True)
class Item:
    """An issue; with `pull`, a pull request, which is one too."""

    number: int
    title: str
    body: str | None
    author: Account | None
    created: datetime
    updated: datetime
    pull: Pull | None = None
    by_app: bool = False
    state: str = "open"
    state_reason: str | None = None
    labels: list[str] = field(default_factory=list)
    is_locked: bool = False


@dataclass(slots=True)
class Run:
    id: int
    event: str
    branch: str
    commit: str
    repository: str
    """Of the head: a fork's for a pull request from one."""
    path: str
    attempt: int
    created: datetime
    status: str = "completed"
    conclusion: str | None = "success"
    updated: datetime | None = None
    """None: as when it was created."""
    restarted: datetime | None = None
    """When the last attempt began, of several."""
    earlier: "dict[int, Run]" = field(default_factory=dict)
    """What the run was after each attempt but the last."""


@dataclass(slots=True)
class Artifact:
    id: int
    name: str
    run: Run
    content: bytes
    created: datetime
    is_expired: bool = False

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class World:
    """One repository and the accounts around it. Numbers are never used twice."""

    def __init__(self, repository: str, clock: Callable[[], datetime]) -> None:
        self.repository = repository
        self.default_branch = "main"
        self.is_private = True
        self.id = 700_000_001
        self.accounts: dict[str, Account] = {ACTIONS: Account(ACTIONS, 41898282, "Bot")}
        self.tokens: dict[str, Token] = {}
        self.items: dict[int, Item] = {}
        self.comments: list[Comment] = []
        self.labels: set[str] = {"bug", "documentation", "enhancement"}
        """Of the repository; using another one makes it, for whom that is permitted."""
        self.runs: dict[int, Run] = {}
        self.artifacts: list[Artifact] = []
        self.commits: set[str] = set()
        """That the repository knows without a pull request."""
        self.branches: dict[str, list[str]] = {}
        """Name -> its commits, oldest first."""
        self._clock = clock
        self.ids = itertools.count(3_000_000_001)
        self._numbers = itertools.count(1)

    # Who

    def account(self, login: str) -> Account:
        """Return the account, made on first use."""
        return self.accounts.setdefault(login, Account(login, next(self.ids)))

    def token(self, login: str, permissions: Mapping[str, str]) -> str:
        """Mint a fine-grained token of a person."""
        value = f"github_pat_{secrets.token_hex(20)}"
        self.tokens[value] = self._token(self.account(login), permissions, 5000)
        return value

    def actions_token(self, permissions: Mapping[str, str]) -> str:
        """Mint what a job gets as GITHUB_TOKEN; for a fork's pull request, with `read` only."""
        value = f"ghs_{secrets.token_hex(18)}"
        self.tokens[value] = self._token(self.accounts[ACTIONS], permissions, 1000)
        return value

    def app_token(self, login: str, permissions: Mapping[str, str]) -> str:
        """Mint a token of another app: `renovate[bot]`."""
        self.account(login).type = "Bot"
        value = f"ghs_{secrets.token_hex(18)}"
        self.tokens[value] = self._token(self.account(login), permissions, 5000)
        return value

    def _token(self, account: Account, permissions: Mapping[str, str], limit: int) -> Token:
        reset, is_app = self._clock() + timedelta(hours=1), account.type == "Bot"
        return Token(account, dict(permissions), reset, is_app, limit)

    # What people do

    def open_issue(
        self, login: str, title: str, body: str | None = None, labels: tuple[str, ...] = ()
    ) -> Item:
        self.labels.update(labels)
        return self.add(Item(
            next(self._numbers), title, body, self.account(login), self._clock(), self._clock(),
            labels=list(labels),
        ))  # fmt: skip

    def open_pull(
        self, login: str, title: str, head: str, head_ref: str, base: str,
        *, base_ref: str = "main", fork: str | None = None, files: tuple[str, ...] = (),
    ) -> Item:  # fmt: skip
        """Open a pull request; `fork` names the repository it comes from."""
        pull = Pull(head, head_ref, base, base_ref, fork or self.repository, list(files), [head])
        return self.add(Item(
            next(self._numbers), title, "", self.account(login), self._clock(), self._clock(), pull
        ))  # fmt: skip

    def push(self, number: int, head: str) -> None:
        """Push a further commit to a pull request."""
        pull = self.pull(number)
        pull.head = head
        pull.commits.append(head)

    def review(self, number: int, login: str, state: str, commit: str = "") -> Review:
        pull = self.pull(number)
        review = Review(
            next(self.ids), self.account(login), state, commit or pull.head, self._clock()
        )
        pull.reviews.append(review)
        return review

    def merge(self, number: int, login: str, commit: str, *brought: str) -> None:
        """Merge with `commit` (a merge or a squash); a rebase brings further commits."""
        item, pull = self.items[number], self.pull(number)
        pull.merge_commit, pull.merged_at = commit, self._clock()
        pull.merged_by = self.account(login)
        pull.landed = {commit, *brought}
        item.state = "closed"

    def comment(self, number: int, login: str, body: str) -> Comment:
        return self.add_comment(number, self.account(login), body)

    def run(
        self, event: str, branch: str, commit: str, *,
        repository: str = "", path: str = ".github/workflows/plan.yml", run_id: int = 0,
    ) -> Run:  # fmt: skip
        """Record a workflow run."""
        number = run_id or next(self.ids)
        self.runs[number] = Run(
            number, event, branch, commit, repository or self.repository, path, 1, self._clock()
        )
        return self.runs[number]

    def keep(self, run: Run, name: str, files: Mapping[str, bytes] | bytes) -> Artifact:
        """Keep files of a run under a name, as a zip; bytes are kept as they are."""
        content = files if isinstance(files, bytes) else packed(files)
        artifact = Artifact(next(self.ids), name, run, content, self._clock())
        self.artifacts.append(artifact)
        return artifact

    # What there is

    def pull(self, number: int) -> Pull:
        pull = self.items[number].pull
        assert pull is not None, number
        return pull

    def comments_on(self, number: int) -> list[Comment]:
        """Return the comments of an issue or pull request, oldest first."""
        return [comment for comment in self.comments if comment.number == number]

    def next_number(self) -> int:
        return next(self._numbers)

    def add(self, item: Item) -> Item:
        self.items[item.number] = item
        return item

    def add_comment(
        self, number: int, author: Account, body: str, *, by_app: bool = False
    ) -> Comment:
        now = self._clock()
        comment = Comment(next(self.ids), number, author, body, now, now, by_app)
        self.comments.append(comment)
        self.items[number].updated = now
        return comment
