"""A repository on a code host, and people who open, push to and merge pull requests.

Everything here returns the event that a code host would send to workflows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from codehost.github import GitHub
from codehost.github_views import time_of
from runner.origin import Origin

NONE = "0" * 40


@dataclass(frozen=True, slots=True)
class Event:
    """What starts workflows."""

    name: str
    ref: str
    sha: str
    """GITHUB_SHA; of a pull request: the merge that it would make."""
    actor: str
    payload: dict[str, Any]
    branch: str
    """What filters on branches look at: of a pull request the base."""
    head: str = ""
    """The last commit of the branch that the run is recorded for."""
    head_ref: str = ""
    head_repository: str = ""
    files: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    is_trusted: bool = True
    """Whether it may have secrets and write: not from a fork, not by Dependabot."""

    @property
    def number(self) -> int:
        """The number of the pull request."""
        return int(self.payload["number"])


class Site:
    """A fake GitHub together with the repository behind it."""

    def __init__(self, host: GitHub, origin: Origin) -> None:
        self.host = host
        self.origin = origin
        host.web.folder = origin.folder

    @property
    def head(self) -> str:
        """The last commit of the default branch."""
        return self.origin.resolve(self.host.world.default_branch)

    def show_branch(self) -> None:
        """Let the host know of the default branch what the repository has."""
        name = self.host.world.default_branch
        commits = self.origin.git("rev-list", "--reverse", name).split() if self.head else []
        self.host.world.branches[name] = commits

    def open_pull(
        self, who: str, title: str, files: Mapping[str, str | None], *,
        branch: str = "change", fork: str | None = None,
    ) -> Event:  # fmt: skip
        """Commit onto a new branch, or onto one of a fork, and open a pull request."""
        base = self.head
        head = self.origin.commit(branch, files, title, parent=base, who=who, updates=fork is None)
        item = self.host.world.open_pull(
            who, title, head, branch, base, fork=fork, files=tuple(files),
            base_ref=self.host.world.default_branch,
        )  # fmt: skip
        return self._proposed(item.number, "opened", who)

    def push(
        self, number: int, files: Mapping[str, str | None], who: str = "ada", message: str = "more"
    ) -> Event:
        """Push a further commit to a pull request."""
        pull = self.host.world.pull(number)
        own = pull.head_repository == self.host.world.repository
        head = self.origin.commit(
            pull.head_ref, files, message, parent=pull.head, who=who, updates=own
        )
        self.host.world.push(number, head)
        pull.base = self.head
        pull.files = self.origin.changed(pull.base, head)
        return self._proposed(number, "synchronize", who)

    def again(self, number: int, action: str = "reopened", who: str = "ada") -> Event:
        """Return the event of something else that happens to a pull request."""
        return self._proposed(number, action, who)

    def _proposed(self, number: int, action: str, who: str) -> Event:
        item, pull = self.host.world.items[number], self.host.world.pull(number)
        tree = self.origin.merged_tree(self.head, pull.head)
        message = f"Merge {pull.head} into {self.head}"
        merge = self.origin.record(tree, [self.head, pull.head], message)
        self.origin.update(f"refs/pull/{number}/head", pull.head)
        self.origin.update(f"refs/pull/{number}/merge", merge)
        pull.merge_commit = merge  # until it is merged, the host's own trial merge
        views = self.host.views
        payload = {"action": action, "number": number, "pull_request": views.whole_pull(item)}
        if action == "synchronize":
            payload |= {"before": pull.commits[-2], "after": pull.head}
        own = pull.head_repository == self.host.world.repository
        return Event(
            "pull_request", f"refs/pull/{number}/merge", merge, who, payload | self._about(who),
            pull.base_ref, pull.head, pull.head_ref, pull.head_repository or "",
            self.origin.changed(self.head, pull.head), is_trusted=own and who != "dependabot[bot]",
        )  # fmt: skip

    def merge(self, number: int, who: str, how: str = "merge") -> Event:
        """Merge a pull request by `merge`, `squash` or `rebase`; return the push that it is."""
        item, pull = self.host.world.items[number], self.host.world.pull(number)
        before = self.head
        tree = self.origin.merged_tree(before, pull.head)
        if how == "rebase":
            brought = self._rebased(before, pull.head)
        else:
            parents = [before, pull.head] if how == "merge" else [before]
            brought = [self.origin.record(tree, parents, f"{item.title} (#{number})", who)]
        after = brought[-1]
        self.origin.update(f"refs/heads/{pull.base_ref}", after)
        self.origin.update(f"refs/pull/{number}/merge", "")
        landed = [*brought, *(pull.commits if how == "merge" else [])]
        self.host.world.merge(number, who, after, *landed)
        return self._pushed(before, after, who)

    def _rebased(self, onto: str, head: str) -> list[str]:
        """Make the commits of a branch anew on top of another."""
        listed = self.origin.git("rev-list", "--reverse", f"{onto}..{head}").split()
        made: list[str] = []
        for commit in listed:
            base = made[-1] if made else onto
            assert made or self.origin.git("merge-base", onto, head) == onto, "only onto its base"
            tree = self.origin.git("rev-parse", f"{commit}^{{tree}}")
            made.append(self.origin.record(tree, [base], "rebased", "noor"))
        return made

    def push_to_main(
        self, who: str, files: Mapping[str, str | None], message: str = "direct"
    ) -> Event:
        """Push to the default branch without a pull request."""
        before = self.head
        after = self.origin.commit(self.host.world.default_branch, files, message, who=who)
        self.host.world.commits.add(after)
        return self._pushed(before, after, who)

    def _pushed(self, before: str, after: str, who: str) -> Event:
        branch = self.host.world.default_branch
        commit = {"id": after, "message": self.origin.git("log", "-1", "--format=%B", after)}
        payload = {
            "ref": f"refs/heads/{branch}",
            "before": before or NONE,
            "after": after,
            "created": not before,
            "deleted": False,
            "forced": False,
            "compare": f"{self.host.web.url}/{self.host.world.repository}/compare",
            "commits": [commit],
            "head_commit": commit,
            "pusher": {"name": who},
        }
        return Event(
            "push", f"refs/heads/{branch}", after, who, payload | self._about(who), branch, after,
            files=self.origin.changed(before, after),
        )  # fmt: skip

    def schedule(self, cron: str = "23 * * * *") -> Event:
        """The clock starts what is on the default branch."""
        branch, who = self.host.world.default_branch, "ada"
        payload = {"schedule": cron} | self._about(who)
        return Event("schedule", f"refs/heads/{branch}", self.head, who, payload, branch, self.head)

    def dispatch(
        self, who: str, inputs: Mapping[str, Any] | None = None, branch: str = ""
    ) -> Event:
        """Somebody presses the button."""
        name = branch or self.host.world.default_branch
        commit = self.origin.resolve(name)
        given = dict(inputs or {})
        payload = {"inputs": given, "ref": f"refs/heads/{name}"} | self._about(who)
        return Event(
            "workflow_dispatch", f"refs/heads/{name}", commit, who, payload, name, commit,
            inputs=given,
        )  # fmt: skip

    def _about(self, who: str) -> dict[str, Any]:
        views, world = self.host.views, self.host.world
        pushed = time_of(self.host.now)
        return {
            "repository": (views.repository(world.repository) or {}) | {"pushed_at": pushed},
            "sender": views.account(world.account(who)),
        }
