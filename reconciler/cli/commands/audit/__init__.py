"""`reconciler audit`."""

import importlib

import click

_COMMANDS = {
    "verify": "reading",
    "head": "reading",
    "show": "reading",
    "export": "exporting",
    "reconcile": "reconciling",
}
"""Command -> module beside this one; only what asks somebody loads what can."""


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group("audit", cls=_Group)
def command() -> None:
    """Check, read and pass on the journal.

    Only `reconcile`, which asks the console, and `export --to` need a token and a network.
    The journal is a chain: each record names the hash of the one before. Keep the head that
    `apply` prints where the journal's owner cannot rewrite it; with it, `audit verify` proves
    that nothing was changed, removed or replaced since.
    """
