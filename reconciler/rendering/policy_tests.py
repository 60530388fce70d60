"""What became of the policy tests: as text, and as rows for a report."""

from collections.abc import Iterator, Sequence

from reconciler.planning.expectations import Failure, Verdict
from reconciler.rendering.safe import visible
from reconciler.rendering.style import Style, Tone

Row = tuple[str, str, str | None, str, int]
"""Name, class name, failure or None, file, line."""


def verdicts_text(verdicts: Sequence[Verdict], *, color: bool) -> str:
    """Return a line for each test, below a failed one everything that breaks it, and the sum."""
    style = Style(color=color)
    lines = []
    for verdict in verdicts:
        test = verdict.test
        if not verdict.failures:
            lines.append(f"{style.paint('pass', Tone.GAIN)}  {visible(test.name)}")
            continue
        word = style.paint("FAIL", Tone.LOSS, Tone.STRONG)
        lines.append(f"{word}  {visible(test.name)}  ({visible(str(test.place))})")
        lines.extend(f"      {line}" for one in verdict.failures for line in _lines(one))
    failed = sum(bool(verdict.failures) for verdict in verdicts)
    passed = len(verdicts) - failed
    lines.append(f"Policy tests: {passed} passed, {failed} failed.")
    return "\n".join(lines) + "\n"


def verdict_rows(verdicts: Sequence[Verdict]) -> list[Row]:
    """Return the verdicts as rows for a JUnit report."""
    return [
        (
            verdict.test.name,
            verdict.test.place.file,
            "; ".join(line for one in verdict.failures for line in _lines(one)) or None,
            verdict.test.place.file,
            verdict.test.place.line,
        )
        for verdict in verdicts
    ]


def _lines(failure: Failure) -> Iterator[str]:
    """Yield the failure at its first place, then the other places alone."""
    first, *others = failure.places or (None,)
    yield f"{visible(f'{first}: ' if first else '')}{visible(failure.message)}"
    yield from (f"  and {visible(str(place))}" for place in others)
