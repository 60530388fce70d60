"""A pull request on each code host, as seen by whoever looks at the host and by our job."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from codehost import github, github_world, gitlab
from codehost.exchange import Asked

from reconciler.ci.publish import Published, publish
from reconciler.ci.result import Folder, Result
from reconciler.forge.base import Forge
from reconciler.forge.choice import open_forge

HEAD, BASE = "a" * 40, "b" * 40


@dataclass
class Clock:
    """Time that passes only by sleeping."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Bench:
    """What the tests want to know of either host, and do to it."""

    host: Any
    environ: dict[str, str]
    fork: dict[str, str]
    """The environment of a job whose token only reads."""
    number: str
    clock: Clock = field(default_factory=Clock)

    @contextmanager
    def forge(self, environ: dict[str, str] | None = None) -> Iterator[Forge]:
        opened = open_forge(environ or self.environ, self.clock.monotonic, self.clock.sleep)
        with opened as forge:
            assert forge is not None
            yield forge

    def publish(
        self, result: Result, text: str, environ: dict[str, str] | None = None
    ) -> Published:
        self.ran(result)
        with self.forge(environ) as forge:
            return publish(Folder(result, text), forge)

    def ran(self, result: Result) -> None:
        """Let the host know the run that a result is of."""
        raise NotImplementedError

    def writes(self) -> list[Asked]:
        return [asked for asked in self.host.log if asked.method != "GET"]


class HubBench(Bench):
    def ran(self, result: Result) -> None:
        event = {"plan": "pull_request", "apply": "push", "drift": "schedule"}[result.command]
        branch = "more" if event == "pull_request" else "main"
        head = result.head if event == "pull_request" else BASE
        self.host.world.run(event, branch, head, run_id=int(result.run))

    def close_request(self) -> None:
        self.host.world.items[int(self.number)].state = "closed"

    def merge(self, commit: str) -> None:
        self.host.world.merge(int(self.number), "bea", commit)

    def rerun(self, run: str, **fields: Any) -> None:
        """Change what the host knows of a run, in the words of `Run` of the world."""
        found = self.host.world.runs[int(run)]
        for name, value in fields.items():
            setattr(found, name, value)

    @property
    def comments(self) -> Any:
        return self.host.world.comments_on(int(self.number))

    @property
    def labels(self) -> Any:
        return self.host.world.items[int(self.number)].labels

    def say(self, body: str) -> None:
        self.host.world.comment(int(self.number), "eve", body)

    def say_as_ours(self, body: str) -> None:
        ours = self.host.world.accounts[github_world.ACTIONS]
        self.host.world.add_comment(int(self.number), ours, body, by_app=True)

    def open_issue(self, title: str, body: str, label: str) -> None:
        self.host.world.open_issue("eve", title, body, (label,))

    def open_issue_as_ours(self, title: str, body: str, label: str) -> None:
        item = self.host.world.open_issue("eve", title, body, (label,))
        item.author = self.host.world.accounts[github_world.ACTIONS]

    def close_issue(self, number: int) -> None:
        self.host.world.items[number].state = "closed"

    @property
    def issues(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                number=item.number, title=item.title, body=item.body, labels=item.labels,
                is_open=item.state == "open",
                notes=[note.body for note in self.host.world.comments_on(item.number)],
            )
            for item in self.host.world.items.values() if item.pull is None
        ]  # fmt: skip


