"""Sections of Markdown fitted into the room there is: rows go from the end, and are counted."""

from collections.abc import Callable, Mapping, Sequence

from reconciler.rendering.markdown import Section

COMMENT = 65_536
"""Characters of the longest comment that GitHub takes."""

Missing = Mapping[str, int]
"""What one row is -> how many are not shown."""


def fitted(
    top: Sequence[str],
    parts: Sequence[Section],
    foot: Sequence[str],
    limit: int,
    note: Callable[[Missing], str],
) -> str:
    """Return a document of at most `limit` characters with as many rows as there is room for.

    `note` tells what is missing and stands below `top`. Sections whose rows are all needed come
    first. Without room for those, `top` and `foot` the limit does not hold, and the caller looks.
    """

    def told(count: int) -> str:
        left = count
        blocks: list[str] = []
        missing: dict[str, int] = {}
        for part in parts:
            shown = min(left, len(part.rows))
            left -= shown
            if shown:
                blocks.append(part.told(shown))
            if shown < len(part.rows):
                missing[part.noun] = missing.get(part.noun, 0) + len(part.rows) - shown
        notes = [note(missing)] if missing else []
        return "\n\n".join([*top, *notes, *blocks, *foot]) + "\n"

    every = sum(len(part.rows) for part in parts)
    if len(told(every)) <= limit:
        return told(every)
    # The most rows that fit lie between what is needed and everything.
    low, high = sum(len(part.rows) for part in parts if part.is_needed), every
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(told(middle)) <= limit else (low, middle)
    return told(low)
