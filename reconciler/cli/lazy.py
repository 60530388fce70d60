"""A group of commands that imports a command's module only when it is used."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """Knows its commands by `module:attribute`, so that `validate` starts quickly."""

    places: ClassVar[Mapping[str, str]] = {}
    """Command -> where it is, in the order in which help lists it; a subclass says it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List every command."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return one command."""
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command
