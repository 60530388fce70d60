"""The question before anything is written."""

import sys

import click

from reconciler.cli.session import is_terminal
from reconciler.errors import RefusedError


def ask() -> None:
    """Ask on the terminal; raise RefusedError when there is none or the answer is no."""
    if not is_terminal(sys.stdin):
        raise RefusedError(
            "There is no terminal to ask for approval on.",
            "Run it on a terminal, or pass --auto-approve.",
        )
    try:
        answer = click.prompt("Write this to the console? Only 'yes' does", default="no")
    except click.Abort:
        click.echo("\nNothing was written.", err=True)
        raise
    if answer != "yes":
        raise RefusedError("Not approved; nothing was written.", "Run it again to be asked.")
