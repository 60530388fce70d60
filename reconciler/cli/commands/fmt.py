"""`reconciler fmt`."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource

from reconciler.cli.options import policies as policies_option
from reconciler.cli.session import Session, pass_session
from reconciler.documents.files import SourceFile, find_files, read_file
from reconciler.documents.fmt import format_text
from reconciler.documents.prescan import text_of
from reconciler.documents.replace import Replacement, replace_files
from reconciler.errors import ExitCode, Place, PolicyError, Problem
from reconciler.rendering.safe import visible
from reconciler.rendering.style import Style, Tone

_TONES = {"+": Tone.GAIN, "-": Tone.LOSS, "@": Tone.CHANGE}


@click.command("fmt")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@policies_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Show what changes, also with --check.")
@pass_session
def command(
    session: Session, files: tuple[Path, ...], policies: Path, check: bool, diff: bool
) -> int:
    """Write the policy files in their one layout. Values and comments stay.

    Without FILE, all files of the policies folder. Each file that changes is named; nothing is
    written while one of them cannot be read. Whether they make sense is told by `validate`.

    \b
    Examples:
      reconciler fmt
      reconciler fmt --check --diff
      reconciler fmt policies/emea/soc.yaml
    """
    context = click.get_current_context()
    if files and context.get_parameter_source("policies") is not ParameterSource.DEFAULT:
        raise click.UsageError("Name files, or a folder with --policies, not both.")
    sources = _named(files) if files else _found(policies)
    changes = _changes(sources, None if files else policies)
    for change in changes:
        shown = str(change.folder / change.path)
        text = "".join(_diff(change, shown, session)) if diff else visible(shown) + "\n"
        click.echo(text, nl=False)
    if check and changes:
        click.echo(f"{_count(len(changes))} not in layout; `reconciler fmt` writes it.", err=True)
        return ExitCode.FAILED
    replace_files(changes)
    done = f"{len(changes)} of them written anew" if changes else "in layout already"
    click.echo(f"{_count(len(sources))}, {done}.", err=True)
    return ExitCode.DONE


def _found(policies: Path) -> tuple[SourceFile, ...]:
    """Read the files of a folder; raises PolicyError when one of them cannot be read."""
    sources, problems = find_files(policies)
    if problems:
        _refuse(sources, problems)
    return sources


def _named(files: tuple[Path, ...]) -> tuple[SourceFile, ...]:
    """Read the files that were named, each once; raises PolicyError when one is not for us."""
    sources: list[SourceFile] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(files):
        place = Place(str(path))
        if path.suffix != ".yaml":
            told, remedy = "only files that end in `.yaml` are policies", "Rename it, or leave it."
            problems.append(Problem(place, "not-a-policy-file", told, remedy))
        elif path.is_symlink():
            told, remedy = "this is a link", "Name the file itself; links are not followed."
            problems.append(Problem(place, "link", told, remedy))
        else:
            try:
                sources.append(read_file(path))
            except PolicyError as error:
                problems += error.problems
    if problems:
        _refuse(tuple(sources), tuple(problems))
    return tuple(sources)


def _refuse(sources: tuple[SourceFile, ...], problems: tuple[Problem, ...]) -> None:
    """Raise PolicyError with problems, and with what is wrong in the other files."""
    try:
        _changes(sources, None)
    except PolicyError as error:
        problems += error.problems
    raise PolicyError(problems)


def _changes(sources: tuple[SourceFile, ...], folder: Path | None) -> list[Replacement]:
    """Return what is not in layout; raises PolicyError with everything that cannot be read."""
    changes: list[Replacement] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            text = format_text(text_of(source.raw, source.file), source.file)
        except PolicyError as error:
            problems += error.problems
            continue
        after = text.encode()
        if after != source.raw:
            where = folder or Path(source.file).parent
            changes.append(Replacement(where, source.path, source.raw, after))
    if problems:
        raise PolicyError(tuple(problems))
    return changes


def _diff(change: Replacement, shown: str, session: Session) -> Iterator[str]:
    """Yield the lines of a unified diff, safe for a terminal."""
    style = Style(color=session.color_out)
    before, after = (raw.decode().split("\n") for raw in (change.before, change.after))
    for line in difflib.unified_diff(before, after, shown, f"{shown} in layout", lineterm=""):
        tones = [_TONES[line[0]]] if line[0] in _TONES else []
        yield style.paint(visible(line), *tones) + "\n"


def _count(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"
