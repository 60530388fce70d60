"""`reconciler simulator`."""

import os
import sys
from pathlib import Path

import click

from reconciler.cli.session import Session, child_environment, pass_session
from reconciler.cli.simulated import simulator_command


@click.command("simulator")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--world",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="World to serve, as JSON; without it, the sample company.",
)
@pass_session
def command(session: Session, port: int, world: Path | None) -> None:
    r"""Serve a console to rehearse on, on this machine.

    Speaks the Management API v2.1 on loopback. Prints one line of JSON, {"url": ..., "token":
    ...}, then serves until it is interrupted. Nothing it holds survives it.

    \b
    Example:
      reconciler simulator --port 8080
    """
    # A process of its own, in place of this one: it shares no code and no secret with us.
    sys.stdout.flush()
    arguments = simulator_command("--port", str(port), *(["--world", str(world)] if world else []))
    os.execve(sys.executable, arguments, child_environment(session.runtime.environ))  # noqa: S606 - no shell is wanted
