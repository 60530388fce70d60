"""`reconciler pin`."""

from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.console import read_client
from reconciler.cli.options import files
from reconciler.cli.session import Session, pass_session
from reconciler.console.reader import read_actual
from reconciler.documents.load import PINS, Loaded, load
from reconciler.documents.pins_file import pins_text, write_pins
from reconciler.domain.pins import Pins
from reconciler.domain.state import Actual
from reconciler.errors import ExitCode, PolicyError, Problem
from reconciler.planning.names import Names
from reconciler.planning.pinning import make_pins, to_pin
from reconciler.planning.repinning import pin_changes, pins_tree
from reconciler.planning.rolepins import role_changes
from reconciler.rendering.messages import problems_text
from reconciler.rendering.pins import pin_changes_text, pinned_text
from reconciler.rendering.safe import short
from reconciler.workflow.observe import with_permissions


@dataclass(frozen=True, slots=True)
class _Read:
    """The pins of now, and the state they rest on."""

    pins: Pins
    actual: Actual
    problems: tuple[Problem, ...]
    """What the policies name and is not there; nothing is pinned before that is mended."""


@click.command("pin")
@files
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 2 when pinning would change something."
)
@pass_session
def command(session: Session, policies: Path, guardrails: Path | None, check: bool) -> int:
    """Write down which ids and permissions the names mean. Cannot write to the console.

    The file is DIR/pins.yaml. From then on, a plan is stopped when an address, a site or a role
    was given to somebody or something else, and nobody is granted a role that permits something
    else than when it was pinned. To pin again is to agree with what is there now: so read what
    is shown, and have the file reviewed.

    \b
    Examples:
      reconciler pin
      reconciler pin --check
    """
    loaded = load(policies, guardrails)
    read = _read(session, loaded)
    path = policies / PINS
    differs = _show(session, loaded.pins, read)
    if read.problems and not check:
        # Pinned by its new name alone, the old name of what was renamed would be anybody's.
        raise PolicyError(read.problems)
    if check:
        click.echo(problems_text(read.problems, color=session.color_err), err=True, nl=False)
        told = "differs from the console" if differs else "up to date"
        if loaded.pins is None:
            told = "there are no pins yet; write them with `reconciler pin`"
        click.echo(f"{path}: {told}.")
        return ExitCode.DIFFERENCES if differs else ExitCode.DONE
    if not differs:
        click.echo(f"{path}: up to date, {pinned_text(read.pins)}.")
        return ExitCode.DONE
    write_pins(path, pins_text(pins_tree(read.pins)))
    click.echo(f"{path}: pinned {pinned_text(read.pins)}.")
    return ExitCode.DONE


def _read(session: Session, loaded: Loaded) -> _Read:
    """Read the console and what the roles permit; tell on stderr what cannot be pinned."""
    progress, instant = session.progress(), session.instant()
    with read_client(session) as client:
        actual = read_actual(client, progress)
        chosen = to_pin(loaded.policy, loaded.guardrails, actual, loaded.pins, instant)
        role_ids = {role.id for role in chosen.roles}
        actual = with_permissions(client, actual, role_ids, progress)
    pins, left = make_pins(chosen, actual)
    for note in actual.notes:
        click.echo(f"note: {short(note)}", err=True)
    for name in left:
        told = "cannot be told by its name alone; policies name it by its id, which needs no pin"
        click.echo(f'note: "{short(name)}" {told}.', err=True)
    return _Read(pins, actual, chosen.notes)


def _show(session: Session, before: Pins | None, read: _Read) -> bool:
    """Show what pinning changes; without pins everything is new, and nothing is listed."""
    if before is None:
        return True
    changes = pin_changes(before, read.pins)
    roles = role_changes(Names.of(read.actual, before), read.actual)
    click.echo(pin_changes_text(changes, roles, color=session.color_out), nl=False)
    return bool(changes)
