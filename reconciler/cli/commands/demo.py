"""`reconciler demo`."""

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.session import Session, child_environment, pass_session
from reconciler.cli.simulated import Simulated, simulated
from reconciler.console.client import WriteClient
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.resources import resource
from reconciler.settings import ConsoleSettings, Token

_PLAN = "reviewed.plan.json"
_CULPRIT = "ada@acme.example"
_VICTIM = "kira@acme.example"


@click.command("demo")
@pass_session
def command(session: Session) -> int:
    """Run the whole story against a simulated console.

    Plan, apply, plan again, a change made behind the tool's back, and the drift report. Needs no
    console and no token, leaves nothing behind.
    """
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder,
        simulated(session.runtime.environ) as console,
    ):
        shutil.copytree(resource("policies"), Path(folder) / "policies")
        # Planning needs no more than a view-only token, and here has no more.
        viewer = Token(_minted(console, "reconciler-plan"))
        tokens = {"plan": viewer, "drift": viewer, "apply": Token(console.token)}
        story = _Story(console.url, tokens, Path(folder), session.runtime.environ)
        click.echo(f"A simulated console of the company Acme runs on {console.url}.\n")
        story.step("What would the policies change?", "plan", "--out", _PLAN)
        story.step("Do that and nothing else.", "apply", _PLAN, "--auto-approve")
        story.step("Is anything left to do?", "plan", "--detailed-exitcode")
        click.echo(click.style("# Meanwhile, somebody clicks in the console.", bold=True))
        click.echo(_make_drift(session, console) + "\n")
        story.step("What differs now?", "drift", expect=ExitCode.DIFFERENCES)
    return ExitCode.DONE


@dataclass(frozen=True, slots=True)
class _Story:
    """Runs the product's own commands as a user would, each in a process of its own."""

    url: str
    tokens: Mapping[str, Token]
    """Command -> the token it runs with."""
    folder: Path
    environ: Mapping[str, str]

    def step(self, why: str, *arguments: str, expect: ExitCode = ExitCode.DONE) -> None:
        """Run one command and require its exit code."""
        click.echo(click.style(f"# {why}", bold=True))
        click.echo(click.style(f"$ reconciler {' '.join(arguments)}", bold=True))
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={
                **child_environment(self.environ),
                "RECONCILER_STATE": str(self.folder / "state"),
                "SENTINELONE_URL": self.url,
                "SENTINELONE_TOKEN": self.tokens[arguments[0]].reveal(),
            },
            check=False,
        )
        click.echo(f"(exit code {done.returncode})\n")
        if done.returncode != expect:
            raise ReconcilerError(
                f"The demo expected exit code {expect:d} here.", "Please report this as a bug."
            )


def _make_drift(session: Session, console: Simulated) -> str:
    """Make one site user an admin with the token of a person, as the console's own pages would."""
    token = Token(_minted(console, _CULPRIT))
    with WriteClient(ConsoleSettings(console.url, token), session.runtime) as client:
        users = client.list_all("/users")
        roles = client.list_all("/rbac/roles")
        user = next(user for user in users if user["email"] == _VICTIM)
        admin = next(role["id"] for role in roles if role["name"] == "Admin")
        entries = [{"id": entry["id"], "roleId": admin} for entry in user["scopeRoles"]]
        body = {"data": {"scope": user["scope"], "scopeRoles": entries}}
        client.put(f"/users/{user['id']}", body)
    return f"{_CULPRIT} makes {_VICTIM} an Admin."


def _minted(console: Simulated, principal: str) -> str:
    """Ask the simulator's control API for a token that acts as a principal."""
    request = urllib.request.Request(  # noqa: S310 - the URL of our own child on loopback
        f"{console.url}/_simulator/tokens",
        data=json.dumps({"principal": principal}).encode(),
        headers={"X-Simulator-Control": "yes", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        token: str = json.load(answer)["token"]
    return token
