# ruff: noqa: INP001 -- a script of the workflows, not part of the package
"""Write a command's output as Markdown for a job summary: `summary.py TITLE FILE...`.

The output may name things that somebody in the console chose, so it stands in a fence that it
cannot close, and it goes to the summary only: in a job's log, a line that begins with `::` would
be a command to the runner. Standard library only, run as `python -I`.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LIMIT = 1_000_000
"""Bytes written at most; GitHub drops a summary above 1 MiB without failing the step."""


_MISSING = "\n**{} more lines are not shown here. Run the command yourself to see all.**\n"


def summary(title: str, *texts: str, limit: int = LIMIT) -> str:
    """Return Markdown with `title` and each text that is not empty in a fence of its own.

    `limit` is in bytes of UTF-8, all included, in equal shares, so that a long plan does not push
    the errors out. What does not fit is cut at the end of a line and counted, so that nobody takes
    the rest for the whole.
    """
    heading = f"### {title}\n"
    share = (limit - len(heading.encode())) // max(1, len(texts))
    return heading + "".join(_block(text, share) for text in texts if text.strip())


def _block(text: str, limit: int) -> str:
    kept, left_out = _cut(text, limit - 2 * len(_fence(text)) - len(_MISSING) - 50)
    fence = _fence(kept)
    return f"\n{fence}text\n{kept}{fence}\n" + (_MISSING.format(left_out) if left_out else "")


def _fence(text: str) -> str:
    """Return a run of backticks longer than any in the text."""
    return "`" * (1 + max([2, *map(len, re.findall("`+", text))]))


def _cut(text: str, room: int) -> tuple[str, int]:
    """Return the leading whole lines that fit into `room` bytes, and how many lines do not."""
    lines = [f"{line}\n" for line in text.rstrip("\n").split("\n")]
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
    return "".join(kept), len(lines) - len(kept)


def _read(files: list[str]) -> Iterator[str]:
    for file in files:
        yield Path(file).read_text(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    sys.stdout.buffer.write(summary(sys.argv[1], *_read(sys.argv[2:])).encode())
