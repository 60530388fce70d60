"""`reconciler ci publish`, whole: a folder, a runner's variables, a host, a chat."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from codehost import exchange

from reconciler.ci.result import RESULT, Result, write_folder
from reconciler.cli.main import run
from reconciler.settings import Runtime

Make = Callable[..., Result]
Publish = Callable[..., tuple[int, str, str]]

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def command(folder: Path, capsys: pytest.CaptureFixture[str]) -> Publish:
    def called(environ: dict[str, str]) -> tuple[int, str, str]:
        capsys.readouterr()
        runtime = Runtime(environ, lambda: NOW, lambda _: None, lambda: 0.0)
        code = run(["ci", "publish", str(folder)], runtime)
        out, err = capsys.readouterr()
        return code, out, err

    return called


@pytest.fixture
def on_github(hub_bench: Any, tmp_path: Path) -> dict[str, str]:
    """What a runner says in a job of the pull request."""
    event = tmp_path / "event.json"
    request = {
        "number": int(hub_bench.number),
        "head": {"sha": "a" * 40, "repo": {"full_name": "acme/access"}},
        "base": {"sha": "b" * 40},
        "user": {"login": "ada"},
    }
    event.write_text(json.dumps({"pull_request": request}), "utf-8")
    return {
        **hub_bench.environ,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": "c" * 40,
        "GITHUB_RUN_ID": "100",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_ACTOR": "ada",
    }


@pytest.fixture
def chat() -> Iterator[Any]:
    """A chat's webhook that keeps what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append(json.loads(content)["text"])  # type: ignore[attr-defined]
            self.send_response(server.status)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.status = [], 200  # type: ignore[attr-defined]
    server.url = f"http://127.0.0.1:{server.server_port}/hooks/secret"  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_plan_becomes_a_comment_and_labels(
    folder: Path, make_result: Make, command: Publish, hub_bench: Any, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(), "### Plan\n", plan="{}")

    code, out, err = command(on_github)

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "plan: grants (exit code 0)",
        "A comment was added.",
        "Labels: access: grants.",
    ]
    assert hub_bench.comments[0].body.endswith("-->\n### Plan\n")
    assert hub_bench.labels == ["access: grants"]


