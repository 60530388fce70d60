"""Options that the CI commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def placed(function: _F) -> _F:
    """Add --policies and --folder."""
    policies = click.option(
        "--policies",
        type=click.Path(path_type=Path),
        default=Path("policies"),
        show_default=True,
        metavar="DIR",
        help="Folder of the policy files in a checkout of the run's own commit.",
    )
    folder = click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".reconciler/ci"),
        show_default=True,
        metavar="DIR",
        help="Where the result is left for `ci publish`.",
    )
    return policies(folder(function))
