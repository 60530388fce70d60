"""The JSON of GitHub's REST API for what a repository holds.

Fields a client could lean on are there, under the names and with the types of the published
description (github/rest-api-description, api.github.com, versions 2022-11-28 and 2026-03-10);
counters, avatars and most links are left out.
"""

from datetime import datetime
from typing import Any

from codehost.github_world import ACTIONS, Account, Artifact, Comment, Item, Review, Run, World


def time_of(instant: datetime | None) -> str | None:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else None


class Views:
    """Renders with the addresses of one host."""

    def __init__(self, world: World, api: str, web: str, version: str) -> None:
        self._world = world
        self._version = version
        self._api = f"{api}/repos/{world.repository}"
        self._web = f"{web}/{world.repository}"

    def account(self, account: Account | None) -> dict[str, Any] | None:
        if account is None:
            return None
        return {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "type": account.type,
            "user_view_type": "public",
            "site_admin": False,
        }

    def app(self, thing: Comment | Item) -> dict[str, Any] | None:
        """Return the app that wrote something; None for a person."""
        if not thing.by_app or thing.author is None:
            return None
        slug = thing.author.login.removesuffix("[bot]")
        number = 15368 if thing.author.login == ACTIONS else thing.author.id
        return {"id": number, "slug": slug, "name": slug.title()}

    def comment(self, comment: Comment) -> dict[str, Any]:
        kind = "pull" if self._world.items[comment.number].pull else "issues"
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{self._web}/{kind}/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{self._api}/issues/{comment.number}",
            "body": comment.body,
            "user": self.account(comment.author),
            "created_at": time_of(comment.created),
            "updated_at": time_of(comment.updated),
            "author_association": "NONE" if comment.by_app else "MEMBER",
            "performed_via_github_app": self.app(comment),
        }

    def label(self, name: str) -> dict[str, Any]:
        number = sum(name.lower().encode())
        return {
            "id": 9_000_000 + number,
            "node_id": f"LA_{number}",
            "url": f"{self._api}/labels/{name}",
            "name": name,
            "color": "ededed",
            "default": False,
            "description": None,
        }

    def issue(self, item: Item) -> dict[str, Any]:
        kind = "pull" if item.pull else "issues"
        found = {
            "id": 8_000_000 + item.number,
            "node_id": f"I_{item.number}",
            "number": item.number,
            "url": f"{self._api}/issues/{item.number}",
            "html_url": f"{self._web}/{kind}/{item.number}",
            "title": item.title,
            "body": item.body,
            "user": self.account(item.author),
            "state": item.state,
            "state_reason": item.state_reason,
            "locked": item.is_locked,
            "labels": [self.label(name) for name in item.labels],
            "comments": len(self._world.comments_on(item.number)),
            "created_at": time_of(item.created),
            "updated_at": time_of(item.updated),
            "performed_via_github_app": self.app(item),
        }
        if item.pull:
            found["pull_request"] = {
                "url": f"{self._api}/pulls/{item.number}",
                "html_url": found["html_url"],
                "merged_at": time_of(item.pull.merged_at),
            }
        return found

    def repository(self, name: str | None) -> dict[str, Any] | None:
        if name is None:
            return None
        own = name == self._world.repository
        return {
            "id": self._world.id if own else self.repository_id(name),
            "name": name.partition("/")[2],
            "full_name": name,
            "private": self._world.is_private,
            "fork": not own,
            "default_branch": self._world.default_branch,
            "owner": {"login": name.partition("/")[0]},
        }

    def repository_id(self, name: str) -> int:
        """Return the id of this repository or of a fork."""
        return self._world.id + (0 if name == self._world.repository else sum(name.encode()))

    def pull(self, item: Item) -> dict[str, Any]:
        """Render a pull request as lists do: without who merged it."""
        pull = item.pull
        assert pull is not None
        base = {"ref": pull.base_ref, "sha": pull.base}
        head = {"ref": pull.head_ref, "sha": pull.head}
        owner = self._world.repository.partition("/")[0]
        whose = (pull.head_repository or "").partition("/")[0]
        # Version 2026-03-10 no longer says which commit a merge made.
        is_old = self._version != "2026-03-10"
        merge = {"merge_commit_sha": pull.merge_commit} if is_old else {}
        return merge | {
            "id": 6_000_000 + item.number,
            "number": item.number,
            "url": f"{self._api}/pulls/{item.number}",
            "html_url": f"{self._web}/pull/{item.number}",
            "state": item.state,
            "locked": item.is_locked,
            "draft": False,
            "title": item.title,
            "body": item.body,
            "user": self.account(item.author),
            "labels": [self.label(name) for name in item.labels],
            "created_at": time_of(item.created),
            "updated_at": time_of(item.updated),
            "merged_at": time_of(pull.merged_at),
            "head": head
            | {"label": f"{whose}:{pull.head_ref}", "repo": self.repository(pull.head_repository)},
            "base": base
            | {
                "label": f"{owner}:{pull.base_ref}",
                "repo": self.repository(self._world.repository),
            },
            "author_association": "MEMBER",
        }

    def whole_pull(self, item: Item) -> dict[str, Any]:
        """Render a pull request as asked for by its number."""
        pull = item.pull
        assert pull is not None
        return self.pull(item) | {
            "merged": pull.merged_at is not None,
            "merged_by": self.account(pull.merged_by),
            "mergeable": None if pull.merged_at else True,
            "comments": len(self._world.comments_on(item.number)),
            "commits": len(pull.commits),
            "changed_files": len(pull.files),
        }

    def review(self, number: int, review: Review) -> dict[str, Any]:
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.account(review.author),
            "body": "",
            "state": review.state,
            "html_url": f"{self._web}/pull/{number}#pullrequestreview-{review.id}",
            "submitted_at": time_of(review.submitted),
            "commit_id": review.commit,
            "author_association": "MEMBER",
        }

    def run(self, run: Run) -> dict[str, Any]:
        return {
            "id": run.id,
            "name": run.path.rpartition("/")[2].partition(".")[0],
            "head_branch": run.branch,
            "head_sha": run.commit,
            "path": run.path,
            "run_number": 1,
            "run_attempt": run.attempt,
            "event": run.event,
            "status": run.status,
            # Null until it is over.
            "conclusion": run.conclusion if run.status == "completed" else None,
            "workflow_id": 161335,
            "url": f"{self._api}/actions/runs/{run.id}",
            "html_url": f"{self._web}/actions/runs/{run.id}",
            "artifacts_url": f"{self._api}/actions/runs/{run.id}/artifacts",
            "created_at": time_of(run.created),
            "updated_at": time_of(run.updated or run.created),
            "run_started_at": time_of(run.restarted or run.created),
            "repository": self.repository(self._world.repository),
            "head_repository": self.repository(run.repository),
        }

    def artifact(self, artifact: Artifact) -> dict[str, Any]:
        url = f"{self._api}/actions/artifacts/{artifact.id}"
        return {
            "id": artifact.id,
            "node_id": f"A_{artifact.id}",
            "name": artifact.name,
            "size_in_bytes": len(artifact.content),
            "url": url,
            "archive_download_url": f"{url}/zip",
            "expired": artifact.is_expired,
            "digest": artifact.digest,
            "created_at": time_of(artifact.created),
            "updated_at": time_of(artifact.created),
            "expires_at": time_of(artifact.created),
            "workflow_run": {
                "id": artifact.run.id,
                "repository_id": self._world.id,
                "head_repository_id": self.repository_id(artifact.run.repository),
                "head_branch": artifact.run.branch,
                "head_sha": artifact.run.commit,
            },
        }
