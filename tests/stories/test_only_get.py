"""A planner that cannot write: whatever is not apply sends GET and nothing else (T03).

Every command is run against a console that counts what is written, through a proxy that notes
every request that leaves; and nothing but apply can get hold of a client that could write.
"""

import ast
import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.cli.main import COMMANDS
from reconciler.console.client import ReadClient

MAY_WRITE = {"apply", "ci", "service-user", "simulator", "demo"}
"""Of `ci` only `ci apply`: test_in_ci sees to the others. `service-user` makes one and renews its
token, by hand and within the guardrails; simulator and demo speak to consoles of their own."""
PACKAGE = Path(reconciler.__file__).parent

ASKING: dict[str, tuple[tuple[str, ...], ...]] = {
    "plan": (("plan", "--out", "new.json"), ("plan", "--detailed-exitcode", "--format", "json")),
    "drift": (("drift",),),
    "explain": (("explain", "ana@acme.example", "--from", "console"),),
    "who-can": (
        ("who-can", "SOC", "--on", "Acme/Berlin", "--from", "console"),
        ("who-can", "Users.view", "--on", "tenant", "--from", "console"),
    ),
    "snapshot": (("snapshot", "--out", "world.json"), ("snapshot", "list")),
    "pin": (("pin",), ("pin", "--check")),
}
"""Command -> command lines that make it ask the console."""
SILENT: dict[str, tuple[tuple[str, ...], ...]] = {
    "validate": (("validate",), ("validate", "--tests")),
    "fmt": (("fmt", "--check"),),
    "show": (("show", "saved.json"),),
    "explain": (("explain", "ana@acme.example"),),
    "who-can": (("who-can", "SOC", "--on", "Acme/Berlin"),),
    "audit": (("audit", "verify"), ("audit", "show"), ("audit", "head")),
}
"""Command -> command lines that need no console at all."""
RUN = [
    pytest.param(line, lines is SILENT, id=" ".join(line))
    for command in COMMANDS
    if command not in MAY_WRITE
    for lines in (ASKING, SILENT)
    for line in lines.get(command, ())
]


def test_every_command_is_either_run_here_or_may_write() -> None:
    """A new command is not forgotten: say above how to run it."""
    known = MAY_WRITE | ASKING.keys() | SILENT.keys()
    assert set(COMMANDS) <= known


@pytest.mark.parametrize(("line", "is_silent"), RUN)
@pytest.mark.parametrize("token", ["reconciler-plan", "reconciler"])
def test_nothing_but_get_leaves(
    desk: Any, proxy: Any, line: tuple[str, ...], is_silent: bool, token: str
) -> None:
    desk.write(
        "tests.yaml",
        "version: 1\ntests:\n  - {name: no SOC above, nobody: {roles: [SOC], tenant: true}}\n",
    )
    desk.token = desk.console.token_for(token)
    assert desk.run("plan", "--out", "saved.json").code == 0
    refused = desk.run("apply", "saved.json")
    assert refused.code == 3
    assert "no terminal" in refused.err
    before = desk.records()
    proxy.seen.clear()
    desk.console.requests.clear()

    told = desk.run(*line)

    assert told.code in {0, 2}, told.text
    assert {method for method, _ in proxy.seen} == (set() if is_silent else {"GET"})
    assert {method for method, _ in desk.console.requests} <= {"GET"}
    assert {entry.method for entry in desk.console.log} <= {"GET"}
    assert desk.console.changes == []
    assert desk.records() == before


# The same, proved by reading the program.


@cache
def sources() -> dict[str, set[str]]:
    """Return the words of every module of the product but the simulator, by path in the package."""
    return {
        name: words_of(ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith("simulator/")
    }


def words_of(tree: ast.Module) -> set[str]:
    """Every name, attribute and imported word of a module."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
                found.add(word)
            case ast.Constant(value=str(word)) if word.isidentifier():
                found.add(word)
            case _:
                pass
    return found


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (
            {"write_client"},
            {"cli/console.py", "cli/writing/apply.py", "cli/commands/service_user.py"},
        ),
        (
            {"WriteClient"},
            {
                *("cli/console.py", "cli/commands/demo.py"),
                *("cli/writing/apply.py", "cli/writing/issuing.py", "cli/writing/operations.py"),
                *("console/client.py", "console/writer.py", "workflow/hands.py"),
            },
        ),
        ({"Writer"}, {"console/writer.py", "workflow/hands.py"}),
        (
            {"Hands"},
            {
                *("workflow/hands.py", "workflow/service_users.py"),
                *("cli/writing/operations.py", "cli/writing/issuing.py"),
            },
        ),
        (
            {"carry_out"},
            {
                *("cli/writing/apply.py", "cli/writing/operations.py"),
                *("cli/commands/apply.py", "cli/commands/ci/recorded.py"),
            },
        ),
        ({"Transport", "transport"}, {"console/client.py", "console/transport.py"}),
        # To the code host, to sinks and to a chat, beside the console.
        (
            {"send"},
            {
                *("console/client.py", "console/transport.py", "sinks/client.py"),
                *("forge/http.py", "forge/api.py", "ci/chat.py", "cli/commands/ci/publish.py"),
            },
        ),
        (
            {"httpx"},
            {
                *("console/transport.py", "locks/kubernetes.py", "sinks/client.py"),
                "forge/http.py",
            },
        ),
        ({"urllib.request", "urlopen", "http.client", "HTTPConnection"}, {"cli/commands/demo.py"}),
    ],
    ids=lambda value: "-".join(sorted(value))[:40],
)
def test_who_can_get_hold_of_writing(words: set[str], allowed: set[str]) -> None:
    using = {name for name, used in sources().items() if words & used}
    assert using <= allowed
    assert using, "the word is not used any more; the test would prove nothing"


def test_a_reading_client_sends_one_verb_and_it_is_get() -> None:
    """Its one way out is `_ask`, which passes the verb on that it is given."""
    tree = ast.parse(inspect.getsource(ReadClient))
    asked = [
        (node.func.attr, node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"send", "_ask"}
    ]
    assert [verb.value for name, verb in asked if isinstance(verb, ast.Constant)] == ["GET"]
    assert [name for name, verb in asked if not isinstance(verb, ast.Constant)] == ["send"]


def test_the_console_would_have_counted_a_write(desk: Any) -> None:
    """The witness of this file works: an apply is seen by all of its counters."""
    assert desk.run("apply", "--auto-approve").code == 0
    assert {"PUT", "POST"} <= {method for method, _ in desk.console.requests}
    assert {"PUT", "POST"} <= {entry.method for entry in desk.console.log}
    assert desk.console.changes
    assert json.dumps(desk.journal())
