"""`reconciler show`."""

from pathlib import Path

import click

from reconciler.cli.session import Session, pass_session
from reconciler.documents.plan_file import read_plan_file
from reconciler.errors import ExitCode
from reconciler.rendering.as_json import to_json
from reconciler.rendering.as_text import plan_text


@click.command("show")
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@pass_session
def command(session: Session, planfile: Path, form: str) -> int:
    """Print a saved plan, without token and network.

    A stale plan can still be read; whether it still holds is checked by `apply PLANFILE`.
    """
    tree = read_plan_file(planfile)
    text = to_json(tree) if form == "json" else plan_text(tree, color=session.color_out)
    click.echo(text, nl=False)
    return ExitCode.DONE
