"""What the help texts mention exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.main import command as root
from reconciler.simulator import options as simulator

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def commands(group: click.Command, path: str = "reconciler") -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, groups too."""
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")


COMMANDS = dict(commands(root))


def options(command: click.Command) -> set[str]:
    """Every option of a command; those of the simulator stand in a file of its own."""
    own = Path(simulator.__file__).read_text("utf-8") if command.name == "simulator" else ""
    opts = {each for one in command.params for each in (*one.opts, *one.secondary_opts)}
    return {"--help", *opts, *OPTION.findall(own)}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_that_a_help_text_mentions_exists(path: str) -> None:
    known = {option for command in COMMANDS.values() for option in options(command)}
    context = click.Context(COMMANDS[path], info_name=path)

    assert set(OPTION.findall(COMMANDS[path].get_help(context))) <= known
