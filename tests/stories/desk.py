"""A small company, and somebody at a desk who runs the product against its console."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler.cli.main import run
from reconciler.settings import Runtime
from reconciler.simulator.serve import Running
from reconciler.simulator.world import World, parse

PREFIX = "/web/api/v2.1"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LAST_LOGIN = "2099-01-01T00:00:00.000000Z"
"""Lately by the clock of a story, and by that of a process, which nobody can set."""
PATIENCE = 120
"""Seconds until a process that hangs fails its test; nothing waits for them otherwise."""

ROLES = {
    "Admin": "1820000000000000301",
    "Viewer": "1820000000000000302",
    "SOC": "1820000000000000303",
}
SITES = {"Berlin": "1820000000000000201", "Lyon": "1820000000000000202"}
ADA = "1820000000000001001"
"""Who made the service users."""
PEOPLE = {
    "ada": ("tenant", "", "Admin"),
    "noor": ("tenant", "", "Admin"),
    "ana": ("site", "Berlin", "SOC"),
    "bo": ("site", "Berlin", "Viewer"),
    "eve": ("site", "Lyon", "SOC"),
    "mia": ("site", "Lyon", "SOC"),
}
ROBOTS = {
    "reconciler": ("tenant", "", "Admin"),
    "reconciler-plan": ("tenant", "", "Viewer"),
    "siem": ("site", "Berlin", "Viewer"),
    "stray": ("site", "Lyon", "Viewer"),
}

POLICY = """\
version: 1
users:
  lena@acme.example: {name: Lena Fischer}
assignments:
  - {members: [ada@acme.example, noor@acme.example, service:reconciler], role: Admin, tenant: true}
  - {members: [service:reconciler-plan], role: Viewer, tenant: true}
  - members: [ana@acme.example, bo@acme.example, lena@acme.example]
    role: SOC
    sites: [Acme/Berlin]
  - {members: [service:siem], role: Viewer, sites: [Acme/Berlin, Acme/Lyon]}
former: [eve@acme.example]
"""
"""Against the small world: invites Lena, makes Bo SOC, gives the SIEM Lyon, deletes Eve."""

GUARDRAILS = "version: 1\nnothing_left: delete\nmax_revoke_fraction: 1.0\n"


def small_world() -> World:
    """Six people and four service users on one account with two sites."""
    permissions = {"Admin": ["*"], "Viewer": ["*.view"], "SOC": ["*.view"]}

    def record(number: int, scope: str, site: str, role: str) -> dict[str, Any]:
        grant = {"scope_id": SITES.get(site, ""), "role_id": ROLES[role]}
        return {"id": f"182000000000000{number}", "scope": scope, "grants": [grant]}

    return parse(
        {
            "accounts": [{"id": "1820000000000000101", "name": "Acme"}],
            "sites": [
                {"id": n, "name": name, "account_id": "1820000000000000101"}
                for name, n in SITES.items()
            ],
            "roles": [
                {"id": n, "name": name, "predefined": True, "permissions": permissions[name]}
                for name, n in ROLES.items()
            ],
            "users": [
                {
                    "email": f"{name}@acme.example",
                    "full_name": name.title(),
                    "last_login": LAST_LOGIN,
                    **record(n, *holds),
                }
                for n, (name, holds) in enumerate(PEOPLE.items(), start=1001)
            ],
            "service_users": [
                {
                    "name": name,
                    "created_by": ADA,
                    "updated_by": ADA,
                    "uuid": f"simulated-{name}",
                    "token_created_at": "2026-01-05T08:00:00.000000Z",
                    "token_expires_at": "2028-01-05T08:00:00.000000Z",
                    **record(n, *holds),
                }
                for n, (name, holds) in enumerate(ROBOTS.items(), start=2001)
            ],
        }
    )


@dataclass
class Clock:
    """Stands still; sleeping is written down and takes no time."""

    instant: datetime = NOW
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)
    hurried: threading.Event = field(default_factory=threading.Event)
    """Set when a signal to this process has been heard."""

    def runtime(self, environ: Mapping[str, str]) -> Runtime:
        return Runtime(
            environ,
            lambda: self.instant,
            self.slept.append,
            lambda: self.seconds,
            self.hurried.set,
        )

    def passes(self, **time: float) -> None:
        self.instant += timedelta(**time)


@dataclass(frozen=True)
class Told:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def one_at_a_time(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Let an apply write one after the other, so that a story has one order."""
    is_free = arguments[:1] == ("apply",) and "--concurrency" not in arguments
    return (*arguments, "--concurrency", "1") if is_free else arguments


