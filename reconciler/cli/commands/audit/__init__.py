"""`reconciler audit`."""

from typing import ClassVar

import click

from reconciler.cli.lazy import LazyGroup

_MODULES = {
    "verify": "reading",
    "head": "reading",
    "show": "reading",
    "export": "exporting",
    "reconcile": "reconciling",
}
"""Command -> module beside this one; only what asks somebody loads what can."""


class _Group(LazyGroup):
    places: ClassVar = {name: f"{__name__}.{module}:{name}" for name, module in _MODULES.items()}


@click.group("audit", cls=_Group)
def command() -> None:
    """Check, read and pass on the journal.

    Only `reconcile`, which asks the console, and `export --to` need a token and a network.
    The journal is a chain: each record names the hash of the one before. Keep the head that
    `apply` prints where the journal's owner cannot rewrite it; with it, `audit verify` proves
    that nothing was changed, removed or replaced since.
    """
