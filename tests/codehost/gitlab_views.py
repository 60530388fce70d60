"""The JSON of GitLab's REST API for what a project holds, as docs.gitlab.com/api shows it."""

from datetime import datetime
from typing import Any

from codehost.gitlab_world import Item, Job, Member, Note, World


def time_of(instant: datetime | None) -> str | None:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if instant else None


class Views:
    """Renders with the addresses of one host."""

    def __init__(self, world: World, web: str) -> None:
        self._world = world
        self._web = f"{web}/{world.path}/-"

    def member(self, member: Member | None) -> dict[str, Any] | None:
        if member is None:
            return None
        return {
            "id": member.id,
            "username": member.username,
            "name": member.username.title(),
            "state": "active",
            "web_url": f"{self._web}/{member.username}",
        }

    def note(self, item: Item, note: Note) -> dict[str, Any]:
        return {
            "id": note.id,
            "type": None,
            "body": note.body,
            "author": self.member(note.author),
            "created_at": time_of(note.created),
            "updated_at": time_of(note.updated),
            "system": note.is_system,
            "noteable_type": "MergeRequest" if item.request else "Issue",
            "noteable_iid": item.iid,
            "project_id": self._world.id,
            "resolvable": False,
            "confidential": False,
            "internal": False,
        }

    def issue(self, item: Item) -> dict[str, Any]:
        return {
            "id": 90_000 + item.iid,
            "iid": item.iid,
            "project_id": self._world.id,
            "title": item.title,
            "description": item.description,
            "state": item.state,
            "created_at": time_of(item.created),
            "author": self.member(item.author),
            "labels": list(item.labels),
            "issue_type": "issue",
            "web_url": f"{self._web}/issues/{item.iid}",
        }

    def request(self, item: Item) -> dict[str, Any]:
        request = self._world.request(item.iid)
        return self.issue(item) | {
            "id": 80_000 + item.iid,
            "web_url": f"{self._web}/merge_requests/{item.iid}",
            "source_branch": request.source,
            "target_branch": request.target,
            "source_project_id": request.source_project,
            "target_project_id": self._world.id,
            "sha": request.head,
            "merge_commit_sha": request.merge_commit,
            "squash_commit_sha": request.squash_commit,
            "merge_user": self.member(request.merged_by),
            "merged_by": self.member(request.merged_by),
            "merged_at": time_of(request.merged_at),
            "draft": False,
            "diff_refs": {
                "base_sha": request.base,
                "head_sha": request.head,
                "start_sha": request.base,
            },
        }

    def pipeline(self, jobs: list[Job]) -> dict[str, Any]:
        """Render a pipeline as asked for by its number; all jobs are of it."""
        first, running = jobs[0], {"created", "pending", "running"}
        states = {job.status for job in jobs}
        status = "running" if states & running else "failed" if "failed" in states else "success"
        finished = max(job.finished or job.created for job in jobs)
        return {
            "id": first.pipeline,
            "iid": 1,
            "project_id": self._world.id,
            "status": status,
            "source": first.source,
            "ref": first.ref,
            "sha": first.commit,
            "before_sha": "0" * 40,
            "tag": first.is_tag,
            "created_at": time_of(min(job.created for job in jobs)),
            "started_at": time_of(min(job.created for job in jobs)),
            "updated_at": time_of(finished),
            "finished_at": None if status == "running" else time_of(finished),
            "web_url": f"{self._web}/pipelines/{first.pipeline}",
        }

    def job(self, job: Job) -> dict[str, Any]:
        size = len(job.archive) if job.archive is not None else 0
        kept = {"filename": "artifacts.zip", "size": size} if job.archive is not None else None
        return {
            "id": job.id,
            "name": job.name,
            "stage": "test",
            "status": job.status,
            "ref": job.ref,
            "tag": job.is_tag,
            "commit": {"id": job.commit},
            "pipeline": {
                "id": job.pipeline,
                "project_id": self._world.id,
                "ref": job.ref,
                "sha": job.commit,
                "status": job.status,
                "source": job.source,
            },
            "artifacts_file": kept,
            "created_at": time_of(job.created),
            "web_url": f"{self._web}/jobs/{job.id}",
        }
