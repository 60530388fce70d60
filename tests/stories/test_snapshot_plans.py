"""Plans and drift from a snapshot: as from the console at that time, and refused when too old."""

import json
import os
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stories.desk import NOW, POLICY

from reconciler.cli.main import run
from reconciler.rendering.as_json import to_json
from reconciler.simulator.generate import Size, generate
from reconciler.simulator.records import ServiceUser
from reconciler.simulator.serve import running
from reconciler.simulator.world import World

FILE = "console.json"
HALF = 0.5
TAKEN = "2026-11-23T09:00:00Z"
GUARD = """
import os, sys
def hook(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"}:
        os._exit(99)
sys.addaudithook(hook)
from reconciler.__main__ import main
main()
"""
"""The product, which ends with 99 as soon as it turns to a network."""


@pytest.fixture
def snapshot(desk: Any) -> Path:
    """A snapshot that the view-only token took, and no token from here on."""
    told = desk.run(
        "snapshot", "--out", FILE, SENTINELONE_TOKEN=desk.console.token_for("reconciler-plan")
    )
    assert told.code == 0, told.text
    path: Path = desk.folder / FILE
    return path


@pytest.fixture
def offline(desk: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the product without any variable that names a console."""

    def told(*arguments: str, **environ: str) -> Any:
        capsys.readouterr()
        code = run(arguments, desk.clock.runtime({"PATH": os.environ["PATH"], **environ}))
        return code, *capsys.readouterr()

    return told


def without_remark(text: str) -> str:
    """Drop the one warning and the instant that say what a plan rests on; both must be there."""
    tree = json.loads(text)
    assert tree["evidence"].pop("snapshot") == TAKEN
    warnings = [each for each in tree["warnings"] if each["code"] != "from-snapshot"]
    assert len(warnings) == len(tree["warnings"]) - 1
    return to_json({**tree, "warnings": warnings})


def test_taking_a_snapshot_only_reads(desk: Any, snapshot: Path) -> None:
    assert desk.methods() == {"GET"}
    assert stat.S_IMODE(snapshot.stat().st_mode) == 0o600
    assert json.loads(snapshot.read_text())["taken_at"] == TAKEN


@pytest.mark.parametrize(
    ("command", "code"), [("plan --detailed-exitcode", 2), ("drift", 2), ("plan", 0)]
)
def test_without_token_and_network_a_snapshot_gives_what_the_console_gave(
    desk: Any, snapshot: Path, offline: Any, command: str, code: int
) -> None:
    words = [*command.split(), "--format", "json"]
    asked = desk.run(*words, SENTINELONE_TOKEN=desk.console.token_for("reconciler-plan"))
    found, out, err = offline(*words, "--snapshot", str(snapshot))
    assert (found, err) == (asked.code, asked.err)
    assert found == code
    assert without_remark(out) == asked.out


@pytest.mark.parametrize(("from_snapshot", "code"), [(True, 0), (False, 99)])
def test_no_connection_is_attempted(
    desk: Any, snapshot: Path, from_snapshot: bool, code: int
) -> None:
    # A process has the machine's own clock; the file's time is of it.
    written = datetime.fromtimestamp(snapshot.stat().st_mtime, UTC).replace(microsecond=0)
    edited(snapshot, lambda tree: tree.update(taken_at=written.isoformat()[:19] + "Z"))
    names = {"SENTINELONE_URL", "SENTINELONE_TOKEN"} if from_snapshot else set()
    done = subprocess.run(
        [sys.executable, "-P", "-c", GUARD, "plan",
         *(["--snapshot", str(snapshot)] if from_snapshot else [])],
        cwd=desk.folder,
        env={key: value for key, value in desk.environ.items() if key not in names},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert ("Plan: " in done.stdout) == from_snapshot


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_people_are_told_what_it_rests_on(snapshot: Path, offline: Any, command: str) -> None:
    _, out, _ = offline(command, "--snapshot", str(snapshot))
    assert f"snapshot taken at {TAKEN} by service:reconciler-plan" in out
    assert f", from a snapshot taken at {TAKEN}, read as" in out.splitlines()[0]


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_every_page_says_at_its_top_how_old_the_snapshot_is(
    snapshot: Path, offline: Any, command: str
) -> None:
    arguments = (command, "--snapshot", str(snapshot), "--format")
    _, markdown, _ = offline(*arguments, "markdown")
    _, html, _ = offline(*arguments, "html")
    assert f"**from a snapshot taken at** `{TAKEN}`" in markdown
    assert html.index(f"from a snapshot taken at {TAKEN}") < html.index("Content digest")


@pytest.mark.parametrize(
    ("age", "options", "refused"),
    [
        (timedelta(hours=24), (), None),
        (timedelta(hours=24, seconds=1), (), "older than 24 hours"),
        (timedelta(hours=48), ("--snapshot-max-age", "48"), None),
        (timedelta(hours=2), ("--snapshot-max-age", "1"), "older than 1 hours"),
        (timedelta(minutes=-5), (), None),
        (timedelta(minutes=-5, seconds=-1), (), "in the future"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_only_a_fresh_snapshot_is_planned_from(
    desk: Any,
    snapshot: Path,
    offline: Any,
    command: str,
    age: timedelta,
    options: tuple[str, ...],
    refused: str | None,
) -> None:
    desk.clock.instant = NOW + age
    code, out, err = offline(command, "--snapshot", str(snapshot), *options)
    assert (code == 3, bool(out)) == (refused is not None, refused is None)
    assert (refused or "") in err


@pytest.mark.parametrize("hours", ["0", "-1", "1e9", "soon"])
def test_an_age_that_makes_no_sense_is_wrong_usage(
    snapshot: Path, offline: Any, hours: str
) -> None:
    code, out, _ = offline("plan", "--snapshot", str(snapshot), "--snapshot-max-age", hours)
    assert (code, out) == (1, "")


def test_a_snapshot_of_another_console_is_refused(desk: Any, snapshot: Path, offline: Any) -> None:
    arguments = ("plan", "--snapshot", str(snapshot))
    code, out, err = offline(*arguments, SENTINELONE_URL="https://other.sentinelone.net")
    assert (code, out) == (3, "")
    assert "SENTINELONE_URL names https://other.sentinelone.net" in err
    assert offline(*arguments, SENTINELONE_URL=desk.url + "/")[0] == 0
    assert offline(*arguments, SENTINELONE_URL="http://other.example")[0] == 1


def test_a_snapshot_of_another_console_than_the_pins_is_refused(
    desk: Any, snapshot: Path, offline: Any
) -> None:
    view = "{level: tenant, accounts: 1, sites: 2, principals: 10}"
    pins = "version: 1\norigin: %s\nview: " + view + "\n"
    desk.write("pins.yaml", pins % "https://other.sentinelone.net")
    code, out, err = offline("plan", "--snapshot", str(snapshot))
    assert (code, out) == (3, "")
    assert "pins.yaml names https://other.sentinelone.net" in err
    desk.write("pins.yaml", pins % desk.url)
    assert offline("plan", "--snapshot", str(snapshot))[0] == 0


@pytest.mark.parametrize("content", ["", "{}", None])
def test_what_is_no_snapshot_is_told_and_the_console_is_not_asked_instead(
    desk: Any, content: str | None
) -> None:
    if content is not None:
        (desk.folder / FILE).write_text(content)
    told = desk.run("plan", "--snapshot", FILE)
    assert (told.code, told.out) == (1, "")
    assert "cannot be read as a snapshot" in told.err
    assert desk.methods() == set()


def test_a_plan_from_a_snapshot_is_applied_where_the_token_is(
    desk: Any, snapshot: Path, offline: Any
) -> None:
    assert offline("plan", "--snapshot", str(snapshot), "--out", "reviewed.json")[0] == 0
    desk.clock.passes(hours=1)
    told = desk.run("apply", "reviewed.json", "--auto-approve")
    assert told.code == 0, told.text
    assert len(desk.written()) == 4
    assert desk.run("plan", "--detailed-exitcode").code == 0


def test_apply_refuses_what_moved_since_the_snapshot(
    desk: Any, snapshot: Path, offline: Any
) -> None:
    desk.make("bo@acme.example", "Admin")
    assert offline("plan", "--snapshot", str(snapshot), "--out", "reviewed.json")[0] == 0
    told = desk.run("apply", "reviewed.json", "--auto-approve")
    assert told.code == 3
    assert "bo@acme.example" in told.err
    assert desk.written() == []


def edited(snapshot: Path, edit: Callable[[dict[str, Any]], object]) -> str:
    tree = json.loads(snapshot.read_text())
    edit(tree)
    snapshot.write_text(json.dumps(tree))
    return str(snapshot)


@pytest.mark.parametrize(
    "edit",
    [
        lambda tree: tree["records"].update(accounts=None),
        lambda tree: tree["records"].update(roles=[]),
        lambda tree: tree["records"]["users"][0].update(scopeRoles=None),
        lambda tree: tree["records"]["users"][0].update(scopeRoles=[{"id": "x"}]),
        lambda tree: tree["identity"].update(level="account", scope_ids=["1"]),
        lambda tree: tree["records"].update(users=[], service_users=[]),
    ],
)
def test_a_snapshot_that_misses_something_plans_no_removal(
    snapshot: Path, offline: Any, edit: Callable[[dict[str, Any]], object]
) -> None:
    code, out, err = offline("plan", "--format", "json", "--snapshot", edited(snapshot, edit))
    removals = json.loads(out)["summary"] if code in {0, 2} else {"revoke": 0, "delete": 0}
    assert (removals["revoke"], removals["delete"]) == (0, 0)
    assert code in {1, 3} or "warnings" in out
    assert "internal error" not in err


def wishes(world: World, reader: ServiceUser, seed: int) -> str:
    """A policy for some people whom the reader sees whole, standing and with windows, as JSON."""
    dice = random.Random(seed)  # noqa: S311 - worlds, not secrets
    seen = {grant.scope_id for grant in reader.grants}
    active = [site for site in world.sites.values() if site.state == "active"]
    sites = [each.id for each in active if {each.id, each.account_id} & seen or "" in seen]
    people = [one for one in world.users.values() if not one.is_system]
    if reader.scope != "tenant":
        held = {one.id: {grant.scope_id for grant in one.grants} for one in people}
        people = [one for one in people if held[one.id] and held[one.id] <= {*sites}]
    roles = [role.id for role in world.roles.values() if role.scope == "tenant"]
    assignments: list[dict[str, Any]] = []
    for one in dice.sample(people, min(12, len(people))):
        where: dict[str, Any] = {"sites": [f"id:{each}" for each in dice.sample(sites, 1)]}
        if reader.scope == "tenant":
            account = dice.choice([each.account_id for each in active])
            where = dice.choice([{"tenant": True}, {"account": f"id:{account}"}, where])
        member = {"members": [one.email], "role": f"id:{dice.choice(roles)}"}
        assignments.append(member | where)
        if "sites" in where and dice.random() < HALF:
            more = {"role": f"id:{dice.choice(roles)}", "until": "2026-12-01"}
            assignments.append(member | where | more)
    return json.dumps({"version": 1, "assignments": assignments})


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("reader", ["tenant", "account", "site"])
def test_a_plan_from_a_snapshot_is_the_plan_from_the_console_byte_for_byte(
    desk: Any, offline: Any, seed: int, reader: str
) -> None:
    world = generate(seed, Size(3, 12, 10, 60, 1, 9))
    who = next(one for one in world.service_users.values() if one.scope == reader)
    desk.write("access.yaml", wishes(world, who, seed))
    desk.write("guardrails.yaml", "version: 1\nmax_revokes: 500\nmax_revoke_fraction: 1.0\n")
    with running(world, clock=lambda: NOW) as served:
        there = {"SENTINELONE_URL": served.url, "SENTINELONE_TOKEN": served.token_for(who.name)}
        taken = desk.run("snapshot", "--out", FILE, **there)
        asked = desk.run("plan", "--format", "json", **there)
    if taken.code:
        # A token that may not read everything: no snapshot, as there is no plan.
        assert (taken.code, asked.code) == (1, 1)
        assert "403" in taken.err
        assert not (desk.folder / FILE).exists()
        return
    code, out, err = offline("plan", "--format", "json", "--snapshot", FILE)
    print(f"seed {seed} as {who.name}: exit {code}, {len(out)} bytes {err}")  # noqa: T201
    assert (code, err) == (asked.code, asked.err)
    assert (without_remark(out) if out else "") == asked.out
    assert reader != "tenant" or json.loads(out)["operations"]


@pytest.mark.usefixtures("snapshot")
def test_windows_are_judged_now_on_what_was_there_then(desk: Any) -> None:
    mia = "{members: [mia@acme.example], role: Viewer, sites: [Acme/Lyon], from: 2026-11-24}"
    desk.write("access.yaml", POLICY.replace("\nformer", f"\n  - {mia}\nformer"))
    arguments = ("plan", "--snapshot", FILE, "--target", "mia@acme.example", "--format", "json")
    before = desk.run(*arguments)
    desk.clock.passes(hours=20)
    after = desk.run(*arguments)
    kinds = [json.loads(each.out)["operations"][0]["kind"] for each in (before, after)]
    assert kinds == ["delete", "update"]