class LabBench(Bench):
    def ran(self, result: Result) -> None:
        source = {"plan": "merge_request_event", "apply": "push", "drift": "schedule"}
        is_plan = result.command == "plan"
        ref = f"refs/merge-requests/{self.number}/head" if is_plan else "main"
        self.host.world.job(
            result.command, ref, result.head if is_plan else BASE,
            source=source[result.command], job_id=int(result.run),
        )  # fmt: skip

    def close_request(self) -> None:
        self.host.world.requests[int(self.number)].state = "closed"

    def merge(self, commit: str) -> None:
        self.host.world.merge(int(self.number), "bea", merge=commit)

    def rerun(self, run: str, **fields: Any) -> None:
        found = self.host.world.jobs[int(run)]
        names = {"event": "source", "updated": "finished"}
        words = {"pull_request": "merge_request_event", "in_progress": "running"}
        for name, value in fields.items():
            setattr(found, names.get(name, name), words.get(value, value))

    @property
    def comments(self) -> Any:
        return self.host.world.requests[int(self.number)].notes

    @property
    def labels(self) -> Any:
        return self.host.world.requests[int(self.number)].labels

    def say(self, body: str) -> None:
        self.host.world.note(self.host.world.requests[int(self.number)], "eve", body)

    @property
    def _ours(self) -> str:
        token = self.environ["RECONCILER_GITLAB_TOKEN"]
        return str(self.host.world.tokens[token].member.username)

    def say_as_ours(self, body: str) -> None:
        self.host.world.note(self.host.world.requests[int(self.number)], self._ours, body)

    def open_issue(self, title: str, body: str, label: str) -> None:
        self.host.world.open_issue("eve", title, body, (label,))

    def open_issue_as_ours(self, title: str, body: str, label: str) -> None:
        self.host.world.open_issue(self._ours, title, body, (label,))

    def close_issue(self, number: int) -> None:
        self.host.world.issues[number].state = "closed"

    @property
    def issues(self) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                number=item.iid, title=item.title, body=item.description, labels=item.labels,
                is_open=item.state == "opened", notes=[note.body for note in item.notes],
            )
            for item in self.host.world.issues.values()
        ]  # fmt: skip


@contextmanager
def _hub() -> Iterator[Bench]:
    with github.running() as host:
        pull = host.world.open_pull("ada", "More for Bo", HEAD, "more", BASE)
        fixed = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": host.api,
            "GITHUB_REPOSITORY": host.world.repository,
        }
        host.world.branches["main"] = [BASE]
        may = {"pull-requests": "write", "issues": "write", "actions": "read", "contents": "read"}
        reads = {"pull-requests": "read", "issues": "read"}
        yield HubBench(
            host,
            fixed | {"GITHUB_TOKEN": host.world.actions_token(may)},
            fixed | {"GITHUB_TOKEN": host.world.actions_token(reads)},
            str(pull.number),
        )


@contextmanager
def _lab() -> Iterator[Bench]:
    with gitlab.running() as host:
        request = host.world.open_request("ada", "More for Bo", HEAD, "more", BASE)
        fixed = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": host.api,
            "CI_PROJECT_ID": str(host.world.id),
            "CI_PROJECT_URL": "https://gitlab.example/acme/access",
        }
        yield LabBench(
            host,
            fixed | {"RECONCILER_GITLAB_TOKEN": host.world.project_token()},
            fixed | {"RECONCILER_GITLAB_TOKEN": host.world.project_token("read_api")},
            str(request.iid),
        )


@pytest.fixture(params=[_hub, _lab], ids=["github", "gitlab"])
def bench(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A pull request on a host, GitHub and then GitLab."""
    with request.param() as found:
        yield found


@pytest.fixture
def hub_bench() -> Iterator[Any]:
    """The same where one host shows what is the same on both."""
    with _hub() as found:
        yield found


@pytest.fixture
def lab_bench() -> Iterator[Any]:
    """The same on GitLab alone."""
    with _lab() as found:
        yield found


Make = Callable[..., Result]


@pytest.fixture(scope="session")
def make_result() -> Make:
    """Make a result of a plan on the pull request; keywords change fields."""

    def made(**fields: Any) -> Result:
        usual = Result(
            command="plan",
            exit_code=0,
            key="0123456789ab",
            verdict=("grants",),
            title="Plan: 2 to grant, 0 to revoke, 0 to invite, 0 to delete, 0 unlisted.",
            commit="c" * 40,
            run="100",
            run_url="https://ci.example/acme/access/actions/runs/100",
            number="1",
            head=HEAD,
            content_digest="sha256:" + "d" * 64,
            console="https://acme.sentinelone.net",
        )
        return replace(usual, **fields)

    return made


@pytest.fixture
def make_drift(make_result: Make) -> Make:
    """Make a result of a drift run."""

    def made(**fields: Any) -> Result:
        usual = {
            "command": "drift",
            "exit_code": 2,
            "title": "Drift: 2 missing, 0 not in the policies, 0 unlisted.",
            "number": "",
            "head": "",
        }
        return make_result(**{**usual, **fields})

    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place for a folder."""
    return tmp_path / "plan"
