"""Merge requests, jobs and what they kept, as on GitLab."""

import secrets

from codehost.exchange import Asked, Refused, Reply
from codehost.gitlab_base import Door, refusal
from codehost.gitlab_views import time_of
from codehost.gitlab_world import Item, Job
from codehost.server import Host, route


class Shelf(Host):
    """The object storage behind GitLab: whoever has a signed address is given the archive."""

    def __init__(self) -> None:
        super().__init__()
        self._signed: dict[str, bytes] = {}

    def sign(self, content: bytes) -> str:
        name = secrets.token_hex(16)
        self._signed[name] = content
        return f"{self.url}/artifacts/{name}?X-Amz-Signature={secrets.token_hex(16)}"

    @route("GET", "/artifacts/{name}")
    def archive(self, asked: Asked, name: str) -> Reply:
        if {"authorization", "private-token"} & set(asked.headers):
            raise Refused(400, b"<Error><Code>InvalidArgument</Code></Error>")
        if name not in self._signed or "X-Amz-Signature" not in asked.query:
            raise Refused(403, b"<Error><Code>AccessDenied</Code></Error>")
        return Reply(200, self._signed[name], {"Content-Type": "application/zip"})


class Work(Door):
    """What is proposed, and what ran."""

    def __init__(self, path: str = "acme/access") -> None:
        super().__init__(path)
        self.shelf = Shelf()
        self.sends_elsewhere = False
        """Archives come from object storage, by a redirect, as on gitlab.com."""
        self.says_when = True
        """Approvals have their time, which older servers do not say."""

    @route("GET", "/projects/{project}/merge_requests/{iid}")
    def get_request(self, _asked: Asked, iid: str, **_: str) -> Reply:
        return Reply(200, self.views.request(self._request(iid)))

    def _request(self, iid: str) -> Item:
        item = self.world.requests.get(int(iid)) if iid.isdigit() else None
        if item is None:
            raise refusal(404, "404 Not found")
        return item

    @route("GET", "/projects/{project}/merge_requests/{iid}/approvals")
    def get_approvals(self, _asked: Asked, iid: str, **_: str) -> Reply:
        item = self._request(iid)
        approved = self.world.request(item.iid).approved
        found = [
            {
                "user": self.views.member(self.world.member(name)),
                **({"approved_at": time_of(since)} if self.says_when else {}),
            }
            for name, since in approved.items()
        ]
        return Reply(200, {
            "iid": item.iid,
            "state": item.state,
            "approved": True,
            "approvals_required": 0,
            "approvals_left": 0,
            "approved_by": found,
        })  # fmt: skip

    @route("GET", "/projects/{project}/merge_requests/{iid}/diffs")
    def get_diffs(self, asked: Asked, iid: str, **_: str) -> Reply:
        files = self.world.request(self._request(iid).iid).files
        return self.page(asked, files, lambda name: {"old_path": name, "new_path": name})

    @route("GET", "/projects/{project}/merge_requests/{iid}/commits")
    def get_commits(self, asked: Asked, iid: str, **_: str) -> Reply:
        """List the newest first."""
        commits = self.world.request(self._request(iid).iid).commits
        return self.page(asked, commits[::-1], lambda commit: {"id": commit})

    @route("GET", "/projects/{project}/repository/commits/{commit}/merge_requests")
    def requests_of(self, asked: Asked, commit: str, **_: str) -> Reply:
        """List what a commit belongs to: merged or not, whatever the target."""
        found = [
            item
            for item in self.world.requests.values()
            if item.request and commit in {*item.request.commits, *item.request.landed}
        ]
        if not found and commit not in self.world.commits:
            raise refusal(404, "404 Commit Not Found")
        return self.page(asked, found, self.views.request)

    # Jobs

    @route("GET", "/projects/{project}/jobs")
    def list_jobs(self, asked: Asked, **_: str) -> Reply:
        """List the newest first."""
        wanted = asked.query.get("scope[]") or asked.query.get("scope")
        jobs = [j for j in reversed(self.world.jobs.values()) if wanted in {None, j.status}]
        return self.page(asked, jobs, self.views.job, has_keyset=True)

    @route("GET", "/projects/{project}/pipelines")
    def list_pipelines(self, asked: Asked, **_: str) -> Reply:
        query = asked.query
        newest = {job.pipeline: job for job in self.world.jobs.values()}
        found = [
            self.views.job(job)["pipeline"]
            for job in reversed(newest.values())
            if query.get("ref", job.ref) == job.ref
            and query.get("status", job.status) == job.status
            and query.get("source", job.source) == job.source
        ]
        return self.page(asked, found, lambda pipeline: pipeline)

    @route("GET", "/projects/{project}/pipelines/{pipeline}")
    def get_pipeline(self, _asked: Asked, pipeline: str, **_: str) -> Reply:
        return Reply(200, self.views.pipeline(self._jobs(pipeline)))

    @route("GET", "/projects/{project}/pipelines/{pipeline}/jobs")
    def jobs_of(self, asked: Asked, pipeline: str, **_: str) -> Reply:
        return self.page(asked, self._jobs(pipeline), self.views.job)

    def _jobs(self, pipeline: str) -> list[Job]:
        jobs = [job for job in self.world.jobs.values() if str(job.pipeline) == pipeline]
        if not jobs:
            raise refusal(404, "404 Not found")
        return jobs

    @route("GET", "/projects/{project}/repository/commits/{commit}")
    def get_commit(self, _asked: Asked, commit: str, **_: str) -> Reply:
        parents = self.world.parents.get(commit)
        if parents is None and commit not in self.world.commits:
            raise refusal(404, "404 Commit Not Found")
        return Reply(200, {"id": commit, "short_id": commit[:8], "parent_ids": parents or []})

    def _job(self, job_id: str) -> Job:
        job = self.world.jobs.get(int(job_id)) if job_id.isdigit() else None
        if job is None:
            raise refusal(404, "404 Not found")
        return job

    @route("GET", "/projects/{project}/jobs/{job_id}")
    def get_job(self, _asked: Asked, job_id: str, **_: str) -> Reply:
        return Reply(200, self.views.job(self._job(job_id)))

    @route("GET", "/projects/{project}/jobs/{job_id}/artifacts")
    def download(self, _asked: Asked, job_id: str, **_: str) -> Reply:
        return self._archive(self._job(job_id))

    @route("GET", "/projects/{project}/jobs/artifacts/{ref}/download")
    def download_newest(self, asked: Asked, ref: str, **_: str) -> Reply:
        """Give what the newest job of that name kept that ended well on a branch."""
        for job in reversed(self.world.jobs.values()):
            named = (job.name, job.ref) == (asked.query.get("job"), ref)
            if named and job.status == "success" and job.archive is not None:
                return self._archive(job)
        raise refusal(404, "404 Not Found")

    def _archive(self, job: Job) -> Reply:
        if job.archive is None:
            raise refusal(404, "404 Not Found")
        if self.sends_elsewhere:
            return Reply(302, b"", {"Location": self.shelf.sign(job.archive)})
        return Reply(200, job.archive, {"Content-Type": "application/zip"})
