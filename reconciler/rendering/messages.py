"""Errors and problems in the words and the form that a terminal, an editor and CI understand."""

from collections.abc import Iterable

from reconciler.errors import PolicyError, Problem, ReconcilerError
from reconciler.rendering.safe import visible
from reconciler.rendering.style import Style, Tone


def error_text(error: ReconcilerError, *, color: bool) -> str:
    """Return an error with its remedy; a policy error with all its problems."""
    style = Style(color=color)
    word = style.paint("error:", Tone.LOSS, Tone.STRONG)
    if isinstance(error, PolicyError):
        listed = problems_text(error.problems, color=color)
        return f"{listed}\n{word} {error.message}; nothing was written.\n"
    lines = [f"{word} {visible(error.message)}"]
    if error.remedy:
        lines.append(f"  fix: {visible(error.remedy)}")
    return "\n".join(lines) + "\n"


def problems_text(problems: Iterable[Problem], *, color: bool) -> str:
    """Return problems as `file:line:column: code: message` with the remedy indented below."""
    style = Style(color=color)
    lines = []
    for problem in problems:
        place = f"{visible(str(problem.place))}: " if problem.place else ""
        code = style.paint(visible(problem.code), Tone.CHANGE)
        lines.append(f"{place}{code}: {visible(problem.message)}")
        lines.append(f"    {visible(problem.remedy)}")
    return "\n".join(lines) + ("\n" if lines else "")
