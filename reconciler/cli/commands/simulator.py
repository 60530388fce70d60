"""`reconciler simulator`."""

import os
import sys

import click

from reconciler.cli.session import Session, child_environment, pass_session
from reconciler.cli.simulated import simulator_command


@click.command(
    "simulator",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_session
def command(session: Session, arguments: tuple[str, ...]) -> None:
    """Serve a console to rehearse on; every option is the simulator's own, `--help` too."""
    # A process of its own, in place of this one: it shares no code and no secret with us.
    sys.stdout.flush()
    words = simulator_command(*arguments)
    os.execve(sys.executable, words, child_environment(session.runtime.environ))  # noqa: S606 - no shell is wanted
