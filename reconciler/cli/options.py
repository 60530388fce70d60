"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from reconciler.domain.names import PrincipalName
from reconciler.domain.plan import Options

_F = TypeVar("_F", bound=Callable[..., Any])

_POLICIES = click.option(
    "--policies",
    type=click.Path(path_type=Path),
    default=Path("policies"),
    show_default=True,
    metavar="DIR",
    help="Folder of the policy files.",
)
_GUARDRAILS = click.option(
    "--guardrails",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="Judge by this file instead of DIR/guardrails.yaml, e.g. the base branch's copy.",
)
_TARGET = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PRINCIPAL",
    help="Only this user (e-mail) or service user (service:NAME). May be repeated.",
)
_NO_REVOKES = click.option(
    "--no-revokes", is_flag=True, help="Grant only; take nothing away from anybody."
)


_BASE = click.option(
    "--base",
    metavar="REF",
    help="Commit whose policies count as the base: whoever it manages must still be managed, or "
    "be listed as former. In a git work tree without this option: HEAD's first parent, and "
    "HEAD as well while there are uncommitted changes.",
)


def _tell_missing(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Say that a journal is not there which somebody named: no limit over time holds then."""
    source = context.get_parameter_source(parameter.name or "")
    if source is ParameterSource.COMMANDLINE and not value.exists():
        told = f"There is no journal {value}: guardrails that count earlier runs find none."
        click.echo(told, err=True)
    return value


def _journal(help_: str, callback: Callable[..., Path] | None = None) -> Callable[[_F], _F]:
    return click.option(
        "--journal",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path(".reconciler/journal.jsonl"),
        show_default=True,
        metavar="FILE",
        help=help_,
        callback=callback,
    )


journal_file = _journal("Where every intent and outcome is recorded.")
journal_kept = _journal("Where every intent and outcome is recorded. No journal, no change.")
journal_read = _journal(
    "Earlier runs, which guardrails judge by; only read, and nothing where there is no file.",
    _tell_missing,
)


def policies(function: _F) -> _F:
    """Add --policies."""
    return _POLICIES(function)


def files(function: _F) -> _F:
    """Add --policies and --guardrails."""
    return _POLICIES(_GUARDRAILS(function))


def compared(function: _F) -> _F:
    """Add --policies, --guardrails and --base."""
    return files(_BASE(function))


def shaping(function: _F) -> _F:
    """Add the options that shape a plan: the files, --base, --target, --no-revokes."""
    return compared(_TARGET(_NO_REVOKES(function)))


def plan_options(targets: tuple[str, ...], *, no_revokes: bool) -> Options:
    """Turn the options into the value that is part of a plan."""
    names = sorted({PrincipalName.parse(target) for target in targets})
    return Options(targets=tuple(names), no_revokes=no_revokes)
