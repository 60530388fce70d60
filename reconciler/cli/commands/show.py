"""`reconciler show`."""

from pathlib import Path

import click

from reconciler.cli.formats import PLAN, Output, Report
from reconciler.cli.session import Session, pass_session
from reconciler.documents.plan_file import read_plan_file
from reconciler.errors import ExitCode


@click.command("show")
@click.argument("planfile", type=click.Path(path_type=Path, dir_okay=False))
@PLAN.option
@pass_session
def command(session: Session, planfile: Path, form: str, reports: tuple[Report, ...]) -> int:
    """Print a saved plan, without token and network.

    A stale plan can still be read; whether it still holds is checked by `apply PLANFILE`.
    """
    PLAN.deliver(session, read_plan_file(planfile), Output(form, reports))
    return ExitCode.DONE
