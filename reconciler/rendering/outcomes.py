"""What became of an apply, line by line and as a sum."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from reconciler.domain.outcome import Outcome, Result
from reconciler.rendering.safe import short, visible
from reconciler.rendering.style import Style, Tone

_TONES = {
    Result.APPLIED: Tone.GAIN,
    Result.CONFLICT: Tone.CHANGE,
    Result.FAILED: Tone.LOSS,
    Result.UNKNOWN: Tone.LOSS,
    Result.NOT_ATTEMPTED: Tone.QUIET,
}


def outcome_text(outcome: Outcome, *, color: bool) -> str:
    """Return one line: the result, the operation, and what the reader should know."""
    word = Style(color=color).paint(outcome.result.value.ljust(13), _TONES[outcome.result])
    operation = outcome.operation
    name = short(operation.name.label)
    line = f"{word} {operation.kind.value} {name}: {visible(outcome.detail)}\n"
    if outcome.remains:
        line += f"  An API token may remain: {visible(outcome.remains)}\n"
    return line


def outcomes_summary(outcomes: Sequence[Outcome], head: str) -> str:
    """Return the sum of a run and the head of the journal, to be kept elsewhere too."""
    counts = [
        f"{sum(outcome.result is result for outcome in outcomes)} {result.value}"
        for result in Result
        if result is Result.APPLIED or any(outcome.result is result for outcome in outcomes)
    ]
    return f"Apply: {', '.join(counts)}, of {len(outcomes)}.\nJournal head: {head}\n"


def undo_text(path: str, left: Sequence[str]) -> str:
    """Say how the run is undone, and what of it is not; `path` is empty when nothing is."""
    how = f"To undo this run: reconciler apply {visible(path)}"
    lines = [how if path else "No plan undoes this run:"]
    return "\n".join([*lines, *(f"  {visible(one)}" for one in left)]) + "\n"


def token_text(path: str, expires: datetime, head: str) -> str:
    """Say where a new API token is and until when; `path` is empty when nobody has it."""
    until = f"{expires:%Y-%m-%dT%H:%M:%SZ}"
    told = f"The token is in {visible(path)}; it ends at {until}.\n" if path else "No token.\n"
    return f"{told}Journal head: {head}\n"


def remaining_text(lost: Sequence[str]) -> str:
    """Say whether a second reading of the console still shows what was applied."""
    if not lost:
        return "Verified: a second reading shows everything that was applied.\n"
    names = ", ".join(short(name) for name in lost)
    return f"Not what was applied any more: {names}. Run plan to see how.\n"


def others_text(found: Mapping[str, str]) -> str:
    """Say whom somebody else changed while this run did; `found` is name -> who."""
    if not found:
        return ""
    names = ", ".join(f"{short(name)} (by {short(who)})" for name, who in sorted(found.items()))
    return (
        f"Changed by somebody else during this run: {names}.\n"
        "  One change may have overwritten the other; the console's activities show both.\n"
    )


def unverified_text(what: str, why: str) -> str:
    """Say that a look after the writing failed; the outcomes above stand as they are."""
    return f"Not verified, {what}: {visible(why)}\n"


def on_its_way_text(left: timedelta) -> str:
    """Say why nothing seems to happen for a while: a dead run's request may still arrive."""
    return (
        "… an earlier run ended in the middle of a write; waiting "
        f"{max(1, round(left.total_seconds()))} s, until its request can no longer arrive\n"
    )


def unfinished_text(found: Sequence[tuple[str, str, str]]) -> str:
    """Say what became of an earlier run's intents; `found` is principal, time and what is known."""
    if not found:
        return ""
    lines = [
        f"  {short(name)}, intended at {visible(time)}: {visible(known)}"
        for name, time, known in found
    ]
    return (
        "An earlier run ended before it could record what became of:\n"
        + "\n".join(lines)
        + "\nThis run starts from what the console shows now.\n"
    )
