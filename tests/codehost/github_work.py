"""Pull requests, workflow runs and what they kept, as on GitHub."""

from codehost.exchange import Asked, Reply
from codehost.github_base import INTEGRATION, Door, refusal
from codehost.github_world import Artifact, Item
from codehost.server import route


class Work(Door):
    """What is proposed, and what ran."""

    # Pull requests

    @route("GET", "/repos/{owner}/{name}/pulls/{number}")
    def get_pull(self, _asked: Asked, number: str, **_: str) -> Reply:
        self.need("read", "pull-requests")
        return Reply(200, self.views.whole_pull(self._pull(number)))

    def _pull(self, number: str) -> Item:
        item = self.item(number)
        if item.pull is None:
            raise refusal(404, "Not Found")
        return item

    @route("GET", "/repos/{owner}/{name}/pulls/{number}/reviews")
    def list_reviews(self, asked: Asked, number: str, **_: str) -> Reply:
        """List in chronological order."""
        self.need("read", "pull-requests")
        item = self._pull(number)
        reviews = item.pull.reviews if item.pull else []
        return self.page(asked, reviews, lambda each: self.views.review(item.number, each))

    @route("GET", "/repos/{owner}/{name}/pulls/{number}/files")
    def list_files(self, asked: Asked, number: str, **_: str) -> Reply:
        self.need("read", "pull-requests")
        files = self.world.pull(self._pull(number).number).files
        return self.page(asked, files, lambda name: {"filename": name, "status": "modified"})

    @route("GET", "/repos/{owner}/{name}/pulls/{number}/commits")
    def list_commits(self, asked: Asked, number: str, **_: str) -> Reply:
        self.need("read", "pull-requests")
        commits = self.world.pull(self._pull(number).number).commits
        return self.page(asked, commits, lambda commit: {"sha": commit})

    @route("GET", "/repos/{owner}/{name}/commits/{commit}/pulls")
    def pulls_of(self, asked: Asked, commit: str, **_: str) -> Reply:
        """List what merged the commit into the base branch; for others, what still proposes it."""
        self.need("read", "pull-requests")
        pulls = [item for item in self.world.items.values() if item.pull]
        landed = [item for item in pulls if item.pull and commit in item.pull.landed]
        proposed = [item for item in pulls if item.pull and commit in item.pull.commits]
        if not landed and not proposed and commit not in self.world.commits:
            raise refusal(422, f"No commit found for SHA: {commit}")
        open_ones = [item for item in proposed if item.state == "open"]
        return self.page(asked, landed or open_ones, self.views.pull)

    # Runs and what they kept

    @route("GET", "/repos/{owner}/{name}/actions/runs")
    def list_runs(self, asked: Asked, **_: str) -> Reply:
        self.need("read", "actions")
        wanted = {"branch": "branch", "event": "event", "head_sha": "commit"}
        state = asked.query.get("status")
        runs = [
            run
            for run in reversed(self.world.runs.values())
            if all(asked.query.get(key, getattr(run, at)) == getattr(run, at)
                   for key, at in wanted.items())
            and state in {None, run.status, run.conclusion}
        ]  # fmt: skip
        return self.page(asked, runs, self.views.run, "workflow_runs")

    @route("GET", "/repos/{owner}/{name}/actions/runs/{run_id}")
    def get_run(self, _asked: Asked, run_id: str, **_: str) -> Reply:
        self.need("read", "actions")
        run = self.world.runs.get(int(run_id)) if run_id.isdigit() else None
        if run is None:
            raise refusal(404, "Not Found")
        return Reply(200, self.views.run(run))

    @route("GET", "/repos/{owner}/{name}/actions/runs/{run_id}/attempts/{attempt}")
    def get_attempt(self, _asked: Asked, run_id: str, attempt: str, **_: str) -> Reply:
        self.need("read", "actions")
        run = self.world.runs.get(int(run_id)) if run_id.isdigit() else None
        if run is not None and attempt != str(run.attempt):
            run = run.earlier.get(int(attempt)) if attempt.isdigit() else None
        if run is None:
            raise refusal(404, "Not Found")
        return Reply(200, self.views.run(run))

    @route("GET", "/repos/{owner}/{name}/actions/runs/{run_id}/artifacts")
    def artifacts_of(self, asked: Asked, run_id: str, **_: str) -> Reply:
        self.get_run(asked, run_id)
        return self._artifacts(asked, run_id)

    @route("GET", "/repos/{owner}/{name}/actions/artifacts")
    def list_artifacts(self, asked: Asked, **_: str) -> Reply:
        self.need("read", "actions")
        return self._artifacts(asked, "")

    def _artifacts(self, asked: Asked, run_id: str) -> Reply:
        name = asked.query.get("name")
        found = [
            each
            for each in reversed(self.world.artifacts)
            if name in {None, each.name} and run_id in {"", str(each.run.id)}
        ]
        return self.page(asked, found, self.views.artifact, "artifacts")

    def _artifact(self, artifact_id: str) -> Artifact:
        self.need("read", "actions")
        for each in self.world.artifacts:
            if str(each.id) == artifact_id:
                return each
        raise refusal(404, "Not Found")

    @route("GET", "/repos/{owner}/{name}/actions/artifacts/{artifact_id}")
    def get_artifact(self, _asked: Asked, artifact_id: str, **_: str) -> Reply:
        return Reply(200, self.views.artifact(self._artifact(artifact_id)))

    @route("GET", "/repos/{owner}/{name}/actions/artifacts/{artifact_id}/zip")
    def download(self, _asked: Asked, artifact_id: str, **_: str) -> Reply:
        """Send elsewhere, even in a public repository only with a token."""
        if self._token is None:
            raise refusal(401, "Requires authentication")
        artifact = self._artifact(artifact_id)
        if artifact.is_expired:
            raise refusal(410, "Artifact has expired")
        return Reply(302, b"", {"Location": self.shelf.sign(artifact)})

    # Branches

    @route("GET", "/repos/{owner}/{name}/branches/{branch}")
    def get_branch(self, _asked: Asked, branch: str, **_: str) -> Reply:
        self.need("read", "contents")
        commits = self.world.branches.get(branch)
        if not commits:
            raise refusal(404, "Branch not found")
        return Reply(200, {"name": branch, "commit": {"sha": commits[-1]}, "protected": True})

    @route("GET", "/repos/{owner}/{name}/compare/{basehead}")
    def compare(self, _asked: Asked, basehead: str, **_: str) -> Reply:
        """Say how the second stands to the first, of which both are commits here."""
        self.need("read", "contents")
        base, _dots, head = basehead.partition("...")
        past = {base: self._past(base), head: self._past(head)}
        if not past[base] or not past[head]:
            raise refusal(404, "Not Found")
        status = "ahead" if base in past[head] else "diverged"
        status = "behind" if head in past[base] else status
        return Reply(200, {"status": "identical" if base == head else status, "commits": []})

    def _past(self, commit: str) -> list[str]:
        for commits in self.world.branches.values():
            if commit in commits:
                return commits[: commits.index(commit) + 1]
        return [commit] if commit in self.world.commits else []

    # The rest

    @route("GET", "/repos/{owner}/{name}")
    def get_repository(self, _asked: Asked, **_: str) -> Reply:
        return Reply(200, self.views.repository(self.world.repository))

    @route("GET", "/user")
    def get_user(self, _asked: Asked) -> Reply:
        if self._token is None:
            raise refusal(401, "Requires authentication")
        if self._token.is_app:
            raise refusal(403, INTEGRATION)
        return Reply(200, self.views.account(self._token.account))