class Desk:
    """Somebody with a folder of policies, a token and a command line."""

    def __init__(self, console: Running, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.console = console
        self.folder = folder
        self.url = console.url
        self.token = console.token
        self.clock = Clock()
        self._capsys = capsys
        self.write("access.yaml", POLICY)
        self.write("guardrails.yaml", GUARDRAILS)

    def write(self, name: str, text: str) -> None:
        path = self.folder / "policies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def start_over(self) -> None:
        """Put the console back to where it began, and take a new journal."""
        self.console.console.world = small_world()
        self.console.changes.clear()
        self.console.requests.clear()
        shutil.rmtree(self.folder / ".reconciler", ignore_errors=True)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / "policies" / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    @property
    def environ(self) -> dict[str, str]:
        """What the product gets of the environment in this process."""
        path = {
            "PATH": os.environ.get("PATH", os.defpath),
            "RECONCILER_STATE": str(self.folder / ".state"),
        }
        return {"SENTINELONE_URL": self.url, "SENTINELONE_TOKEN": self.token} | path

    def run(self, *arguments: str, **environ: str) -> Told:
        """Run the product in this process."""
        arguments = one_at_a_time(arguments)
        self._capsys.readouterr()
        code = run(arguments, self.clock.runtime(self.environ | environ))
        out, err = self._capsys.readouterr()
        assert "Traceback" not in out + err
        return Told(code, out, err)

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """Start the product as a process."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SENTINELONE_")}
        pipes = {name: subprocess.PIPE for name in ("stdout", "stderr") if name not in options}
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "reconciler", *one_at_a_time(arguments)],
            cwd=self.folder,
            env=clean | self.environ,
            text=True,
            **({"stdin": subprocess.DEVNULL} | pipes | options),
        )

    def interrupted(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send this process a signal, and wait until the run has heard it."""
        self.clock.hurried.clear()
        os.kill(os.getpid(), number)
        assert self.clock.hurried.wait(PATIENCE)

    def process(self, *arguments: str, **options: Any) -> Told:
        """Run the product as a process of its own to its end."""
        with self.start(*arguments, **options) as process:
            out, err = process.communicate(timeout=PATIENCE)
        told = Told(process.returncode, out or "", err or "")
        assert "Traceback" not in told.text
        return told

    # The ground truth: what the simulator itself knows.

    def written(self) -> list[str]:
        """What this product changed on the console, oldest first: `PUT bo@acme.example`."""
        return [
            f"{change.method} {(change.after or change.before or {}).get('email') or change.path}"
            for change in self.console.changes
            if change.actor == "reconciler"
        ]

    def methods(self) -> set[str]:
        return {method for method, _ in self.console.requests}

    def holds(self, name: str) -> list[str] | None:
        """What somebody holds: `["SOC Berlin"]`; None when not on the console."""
        principal = self.console.world.named(name)
        if principal is None:
            return None
        roles = {n: role for role, n in ROLES.items()}
        sites = {n: site for site, n in SITES.items()}
        return [
            f"{roles[grant.role_id]} {sites.get(grant.scope_id, principal.scope)}"
            for grant in principal.grants
        ]

    def make(self, name: str, role: str) -> None:
        """Somebody else, through the API with a token of their own, changes what one holds."""
        principal = self.console.world.named(name)
        assert principal is not None
        entries = [{"id": g.scope_id, "roleId": ROLES[role]} for g in principal.grants]
        body = {"data": {"scope": principal.scope, "scopeRoles": entries}}
        kind = "users" if "@" in name else "service-users"
        status, said = self.api("PUT", f"/{kind}/{principal.id}", body, "ada@acme.example")
        assert status == 200, said

    def api(
        self, method: str, path: str, body: Any = None, name: str = "reconciler-plan"
    ) -> tuple[int, bytes]:
        """Ask the console directly, as somebody."""
        connection = HTTPConnection(urlsplit(self.console.url).netloc, timeout=PATIENCE)
        headers = {
            "Authorization": f"ApiToken {self.console.token_for(name)}",
            "Content-Type": "application/json",
        }
        content = None if body is None else json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, PREFIX + path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def records(self) -> dict[str, Any]:
        """Every user and service user, whole, as the API shows them."""
        found = {}
        for path in ("/users", "/service-users"):
            _, content = self.api("GET", f"{path}?limit=1000")
            for item in json.loads(content)["data"]:
                found[item.get("email") or item["name"]] = item
        return found

    def journal(self) -> list[dict[str, Any]]:
        path = self.folder / ".reconciler" / "journal.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def recorded(self, kind: str) -> list[str]:
        """Names of the principals in the journal's records of one kind, in order.

        Operations that were not attempted are left out.
        """
        return [
            record["data"]["principal"]["name"]
            for record in self.journal()
            if record["kind"] == kind and record["data"].get("result") != "not attempted"
        ]

    def results(self) -> dict[str, str]:
        """Principal -> how its operation ended, by the journal, of those that were attempted."""
        return {
            record["data"]["principal"]["name"]: record["data"]["result"]
            for record in self.journal()
            if record["kind"] == "outcome" and record["data"]["result"] != "not attempted"
        }
