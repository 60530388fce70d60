"""Problems of the policy files, and errors, for a pull request."""

from collections.abc import Callable, Sequence

from reconciler.errors import PolicyError, Problem, ReconcilerError, RefusedError
from reconciler.rendering.fitting import COMMENT, Missing, fitted
from reconciler.rendering.markdown import BREAK, Section, address, code, row, sentence, table
from reconciler.rendering.wording import plural

_COLUMNS = ("Where", "What", "Fix")
_LONG = 2_000
"""Characters of a message from which on it is cut; ordinary ones are told in full."""


def problems_markdown(
    problems: Sequence[Problem],
    warnings: Sequence[Problem] = (),
    *,
    limit: int = COMMENT,
    full_at: str = "",
) -> str:
    """Return what is wrong with the policy files, errors first, with a final newline.

    At most `limit` characters: rows are left out from the end, and it is told how many. With
    `full_at`, an https address or any text, it is told where all are.
    """
    if problems:
        head = f"### {plural(len(problems), 'problem')} in the policy files"
        verdict = (
            "> [!CAUTION]\n> **There is no plan: the files are at fault. Nothing is written.**"
        )
    else:
        head = "### The policy files are valid"
        verdict = f"> [!NOTE]\n> **{plural(len(warnings), 'warning')}.**"
    parts = [
        Section(table("Problems", _COLUMNS), tuple(map(_row, problems)), "problem"),
        Section(table("Warnings", _COLUMNS), tuple(map(_row, warnings)), "warning"),
    ]
    where = f"All of them: {address(full_at)}" if full_at else "The log of the run has them all."

    def note(missing: Missing) -> str:
        kinds = " and ".join(plural(count, noun) for noun, count in missing.items())
        return f"> [!IMPORTANT]\n> **{kinds} not shown here for want of room.** {where}"

    return fitted([head, verdict], parts, [], limit, note)


def error_markdown(error: ReconcilerError, *, limit: int = COMMENT, full_at: str = "") -> str:
    """Return why there is no result, and the remedy; for broken policies all problems."""
    if isinstance(error, PolicyError):
        return problems_markdown(error.problems, limit=limit, full_at=full_at)
    if isinstance(error, RefusedError):
        head, told = "### Refused", "**Refused: nothing was written.**"
    else:
        head, told = "### Failed", "**There is no result: nothing can be concluded from this run.**"

    def drawn(tell: Callable[[str], str]) -> str:
        lines = [f"- {tell(error.message)}"]
        lines += [f"  - fix: {tell(error.remedy)}"] if error.remedy else []
        return "\n\n".join([head, f"> [!CAUTION]\n> {told}", "\n".join(lines)]) + "\n"

    whole = drawn(_told)
    return whole if len(whole) <= limit else drawn(code)


def _row(problem: Problem) -> str:
    place = code(str(problem.place)) if problem.place else ""
    what = f"**{code(problem.code)}**{BREAK}{_told(problem.message)}"
    return row(place, what, _told(problem.remedy) if problem.remedy else "")


def _told(text: str) -> str:
    return sentence(text) if len(text) <= _LONG else code(text)
