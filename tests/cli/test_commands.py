"""What the command line offers, how it refuses what it does not know, and what it costs."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.cli.main import COMMANDS, run
from reconciler.resources import resource
from reconciler.settings import Runtime

POLICIES = str(resource("policies"))
PLANNED = {
    *("validate", "fmt", "plan", "apply", "drift", "show", "explain", "who-can", "import"),
    *("snapshot", "schema", "request", "prune", "pin", "doctor", "init", "audit", "ci", "demo"),
    *("simulator", "review", "report", "service", "service-user"),
}
"""Every command the contract knows; and `service-user`, since policies never create any."""
OURS = [name for name in COMMANDS if name != "simulator"]
"""Those that run in this process; the simulator replaces it."""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the product in this process, without console and token."""

    def execute(*arguments: str, **environ: str) -> tuple[int, str, str]:
        now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        runtime = Runtime(environ, lambda: now, lambda _seconds: None, lambda: 0.0)
        code = run(arguments, runtime)
        return code, *capsys.readouterr()

    return execute


def test_help_lists_exactly_the_commands_that_are_built(told: Any) -> None:
    code, out, _ = told("--help")
    section = out.split("Commands:\n")[1].split("\n\n")[0]
    listed = re.findall(r"^  (\S+) ", section, re.MULTILINE)
    assert code == 0
    assert listed == list(COMMANDS)
    assert set(listed) <= PLANNED


@pytest.mark.parametrize("command", OURS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(told: Any, command: str, option: str) -> None:
    code, out, err = told(command, option)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: reconciler {command}")
    assert len(out.split("\n\n")[1].split()) > 5


def test_the_simulator_explains_itself(start: Any) -> None:
    with start("simulator", "--help") as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, b"")
    assert b"--port" in out
    assert b"--world" in out


@pytest.mark.parametrize(
    "arguments",
    [("--port", "99999"), ("--port", "many"), ("--no-such",), ("--world", "nowhere"), ("extra",)],
)
def test_wrong_usage_of_the_simulator_exits_with_one_too(
    start: Any, arguments: tuple[str, ...]
) -> None:
    with start("simulator", *arguments) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, b"")
    assert err
    assert b"Traceback" not in err


def test_help_tells_the_exit_codes_and_the_variables(told: Any) -> None:
    _, out, _ = told("--help")
    for word in ("130, 143", "SENTINELONE_URL", "SENTINELONE_TOKEN(_FILE)", "SENTINELONE_PROFILE"):
        assert word in out


@pytest.mark.parametrize("command", OURS)
def test_no_option_takes_a_token(told: Any, command: str) -> None:
    _, out, _ = told(command, "--help")
    assert not re.search(r"--\S*(token|password|secret|key)", out, re.IGNORECASE)


def test_the_version_is_told(told: Any) -> None:
    code, out, _ = told("--version")
    assert code == 0
    assert re.fullmatch(r"reconciler, version \d+\.\d+\.\d+\S*\n", out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("plan", "--no-such-option"),
        ("plan", "extra"),
        ("plan", "--format", "xml"),
        ("plan", "--out"),
        ("apply", "one", "two"),
        ("show",),
        (),
    ],
)
def test_wrong_usage_exits_with_one_because_two_means_differences(
    told: Any, arguments: tuple[str, ...]
) -> None:
    code, out, err = told(*arguments)
    assert (code, out) == (1, "")
    assert "Usage: reconciler" in err or "Error: " in err


def test_a_mistyped_command_is_named_in_the_error(told: Any) -> None:
    code, _, err = told("plna")
    assert code == 1
    assert "plna" in err


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_without_a_console_the_error_names_the_variables(told: Any, command: str) -> None:
    code, out, err = told(command, "--policies", POLICIES, HOME="/nonexistent")
    assert (code, out) == (1, "")
    assert "SENTINELONE_URL" in err


@pytest.mark.parametrize("command", ["plan", "apply", "drift", "validate"])
def test_without_policies_nothing_starts(told: Any, tmp_path: Any, command: str) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        code, out, err = told(command, "--policies", str(folder))
        assert (code, out) == (1, "")
        assert "error:" in err


def test_files_at_fault_come_before_refusals_and_differences(told: Any, tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nassignments: []\nsurprise: 1\n")
    (tmp_path / "guardrails.yaml").write_text("version: 1\nmax_revokes: 0\n")
    code, _, err = told("plan", "--detailed-exitcode", "--policies", str(tmp_path))
    assert code == 1
    assert "a.yaml:3:1" in err


@pytest.mark.parametrize(
    "target", ["", "nobody", "service:", "@", "a@b@c", "\x1b[31m@acme.example"]
)
def test_a_strange_target_is_an_error_and_shows_no_control_character(
    told: Any, console: Any, target: str
) -> None:
    code, out, err = told(
        "plan", "--policies", POLICIES, "--target", target,
        SENTINELONE_URL=console.url, SENTINELONE_TOKEN=console.token,
    )  # fmt: skip
    assert (code, out) == (1, "")
    assert "internal error" not in err
    assert "\x1b" not in err


LEAN = """
import json, sys
from reconciler.cli.main import run
from reconciler.settings import Runtime
code = run(sys.argv[1:], Runtime.real())
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


def test_validate_starts_without_what_only_others_need() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", LEAN, "validate", "--policies", POLICIES],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0
    heavy = {"httpx", "httpcore", "certifi", "ssl", "deepdiff", "uvicorn", "asyncio", "tenacity"}
    assert heavy & set(modules) == set()
    assert not [name for name in modules if name.startswith("reconciler.simulator")]
    assert not [name for name in modules if name.startswith("reconciler.workflow")]
