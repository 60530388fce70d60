"""What can go wrong, by who is to blame, and how it is told.

    ReconcilerError
      PolicyError        the files are at fault; carries every problem found
      SettingsError      the environment or the command line is at fault
      ConsoleError       the console, or the way to it, is at fault
        UnreachableError     no answer arrived, and nothing can have happened
        LostAnswerError      a write was sent and its answer was lost: it may have happened
        DeniedError          the console refuses this token (401, 403)
        MissingError         the console does not know the thing (404)
        NotUnderstoodError   an answer arrived that this product does not understand
        IncompleteReadError  a listing may be missing something
      JournalError       the record cannot be kept, so nothing may be written
      RefusedError       a guardrail, a binding or a lock says no; nothing was written

A `Problem` is a value, not an exception: functions collect them and report all at once.
"""

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command; precedence 1, 3, 2."""

    DONE = 0
    FAILED = 1
    DIFFERENCES = 2
    REFUSED = 3
    PARTIAL = 4
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file. `line` and `column` count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Write `file:line:column`, without the parts that are unknown."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong, told so that the reader can mend it."""

    place: Place | None
    """Where it stands; None when it stands in no file."""
    code: str
    """Stable kebab-case name of the rule, e.g. `unknown-site`."""
    message: str
    """What is wrong, with the offending text quoted."""
    remedy: str
    """What to do about it; one sentence or two."""


class ReconcilerError(Exception):
    """Root of every error this product raises on purpose."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class PolicyError(ReconcilerError):
    """The policy files are at fault."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} found")
        self.problems = sort_problems(problems)


class SettingsError(ReconcilerError):
    """The environment, a profile or the command line is at fault."""


class ConsoleError(ReconcilerError):
    """The console, or the way to it, is at fault."""


class UnreachableError(ConsoleError):
    """No usable answer arrived after all retries, and nothing can have happened."""


class LostAnswerError(ConsoleError):
    """A write was sent and no usable answer arrived; only reading tells whether it happened."""


class DeniedError(ConsoleError):
    """The console refuses this token (401 or 403)."""


class MissingError(ConsoleError):
    """The console does not know the thing that was asked for (404)."""


class NotUnderstoodError(ConsoleError):
    """An answer arrived that does not have the documented form."""


class IncompleteReadError(ConsoleError):
    """A listing may be missing something, so nothing may be concluded from it."""


class JournalError(ReconcilerError):
    """The journal cannot be written or is damaged."""


class RefusedError(ReconcilerError):
    """A guardrail, a binding or a lock says no; nothing was written."""

    exit_code = ExitCode.REFUSED


def sort_problems(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Sort by place, then code, and drop literal repeats."""

    def key(problem: Problem) -> tuple[str, int, int, str, str]:
        place = problem.place or Place("")
        return (place.file, place.line, place.column, problem.code, problem.message)

    return tuple(sorted(set(problems), key=key))
