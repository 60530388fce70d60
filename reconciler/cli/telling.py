"""How a result is shown while something is being written."""

import contextlib

import click


def tell(text: str, *, err: bool = False) -> None:
    """Show a result; a reader who went away does not stop a run, whose record is the journal."""
    with contextlib.suppress(OSError):
        click.echo(text, err=err, nl=False)