def test_the_outcome_of_an_apply_stands_on_the_merged_pull_request(
    folder: Path, make_result: Make, command: Publish, hub_bench: Any, on_github: dict[str, str]
) -> None:
    result = make_result(
        command="apply", exit_code=4, verdict=("failed",), title="Apply: 1 failed."
    )
    write_folder(folder, result, "### Apply: 1 failed, of 1.\n")

    code, out, _ = command(
        on_github | {"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}
    )

    assert (code, out.splitlines()[0]) == (0, "apply: failed (exit code 4)")
    assert hub_bench.comments[0].body.endswith("### Apply: 1 failed, of 1.\n")
    assert hub_bench.labels == []


def test_a_forks_read_only_token_is_a_warning_and_hides_no_bad_plan(
    folder: Path, make_result: Make, command: Publish, hub_bench: Any, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(exit_code=3, verdict=("refused",)), "### Plan\n")

    code, out, err = command(on_github | hub_bench.fork)

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "plan: refused (exit code 3)"
    assert lines[1].startswith("::warning title=not published::")
    assert "pull-requests: write" in lines[1]
    assert hub_bench.comments == []


def test_what_a_host_says_in_its_refusal_is_no_command_to_the_runner(
    folder: Path, make_result: Make, command: Publish, hub_bench: Any, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(), "### Plan\n")
    evil = {"message": "no\n::add-mask::x\r::stop-commands::y ##[error]z"}
    hub_bench.host.fail(exchange.answer(403, evil), method="POST", times=9)

    code, out, _ = command(on_github)

    assert code == 0
    assert "::warning" in out
    for line in out.splitlines():
        assert not line.lstrip().startswith("::") or line.startswith("::warning title=not publ")
    assert "##[" not in out


def test_a_host_that_is_down_is_a_warning(
    folder: Path, make_result: Make, command: Publish, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(), "### Plan\n")

    code, out, _ = command(on_github | {"GITHUB_API_URL": "http://127.0.0.1:1"})

    assert code == 0
    assert out.count("::warning") >= 1


def test_a_job_without_a_token_is_a_warning(
    folder: Path, make_result: Make, command: Publish, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(), "### Plan\n")

    code, out, _ = command({k: v for k, v in on_github.items() if k != "GITHUB_TOKEN"})

    assert code == 0
    assert "GITHUB_TOKEN is not set" in out


def test_a_folder_of_another_pull_request_is_refused(
    folder: Path, make_result: Make, command: Publish, hub_bench: Any, on_github: dict[str, str]
) -> None:
    write_folder(folder, make_result(number="77"), "### Plan\n")

    code, _, err = command(on_github)

    assert code == 3
    assert "the pull request 77" in err
    assert hub_bench.host.log == []


def test_a_folder_that_cannot_be_read_is_an_error(
    folder: Path, make_result: Make, command: Publish, on_github: dict[str, str]
) -> None:
    assert command(on_github)[0] == 1

    write_folder(folder, make_result(), "x")
    (folder / RESULT).write_text('{"version": 1}', "utf-8")
    code, out, err = command(on_github)

    assert (code, out) == (1, "")
    assert "cannot be read as the result of a CI run" in err
    assert "fix: " in err


def test_drift_becomes_an_issue_and_a_chat_is_told_once(
    folder: Path,
    make_drift: Make,
    command: Publish,
    hub_bench: Any,
    on_github: dict[str, str],
    chat: Any,
) -> None:
    environ = on_github | {"GITHUB_EVENT_NAME": "schedule", "RECONCILER_CHAT_URL": chat.url}
    write_folder(folder, make_drift(), "### Drift\n")

    code, out, _ = command(environ)
    command(environ)

    assert code == 0
    assert out.splitlines()[-1] == "The chat was told."
    assert len(hub_bench.issues) == 1
    assert len(chat.heard) == 1
    assert chat.heard[0].startswith("*New drift* (acme.sentinelone.net): Drift: 2 missing")
    assert f"/issues/{hub_bench.issues[0].number}|Issue>" in chat.heard[0]


def test_a_chat_that_takes_nothing_is_a_warning_without_its_address(
    folder: Path, make_drift: Make, command: Publish, on_github: dict[str, str], chat: Any
) -> None:
    chat.status = 404
    environ = on_github | {"GITHUB_EVENT_NAME": "schedule", "RECONCILER_CHAT_URL": chat.url}
    write_folder(folder, make_drift(), "### Drift\n")

    code, out, err = command(environ)

    assert code == 0
    assert "the chat answered 404" in out
    assert "secret" not in out + err


def test_a_chat_at_a_host_that_is_not_allowed_is_a_warning(
    folder: Path, make_drift: Make, command: Publish, on_github: dict[str, str]
) -> None:
    url = "https://evil.example/secret"
    environ = on_github | {"GITHUB_EVENT_NAME": "schedule", "RECONCILER_CHAT_URL": url}
    write_folder(folder, make_drift(), "### Drift\n")

    code, out, err = command(environ)

    assert code == 0
    assert "RECONCILER_ALLOWED_CHAT_HOSTS" in out
    assert "secret" not in out + err


def test_a_gitlab_job_publishes_to_its_merge_request(
    folder: Path,
    make_result: Make,
    command: Publish,
    lab_bench: Any,
) -> None:
    write_folder(folder, make_result(), "### Plan\n")
    code, out, err = command(
        lab_bench.environ
        | {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_COMMIT_SHA": "c" * 40,
            "CI_JOB_ID": "101",
            "CI_MERGE_REQUEST_IID": lab_bench.number,
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": "b" * 40,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "a" * 40,
        }
    )

    assert (code, err) == (0, "")
    assert "A comment was added." in out
    assert len(lab_bench.comments) == 1


def test_at_a_desk_it_says_what_the_run_came_to_and_warns_in_words(
    folder: Path, make_drift: Make, command: Publish
) -> None:
    write_folder(folder, make_drift(), "### Drift\n")

    code, out, _ = command({"RECONCILER_CHAT_URL": "https://evil.example/secret"})

    assert code == 0
    assert out.splitlines()[:2] == [
        "drift: grants (exit code 2)",
        "No code host is known here; no issue was written.",
    ]
    assert "warning: RECONCILER_CHAT_URL" in out
