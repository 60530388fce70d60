"""`reconciler snapshot` against a console: what is asked, what is written, and what never is."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.main import run
from reconciler.resources import resource
from reconciler.settings import Runtime
from reconciler.simulator.records import User
from reconciler.simulator.serve import Running, running

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SCHEMA = json.loads((resource("schemas") / "snapshot.schema.json").read_text("utf-8"))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def served() -> Iterator[Running]:
    with running(clock=lambda: NOW) as console:
        yield console


@pytest.fixture
def told(
    served: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run `reconciler snapshot` in a folder of its own; `token` instead of the first one."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, token: str = served.token, url: str = served.url) -> Any:
        environ = {"SENTINELONE_URL": url, "SENTINELONE_TOKEN": token}
        runtime = Runtime(environ, lambda: NOW, lambda _s: None, lambda: 0.0)
        return run(("snapshot", *arguments), runtime), *capsys.readouterr()

    return command


def someone(served: Running) -> User:
    return next(one for one in served.world.users.values() if one.email == "ana@acme.example")


def asked(served: Running) -> set[str]:
    """Every call so far, without host and ids."""
    paths = {(method, path.partition("/v2.1")[2]) for method, path in served.requests}
    return {f"{method} {path.rstrip('0123456789')}" for method, path in paths}


LISTINGS = {
    f"GET {path}"
    for path in ("/user", "/users", "/service-users", "/rbac/roles", "/sites", "/accounts")
}


def test_a_snapshot_is_private_fits_the_schema_and_reads_back(
    told: Run, served: Running, tmp_path: Path
) -> None:
    code, out, err = told("--out", "console.json")
    assert (code, out) == (0, "")
    assert err == "Saved to console.json: 57 principals, 8 roles.\n"
    path = tmp_path / "console.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text("ascii")
    Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert text.endswith("}\n")
    assert asked(served) == LISTINGS | {"GET /rbac/role/"}
    assert served.token not in text
    assert told("--out", "-")[:2] == (0, text)
    assert told("diff", "console.json", "console.json")[0] == 0


def test_the_same_console_gives_the_same_bytes(told: Run, tmp_path: Path) -> None:
    texts = set()
    for number in range(5):
        assert told("--out", f"{number}.json")[0] == 0
        texts.add((tmp_path / f"{number}.json").read_bytes())
    assert len(texts) == 1


def test_the_own_token_is_hidden_wherever_a_console_echoes_it(
    told: Run, served: Running, tmp_path: Path
) -> None:
    site = next(iter(served.world.sites.values()))
    served.world.sites[site.id] = replace(site, description=f"do not tell {served.token}!")
    assert told("--out", "console.json")[0] == 0
    text = (tmp_path / "console.json").read_text()
    assert served.token not in text
    assert "do not tell (hidden)!" in text


@pytest.mark.parametrize("fault", ["403@GET /rbac/role/*", "404@GET /rbac/role/*"])
def test_pages_that_are_not_shown_change_no_exit_code(
    told: Run, served: Running, tmp_path: Path, fault: str
) -> None:
    served.rehearse(fault)
    code, _, err = told("--out", "console.json")
    assert code == 0
    assert "note: what 8 roles permit could not be read" in err
    roles = json.loads((tmp_path / "console.json").read_text())["records"]["roles"]
    assert not [role for role in roles if "pages" in role]
    code, out, err = told("list", "--kind", "roles", "--format", "json")
    assert code == 0
    assert "note: what 8 roles permit could not be read" in err
    gives = {role["name"]: role["gives_access"] for role in json.loads(out)["roles"]}
    assert gives == {name: True if name == "Admin" else None for name in gives}


@pytest.mark.parametrize("fault", ["errors@GET /users", "403@GET /users", "wrong-total@GET /sites"])
def test_a_listing_that_is_not_whole_leaves_no_file(
    told: Run, served: Running, tmp_path: Path, fault: str
) -> None:
    served.rehearse(fault)
    assert told("--out", "console.json")[0] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--out FILE"),
        (("--out", "x.json", "list"), "--out belongs to"),
        (("diff", "x.json"), "Missing argument"),
        (("list", "--kind", "groups"), "groups"),
        (("list", "--format", "xml"), "xml"),
        (("--out", "no/such/folder/x.json"), "cannot be saved"),
        (("--out", "."), "is a directory"),
    ],
)
def test_wrong_usage_exits_with_one_and_writes_nothing(
    told: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = told(*arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert list(tmp_path.iterdir()) == []


def test_help_tells_of_both_subcommands(told: Run) -> None:
    code, out, _ = told("--help")
    assert code == 0
    assert "diff" in out
    assert "list" in out


@pytest.mark.parametrize("kind", ["accounts", "sites", "roles", "principals", "grants"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_the_console_is_listed_as_its_snapshot_is(
    told: Run, served: Running, kind: str, form: str
) -> None:
    assert told("--out", "console.json")[0] == 0
    before = len(served.requests)
    arguments = ("list", "--kind", kind, "--format", form)
    from_console = told(*arguments)
    calls = {path for _, path in served.requests[before:]}
    assert any("/rbac/role/" in path for path in calls) == (kind == "roles")
    assert from_console[0] == 0
    before = len(served.requests)
    assert told(*arguments[:1], "console.json", *arguments[1:]) == from_console
    assert len(served.requests) == before


def test_without_a_kind_json_tells_all_and_a_table_a_summary(told: Run, served: Running) -> None:
    tree = json.loads(told("list", "--format", "json")[1])
    assert len(tree["roles"]) == len(served.world.roles)
    assert {role["permissions"] is None for role in tree["roles"]} == {False}
    _, out, _ = told("list")
    assert "2 accounts, 18 sites, 8 roles, 57 principals, 81 grants" in out
    assert "ana@acme.example" in out


def test_a_narrow_token_is_told_what_it_did_not_see(told: Run, served: Running) -> None:
    code, out, _ = told("list", token=served.token_for("ticketing"))
    assert code == 0
    assert "at site level" in out
    assert "note: this token may not list accounts" in out


def test_what_special_people_are_is_said_in_words(told: Run, served: Running) -> None:
    user = someone(served)
    served.world.users[user.id] = replace(
        user, last_login=None, email_verified=False, grants=(), is_system=True
    )
    line = next(line for line in told("list")[1].splitlines() if line.startswith("ana@"))
    assert line.endswith("system, cannot log in, never logged in, holds nothing")


def test_two_days_are_compared(told: Run, served: Running) -> None:
    assert told("--out", "one.json")[0] == 0
    user = someone(served)
    served.world.users[user.id] = replace(user, grants=user.grants[:1])
    assert told("--out", "two.json")[0] == 0
    code, out, err = told("diff", "one.json", "two.json")
    assert (code, err) == (2, "")
    assert out.endswith("Difference: 0 gained, 2 lost.\n")


def test_a_simulator_of_a_snapshot_is_that_console_again(told: Run, tmp_path: Path) -> None:
    assert told("--out", "one.json")[0] == 0
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "reconciler", "simulator", "--no-log", "--watch-stdin",
         "--world", "one.json"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            where = json.loads(process.stdout.readline())
            assert told("--out", "two.json", **where)[0] == 0
        finally:
            process.terminate()
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    assert two["records"] == one["records"]
    code, out, _ = told("diff", "one.json", "two.json", "--all-fields")
    assert code == 0
    assert "two consoles" in out


def test_nothing_of_the_environment_is_needed_to_compare_and_to_list(
    told: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("--out", "one.json")[0] == 0
    bare = Runtime({"PATH": os.environ["PATH"]}, lambda: NOW, lambda _s: None, lambda: 0.0)
    assert run(("snapshot", "diff", "one.json", "one.json"), bare) == 0
    assert run(("snapshot", "list", "one.json"), bare) == 0
    assert run(("snapshot", "list"), bare) == 1
    capsys.readouterr()
