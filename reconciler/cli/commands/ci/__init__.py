"""`reconciler ci`."""

from typing import ClassVar

import click

from reconciler.cli.lazy import LazyGroup

_MODULES = ("plan", "apply", "drift", "publish")
"""Commands, each in the module of its name."""


class _Group(LazyGroup):
    places: ClassVar = {name: f"{__name__}.{name}:{name}_command" for name in _MODULES}


@click.group("ci", cls=_Group)
def command() -> None:
    """Plan on pull requests, apply on merge, report drift on a schedule.

    Two jobs, so that the console's token and the right to comment never meet: one plans and
    leaves a folder, the other publishes the folder.
    """
