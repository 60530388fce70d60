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

from reconciler.cli.session import Session, pass_session
from reconciler.cli.simulated import Simulated, child_environment, simulated
from reconciler.console.client import WriteClient
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.resources import resource
from reconciler.settings import ConsoleSettings, Token


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
        story = _Story(console, Path(folder), session.runtime.environ)
        click.echo(f"A simulated console of the company Acme runs on {console.url}.\n")
        story.step("What would the policies change?", "plan", expect=ExitCode.DONE)
        story.step("Do it.", "apply", "--auto-approve", expect=ExitCode.DONE)
        story.step("Is anything left to do?", "plan", "--detailed-exitcode", expect=ExitCode.DONE)
        click.echo(click.style("# Meanwhile, somebody clicks in the console.", bold=True))
        click.echo(_make_drift(session, console) + "\n")
        story.step("What differs now?", "drift", expect=ExitCode.DIFFERENCES)
    return ExitCode.DONE


@dataclass(frozen=True, slots=True)
class _Story:
    """Runs the product's own commands as a user would, each in a process of its own."""

    console: Simulated
    folder: Path
    environ: Mapping[str, str]

    def step(self, why: str, *arguments: str, expect: ExitCode) -> None:
        """Run one command and require its exit code."""
        click.echo(click.style(f"# {why}", bold=True))
        click.echo(click.style(f"$ reconciler {' '.join(arguments)}", bold=True))
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={
                **child_environment(self.environ),
                "SENTINELONE_URL": self.console.url,
                "SENTINELONE_TOKEN": self.console.token,
            },
            check=False,
        )
        click.echo(f"(exit code {done.returncode})\n")
        if done.returncode != expect:
            raise ReconcilerError(
                f"The demo expected exit code {expect:d} here.", "Please report this as a bug."
            )


def _make_drift(session: Session, console: Simulated) -> str:
    """Change one user with the token of a person, as the console's own pages would."""
    token = Token(_human_token(console, "nadia.haddad@acme.example"))
    with WriteClient(ConsoleSettings(console.url, token), session.runtime) as client:
        users = client.list_all("/users")
        roles = {role["name"]: role["id"] for role in client.list_all("/rbac/roles")}
        user = next(user for user in users if user["email"] == "bo.lindqvist@acme.example")
        scope = user["scopeRoles"][0]
        entries = [{"id": scope["id"], "roleId": roles["Admin"]}]
        client.put(
            f"/users/{user['id']}", {"data": {"scope": user["scope"], "scopeRoles": entries}}
        )
    return f"{user['email']} now holds only Admin on {scope['name']}."


def _human_token(console: Simulated, principal: str) -> str:
    """Ask the simulator's control API for a token of a person."""
    request = urllib.request.Request(  # noqa: S310 - the URL of our own child on loopback
        f"{console.url}/_simulator/tokens",
        data=json.dumps({"principal": principal}).encode(),
        headers={"X-Simulator-Control": "yes", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        token: str = json.load(answer)["token"]
    return token
